"""Computes the scores of one metric from two sides; a score that fails has a reason, no value."""

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
# {field of `Collected`: what the metric needs, and how the user can provide it}.
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
    """One score, or the reason why it could not be computed.

    Attributes:
      name: name of the score, such as "precision".
      value: the score; None if it could not be computed.
      reason: why `value` is None, else None.
      interval: [low, high] of the 95 % confidence interval, or None.
      warnings: warnings about sample counts and the interval, see `misleading`.
    """

    name: str
    value: float | None
    reason: str | None
    interval: list[float] | None
    warnings: tuple[str, ...] = ()


def needs(metrics, side: str) -> frozenset:
    """Names of the fields of `Collected` that any of the metrics uses on a side.

    Args:
      metrics: values of `metrics.registry`.
      side: "real" or "fake".
    """
    used = [fields.get(side, ()) for metric in metrics for fields in (metric.needs, metric.wants)]
    return frozenset(kind for kinds in used for kind in kinds)


def attempt(collect: Callable[[], Collected]) -> Collected | str:
    """Calls `collect`; returns its result, or the reason why the samples cannot be scored."""
    try:
        return collect()
    except UndefinedScore as error:
        return str(error)


def outcomes(metric, real: Collected | str, *fakes: Collected | str) -> list[Outcome]:
    """Computes the scores of a metric.

    A metric that needs only mean and covariance of the real features gets only these, even when
    other metrics need the features themselves. So its interval depends neither on which other
    metrics are scored nor on the state of the cache.

    Args:
      metric: value of `metrics.registry`.
      real: what was collected of the real side; or a reason (see `attempt`), which then becomes
        the reason of every score.
      *fakes: likewise for the fakes, of one model or of two.

    Returns:
      The outcomes in the order of the metric's `scores`, then its further outputs. For two models,
      the differences of the scores, first minus second, with an interval if the metric has one.
    """
    for side in (real, *fakes):
        if isinstance(side, str):
            return failed(metric, side)
    if metric.takes_statistics and real.statistics is not None:
        real = dataclasses.replace(real, features=None)
    reasons = [missing_input(metric, {"real": real, "fake": fake}) for fake in fakes]
    found, reason = {}, next(filter(None, reasons), None)
    if reason is None:
        found, reason = _attempt(metric, real, *fakes)
    names = dict.fromkeys((*metric.scores, *found))
    made = [_outcome(name, found.get(name), reason) for name in names]
    if not found or len(fakes) > 1:
        return made
    return misleading.with_sample_warnings(made, metric, real, *fakes)


def failed(metric, reason: str) -> list[Outcome]:
    """An outcome without a value for each score of a metric, all with the same reason."""
    return [Outcome(name, None, reason, None) for name in metric.scores]


def _attempt(metric, real: Collected, *fakes: Collected) -> tuple[dict, str | None]:
    try:
        return _computed(metric, real, *fakes), None
    except UndefinedScore as error:
        return {}, str(error)
    except np.linalg.LinAlgError as error:
        return {}, f"the linear algebra of {metric.name} failed: {error}"
    except MemoryError:
        return {}, f"{metric.name} needs more memory than there is: use fewer samples"


def _computed(metric, real: Collected, first: Collected, second: Collected | None = None) -> dict:
    """{name: `Score`} of one model, or of the difference, first minus second."""
    if second is None:
        return metric(real, first)
    if isinstance(metric, Jackknifed):
        return paired_difference(metric, real, first, second)
    one, two = metric(real, first), metric(real, second)
    return {name: Score(one[name].value - two[name].value) for name in metric.scores}


def missing_input(metric, sides: dict[str, Collected]) -> str | None:
    """A message about the first input that a metric needs and a side does not have; else None."""
    for side, collected in sides.items():
        for kind in metric.needs.get(side, ()):
            replaceable = kind == "features" and metric.takes_statistics
            has_replacement = replaceable and collected.statistics
            if getattr(collected, kind, None) is None and not has_replacement:
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
    """The stored form of one score, a dict of JSON values.

    Args:
      outcome: the score.
      protocol: its `metrics.protocol.Protocol`.
      seconds: time that all scores of the metric took together.
      warnings: further warnings, added to the outcome's if it has a value.
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
    texts = list(dict.fromkeys((*warnings, *outcome.warnings)))
    return made | ({"warnings": texts} if texts and outcome.value is not None else {})


def check_feature_dims(real: Collected | str, fake: Collected | str) -> None:
    """Checks that the features of both sides have the same dimension.

    Raises:
      UserError: the dimensions differ; the message names both.
    """
    dims = [None if isinstance(one, str) else misleading.feature_dim(one) for one in (real, fake)]
    if None not in dims and dims[0] != dims[1]:
        raise UserError(
            f"the features of the two sides differ in length, {dims[0]} and {dims[1]}: they"
            " must come from one extractor"
        )


def check_comparable(metric, first: Protocol, second: Protocol) -> None:
    """Checks that two models are scored under the same protocol.

    A field that is known for only one of them, such as the truncation of images in a folder, is
    not compared.

    Raises:
      UserError: the protocols differ; the message names the fields.
    """
    fields = differing(first.to_dict(), second.to_dict())
    told = [f"{name} {a!r} and {b!r}" for name, (a, b) in fields.items() if None not in (a, b)]
    if told:
        raise UserError(
            f"the two models cannot be compared by {metric.name}, their protocols differ:"
            f" {', '.join(told)}"
        )
