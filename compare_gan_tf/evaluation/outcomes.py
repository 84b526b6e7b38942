"""What one metric says of two sides, a reason where it says nothing."""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import misleading
from compare_gan_tf.metrics.base import Collected, Score, UndefinedScore
from compare_gan_tf.metrics.intervals import Jackknifed, paired_difference
from compare_gan_tf.metrics.protocol import Protocol
from compare_gan_tf.metrics.protocol import differences as differing
from compare_gan_tf.runs import results

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
      warnings: why it may mislead, as far as the samples tell, see `misleading`.
    """

    name: str
    value: float | None
    reason: str | None
    interval: list[float] | None
    warnings: tuple[str, ...] = ()


def needs(metrics, side: str) -> frozenset:
    """Names of the fields of `Collected` that any of the metrics looks at on a side."""
    looks = [looked.get(side, ()) for metric in metrics for looked in (metric.needs, metric.wants)]
    return frozenset(kind for kinds in looks for kind in kinds)


def attempt(collect: Callable[[], Collected]) -> Collected | str:
    """What is collected of a side, or the reason why its samples have no scores."""
    try:
        return collect()
    except UndefinedScore as error:
        return str(error)


def outcomes(metric, real: Collected | str, *fakes: Collected | str) -> list[Outcome]:
    """The scores of a metric, in the order of its `scores`, and then what it tells besides.

    Of two models they are the differences, the first minus the second, with an interval where the
    metric can tell one.

    A metric to which mean and covariance of the reals will do gets nothing else of their features,
    also where others need them: its interval then does not depend on what else is scored, nor on
    what was in the cache.

    Args:
      metric: value of `metrics.registry`.
      real: what is collected of the real side, or a reason, see `attempt`, which is then that of
        every score.
      *fakes: likewise, of one model or of two.
    """
    for side in (real, *fakes):
        if isinstance(side, str):
            return failed(metric, side)
    if metric.takes_statistics and real.statistics is not None:
        real = dataclasses.replace(real, features=None)
    reasons = [lacking(metric, {"real": real, "fake": fake}) for fake in fakes]
    found, reason = {}, next(filter(None, reasons), None)
    if reason is None:
        found, reason = _attempt(metric, real, *fakes)
    names = dict.fromkeys((*metric.scores, *found))
    made = [_outcome(name, found.get(name), reason) for name in names]
    return misleading.warned(made, metric, real, *fakes) if found and len(fakes) == 1 else made


def failed(metric, reason: str) -> list[Outcome]:
    """All scores of a metric without a value, for the same reason."""
    return [Outcome(name, None, reason, None) for name in metric.scores]


def _attempt(metric, real: Collected, *fakes: Collected) -> tuple[dict, str | None]:
    try:
        return _computed(metric, real, *fakes), None
    except UndefinedScore as error:
        return {}, str(error)
    except np.linalg.LinAlgError as error:
        return {}, f"the linear algebra of {metric.name} failed: {error}"
    except MemoryError:
        return {}, f"{metric.name} needs more memory than there is: take fewer samples"


def _computed(metric, real: Collected, first: Collected, second: Collected | None = None) -> dict:
    """{name: its `Score`} of one model, or of the first minus the second."""
    if second is None:
        return metric(real, first)
    if isinstance(metric, Jackknifed):
        return paired_difference(metric, real, first, second)
    one, two = metric(real, first), metric(real, second)
    return {name: Score(one[name].value - two[name].value) for name in metric.scores}


def lacking(metric, sides: dict[str, Collected]) -> str | None:
    """What a metric needs and a side has not got, in words."""
    for side, collected in sides.items():
        for kind in metric.needs.get(side, ()):
            instead = kind == "features" and metric.takes_statistics
            if getattr(collected, kind, None) is None and not (instead and collected.statistics):
                return f"{metric.name} needs {NEEDS[kind].format(side=SIDES[side])}"
    return None


def _outcome(name: str, score: Score | None, reason: str | None) -> Outcome:
    if score is None:
        return Outcome(name, None, reason or f"{name} was not computed", None)
    value, interval = float(score.value), score.interval
    if not math.isfinite(value):
        return Outcome(name, None, f"{name} is not finite: {value}", None)
    if interval is not None:
        interval = [float(bound) for bound in interval]
        interval = interval if all(map(math.isfinite, interval)) else None
    return Outcome(name, value, None, interval)


def row(outcome: Outcome, protocol, seconds: float, warnings=()) -> results.Score:
    """One score as it is stored, a dict of JSON.

    Args:
      outcome: see there.
      protocol: see `metrics.protocol`.
      seconds: that it took, together with the metric's other scores.
      warnings: more than the outcome has, if it has a value.
    """
    made = {
        "metric": outcome.name,
        "value": outcome.value,
        "reason": outcome.reason,
        "interval": outcome.interval,
        "protocol": protocol.to_dict(),
        "protocol_id": protocol.id,
        "seconds": seconds,
        "time": results.now(),
    }
    said = list(dict.fromkeys((*warnings, *outcome.warnings)))
    return made | ({"warnings": said} if said and outcome.value is not None else {})


def check_width(real: Collected | str, fake: Collected | str) -> None:
    """Refuses features of different lengths.

    Raises:
      UserError: names both.
    """
    widths = [None if isinstance(one, str) else misleading.width_of(one) for one in (real, fake)]
    if None not in widths and widths[0] != widths[1]:
        raise UserError(
            f"the features of the two sides differ in length, {widths[0]} and {widths[1]}: they"
            " must come from one extractor"
        )


def check_comparable(metric, first: Protocol, second: Protocol) -> None:
    """Refuses two models whose fakes were made under protocols that do not compare.

    What is known of one of them only, such as the truncation of images in a folder, is let pass.

    Raises:
      UserError: names the fields.
    """
    fields = differing(first.to_dict(), second.to_dict())
    told = [f"{name} {a!r} and {b!r}" for name, (a, b) in fields.items() if None not in (a, b)]
    if told:
        raise UserError(
            f"the two models cannot be compared by {metric.name}, their protocols differ:"
            f" {', '.join(told)}"
        )
