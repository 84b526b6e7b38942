"""A check of metrics."""

__all__ = ["check_metric", "random_side"]

import dataclasses
import json
import math
from collections.abc import Callable, Collection

import numpy as np

from compare_gan_tf.evaluation import protocols
from compare_gan_tf.metrics.base import Collected, Metric, Score, UndefinedScore
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics
from compare_gan_tf.metrics.rows import Rows

_OF_ROWS = ("features", "logits", "images", "labels")
_CLASSES, _SHAPE = 3, (32, 32, 1)


def check_metric(
    make: Callable[[], Metric], *, real: Collected | None = None, fake: Collected | None = None
) -> None:
    """Checks a metric on samples of both sides.

    * It declares what it needs and what it returns, and JSON can hold its settings.
    * Two metrics with the same settings are equal and return the same scores: those that they
      declare, finite, and within their intervals.
    * It does not change the samples, and their batches do not change the scores.
    * For 0, 1 or 2 samples, unless it generates its own, and for features that are not finite, its
      scores are finite or it raises `UndefinedScore`.

    Args:
      make: makes the metric.
      real, fake: samples of both sides; None for random ones, see `random_side`.

    Raises:
      AssertionError: a rule is broken; the message says which.
    """
    metric = make()
    _check_declaration(metric, make())
    real = _random(metric, "real", 0) if real is None else real
    fake = _random(metric, "fake", 1) if fake is None else fake
    before = [_arrays(side) for side in (real, fake)]
    scores = _scores(metric, real, fake)
    assert _scores(make(), real, fake) == scores, "scores differ from one call to the next"
    for side, arrays in zip((real, fake), before, strict=True):
        for name, array in _arrays(side).items():
            np.testing.assert_array_equal(array, arrays[name], err_msg=f"{name} was changed")
    apart = _scores(metric, _in_batches(real, 7), _in_batches(fake, 5))
    for name, (value, _) in scores.items():
        assert math.isclose(apart[name].value, value, rel_tol=1e-6, abs_tol=1e-9), (
            f"{name} is {value}, and {apart[name].value} of the same samples in other batches"
        )
    for number in range(3) if fake.generate is None else ():
        _scores(metric, _first(real, number), _first(fake, number), may_be_undefined=True)
    if any("features" in side for side in metric.needs.values()):
        _scores(metric, real, _not_finite(fake), may_be_undefined=True)


def random_side(kinds: Collection[str], seed: int, number: int = 60) -> Collected:
    """Random samples of 3 classes, or random players that generate or score them.

    Args:
      kinds: names of fields of `Collected`.
      seed: of the samples.
      number: number of samples.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(number, dtype=np.int32) % _CLASSES
    features = rng.normal(labels[:, None], 1.0, [number, 6]).astype(np.float32)
    logits = 4.0 * np.eye(_CLASSES)[labels] + rng.normal(size=[number, _CLASSES])
    images = rng.normal(60.0 * (1 + labels[:, None, None, None]), 20.0, [number, *_SHAPE])
    statistics = GaussianStatistics()
    statistics.update(features)
    every = dict(
        features=Rows.of(features),
        logits=Rows.of(logits.astype(np.float32)),
        logit_bias=np.zeros(_CLASSES, np.float32),
        images=Rows.of(images.clip(0, 255).astype(np.uint8)),
        labels=Rows.of(labels),
        statistics=statistics,
        kernels={"kernel": rng.normal(size=[3, 3, 2, 4]).astype(np.float32)},
        discriminate=lambda images, labels: images.astype(np.float32).mean((1, 2, 3)) / 255 - 0.5,
        generate=_generate,
        latents=lambda number, seed: (
            np.random.default_rng(seed).normal(size=[number, 4]).astype(np.float32)
        ),
    )
    found = {kind: value for kind, value in every.items() if kind in kinds}
    if "held_out" in kinds:
        own = [kind for kind in kinds if kind != "held_out"]
        found["held_out"] = random_side(own, seed + 1000, number)
    return Collected(**found)


def _generate(z, labels=None):
    import tensorflow as tf

    kernel = np.random.default_rng(0).normal(0.0, 0.5, [z.shape[1], math.prod(_SHAPE)])
    return tf.reshape(tf.tanh(z @ tf.constant(kernel, tf.float32)), [-1, *_SHAPE])


def _random(metric: Metric, side: str, seed: int) -> Collected:
    return random_side((*metric.needs[side], *metric.wants.get(side, ())), seed)


def _check_declaration(metric: Metric, again: Metric) -> None:
    assert isinstance(metric.name, str) and metric.name, "it has no name"
    assert metric.needs.keys() == {"real", "fake"}, f"needs is {metric.needs}"
    fields = {field.name for field in dataclasses.fields(Collected)}
    for looked in (metric.needs, metric.wants):
        unknown = {kind for side in looked.values() for kind in side} - fields
        assert not unknown, f"{unknown} are no fields of Collected"
    assert metric.scores and {*metric.scores.values()} <= {True, False, None}, (
        f"scores is {metric.scores}"
    )
    assert dataclasses.is_dataclass(metric), "it is no dataclass, whose fields are its settings"
    assert metric == again, "two of the same settings differ"
    json.dumps(protocols.settings(metric), allow_nan=False)


def _scores(metric, real, fake, may_be_undefined: bool = False) -> dict[str, Score]:
    try:
        found = metric(real, fake)
    except UndefinedScore as error:
        assert may_be_undefined, f"there is no score: {error}"
        return {}
    assert found.keys() >= metric.scores.keys(), f"it gives {[*found]}, not {[*metric.scores]}"
    for name, score in found.items():
        value, interval = score
        assert math.isfinite(value), f"{name} is {value}"
        if interval is not None:
            low, high = interval
            rounding = 1e-9 * max(1.0, abs(value))
            assert low - rounding <= value <= high + rounding, (
                f"{name} is {value}, outside of its interval {interval}"
            )
    return found


def _arrays(side: Collected) -> dict[str, np.ndarray]:
    named = {name: getattr(side, name) for name in _OF_ROWS if getattr(side, name) is not None}
    return {name: rows.read().copy() for name, rows in named.items()}


def _with_rows(side: Collected, change: Callable[[np.ndarray], Rows], names=_OF_ROWS) -> Collected:
    named = {name: getattr(side, name) for name in names if getattr(side, name) is not None}
    return dataclasses.replace(side, **{name: change(rows.read()) for name, rows in named.items()})


def _in_batches(side: Collected, size: int) -> Collected:
    def batches(array: np.ndarray) -> Rows:
        rows = Rows()
        for start in range(0, len(array), size):
            rows.append(array[start : start + size])
        return rows

    return _with_rows(side, batches)


def _first(side: Collected, number: int) -> Collected:
    found = _with_rows(side, lambda array: Rows.of(array[:number]))
    held_out = None if side.held_out is None else _first(side.held_out, number)
    return dataclasses.replace(found, held_out=held_out, statistics=None)


def _not_finite(side: Collected) -> Collected:
    def spoilt(array: np.ndarray) -> Rows:
        array = array.copy()
        array[len(array) // 2, 0] = np.nan
        return Rows.of(array)

    return _with_rows(side, spoilt, ("features",))
