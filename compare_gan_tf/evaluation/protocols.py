"""Makes the protocol of a metric's scores: everything that they depend on."""

import dataclasses
import functools
import hashlib
import inspect
import math
from collections.abc import Callable

import numpy as np

from compare_gan_tf.config import gin_parameters
from compare_gan_tf.evaluation.sides import EXTRACTED, Side
from compare_gan_tf.metrics.protocol import Protocol


def protocol(
    metric, real: Side | None, fake: Side, extractor, *, n_real: int | None, n_fake: int, seed: int
) -> Protocol:
    """The protocol of a metric's scores. Fields that the metric does not use are None.

    Args:
      metric: value of `metrics.registry`.
      real: the real side, or None.
      fake: the fake side.
      extractor: the feature extractor, see `metrics.features`, or None.
      n_real, n_fake: number of samples of each side.
      seed: seed of latents, labels and random subsets.
    """
    kinds = {side: frozenset(metric.needs.get(side, ())) for side in ("real", "fake")}
    extracts = bool((kinds["real"] | kinds["fake"]) & EXTRACTED) and extractor is not None
    fields = dict(fake.facts) | of_extractor(extractor if extracts else None)
    if real is not None and kinds["real"]:
        fields |= {
            "dataset": real.name,
            "real_split": real.split,
            "real_sha256": None if real.is_public else real.sha256(),
            "n_real": n_real,
        }
    return Protocol(
        metric=metric.name,
        settings=settings(metric),
        quantisation="uint8" if fake.is_images else "float32",
        n_fake=n_fake,
        seed=seed,
        **fields,
    )


def of_extractor(extractor) -> dict:
    """The protocol's fields about the extractor; {} without one."""
    if extractor is None:
        return {}
    return {
        "extractor": extractor.name,
        "weights_sha256": extractor.weights_sha256,
        "resize": extractor.resize,
        "scaling": extractor.scaling,
    }


# --- The settings of a metric -----------------------------------------------------------------


def settings(metric) -> dict:
    """The metric's own settings, the fields of its dataclass, as JSON values.

    `interval`, which only says whether to compute an interval, is left out: it changes no score.
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
        return str(value)  # JSON has neither NaN nor infinity
    if value is None or isinstance(value, str | int | float | bool):
        return value
    named = getattr(value, "__qualname__", None) or getattr(value, "name", None)
    name, inside = str(named or type(value).__qualname__), _inside(value)
    return {"": name, **_plain(inside)} if inside else name


def _inside(value) -> dict:
    """Values other than its arguments that a function's results depend on; {} if none is known."""
    if isinstance(value, functools.partial):
        return {"of": value.func, "arguments": value.args, "keywords": value.keywords}
    if inspect.ismethod(value):
        return {"of": value.__self__}
    if not inspect.isroutine(value) and not isinstance(value, type):
        return {}
    return gin_parameters.effective(value) | _enclosed(inspect.unwrap(value))


def _enclosed(function: Callable) -> dict:
    """Values that a function has captured from the enclosing function (its closure)."""
    if not inspect.isfunction(function):
        return {}
    found = inspect.getclosurevars(function).nonlocals
    kinds = str | int | float | list | tuple | np.ndarray | np.generic
    return {name: value for name, value in found.items() if isinstance(value, kinds)}
