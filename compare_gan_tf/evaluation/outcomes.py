"""What one metric says of two sides, a reason where it says nothing."""

import dataclasses
import functools
import hashlib
import inspect
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from compare_gan_tf.config import gin_parameters
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import misleading
from compare_gan_tf.metrics.base import Collected, UndefinedScore

SIDES = {"real": "the real side", "fake": "the fakes"}
# What a metric needs and how to give it, by the field of `Collected`.
NEEDS = {
    "features": "features of {side}: give samples or features",
    "logits": "logits of {side}: give samples, and an extractor that has logits",
    "logit_bias": "the bias of the logits of {side}: give an extractor that knows it",
    "statistics": "mean and covariance of {side}: give features, or a file of both",
    "images": "images of {side}: give images",
    "labels": "labels of {side}: give samples that have labels",
    "generate": "a generator that can be differentiated: give a GAN or a run (--fake=RUN) of a"
    " continuous generator",
    "latents": "the latents of a generator: give a GAN or a run (--fake=RUN) of a continuous"
    " generator",
    "discriminate": "a discriminator: give a GAN or a run (--fake=RUN) of a continuous generator",
    "kernels": "the kernels of a discriminator: give a GAN or a run (--fake=RUN)",
    "held_out": "real samples that no model was trained on: name them by held_out, or score a"
    " run on its split train",
}


class Outcome(NamedTuple):
    """One score.

    Attributes:
      name: of the score, such as "precision".
      value: None if there is none.
      reason: why there is none, else None.
      interval: of 95 %, or None.
      seconds: that the metric took, for all its scores together.
      warnings: why it may mislead, as far as the samples tell, see `misleading`.
    """

    name: str
    value: float | None
    reason: str | None
    interval: list[float] | None
    seconds: float
    warnings: tuple[str, ...] = ()


def needs(metrics, side: str) -> frozenset:
    """Names of the fields of `Collected` that any of the metrics looks at on a side."""
    looks = [looked.get(side, ()) for metric in metrics for looked in (metric.needs, metric.wants)]
    return frozenset(kind for kinds in looks for kind in kinds)


def settings(metric) -> dict:
    """The metric's own settings, the fields of its dataclass, as values of JSON.

    Without `interval`, which says whether there is to be one: it moves no score.
    """
    names = [field.name for field in dataclasses.fields(metric) if field.name != "interval"]
    return {name: _plain(getattr(metric, name)) for name in names}


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, np.ndarray):
        return (
            f"{value.dtype} {list(value.shape)} {hashlib.sha256(value.tobytes()).hexdigest()[:8]}"
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"": type(value).__qualname__, **settings(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if value is None or isinstance(value, str | int | float | bool):
        return value
    named = getattr(value, "__qualname__", None) or getattr(value, "name", None)
    name, inside = str(named or type(value).__qualname__), _inside(value)
    return {"": name, **_plain(inside)} if inside else name


def _inside(value) -> dict:
    """What moves the results of a function besides its arguments, if anything does."""
    if isinstance(value, functools.partial):
        return {"of": value.func, "arguments": value.args, "keywords": value.keywords}
    if inspect.ismethod(value):
        return {"of": value.__self__}
    if not inspect.isroutine(value) and not isinstance(value, type):
        return {}
    return gin_parameters.effective(value) | _enclosed(inspect.unwrap(value))


def _enclosed(function: Callable) -> dict:
    """Values that a function has from the one that made it."""
    if not inspect.isfunction(function):
        return {}
    found = inspect.getclosurevars(function).nonlocals
    kinds = str | int | float | list | tuple | np.ndarray | np.generic
    return {name: value for name, value in found.items() if isinstance(value, kinds)}


def attempt(collect: Callable[[], Collected]) -> Collected | str:
    """What is collected of a side, or the reason why its samples have no scores."""
    try:
        return collect()
    except UndefinedScore as error:
        return str(error)


def outcomes(metric, real: Collected | str, fake: Collected | str) -> list[Outcome]:
    """The scores of a metric, in the order of its `scores`, and then what it tells besides.

    A metric to which mean and covariance of the reals will do gets nothing else of their features,
    also where others need them: its interval then does not depend on what else is scored, nor on
    what was in the cache.

    A side may be a reason, see `attempt`: then it is that of every score.
    """
    for side in (real, fake):
        if isinstance(side, str):
            return failed(metric, side)
    start = time.monotonic()
    real = seen(metric, real)
    found, reason = {}, lacking(metric, {"real": real, "fake": fake})
    if reason is None:
        found, reason = _attempt(metric, real, fake)
    seconds = round(time.monotonic() - start, 3)
    names = dict.fromkeys((*metric.scores, *found))
    made = [_outcome(name, found.get(name), reason, seconds) for name in names]
    return misleading.warned(made, metric, real, fake) if found else made


def seen(metric, real: Collected) -> Collected:
    """What a metric sees of the reals."""
    known = metric.takes_statistics and real.statistics is not None
    return dataclasses.replace(real, features=None) if known else real


def failed(metric, reason: str) -> list[Outcome]:
    """All scores of a metric without a value, for the same reason."""
    return [Outcome(name, None, reason, None, 0.0) for name in metric.scores]


def _attempt(metric, real: Collected, fake: Collected) -> tuple[dict, str | None]:
    try:
        return metric(real, fake), None
    except UndefinedScore as error:
        return {}, str(error)
    except np.linalg.LinAlgError as error:
        return {}, f"the linear algebra of {metric.name} failed: {error}"
    except MemoryError:
        return {}, f"{metric.name} needs more memory than there is: take fewer samples"


def lacking(metric, sides: dict[str, Collected]) -> str | None:
    """What a metric needs and a side has not got, in words."""
    for side, collected in sides.items():
        for kind in metric.needs.get(side, ()):
            instead = kind == "features" and metric.takes_statistics
            if getattr(collected, kind, None) is None and not (instead and collected.statistics):
                return f"{metric.name} needs {NEEDS[kind].format(side=SIDES[side])}"
    return None


def _outcome(name: str, score, reason: str | None, seconds: float) -> Outcome:
    if score is None:
        return Outcome(name, None, reason or f"{name} was not computed", None, seconds)
    value, interval = float(score.value), score.interval
    if not math.isfinite(value):
        return Outcome(name, None, f"{name} is not finite: {value}", None, seconds)
    if interval is not None:
        interval = [float(bound) for bound in interval]
        interval = interval if all(map(math.isfinite, interval)) else None
    return Outcome(name, value, None, interval, seconds)


def check_width(real: Collected | str, fake: Collected | str) -> None:
    """Refuses features of different lengths.

    Raises:
      UserError: names both.
    """
    widths = [_width(real), _width(fake)]
    if None not in widths and widths[0] != widths[1]:
        raise UserError(
            f"the features of the two sides differ in length, {widths[0]} and {widths[1]}: they"
            " must come from one extractor"
        )


def _width(collected: Collected | str) -> int | None:
    if isinstance(collected, str):
        return None
    if collected.features is not None:
        return collected.features.shape[1]
    return None if collected.statistics is None else len(collected.statistics.mean)
