"""Intervals of scores, and of the difference between two models, by the delete-a-block jackknife.

Sample i of either side lies in block i modulo B; score b is that of all samples outside block b,
real ones and fakes. With s_b these scores and m their mean, the variance of the score is

    (B - 1) / B * sum_b (s_b - m)^2

(Tukey, 1958; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, eq. 11.5), and the
interval is the score +- t SE, with the quantile t of Student's distribution with B - 1 degrees of
freedom. It covers other draws of equally many fakes and reals. It does not cover the bias of a
finite number of samples, nor another training. The blocks, and so the interval, depend on the order
of the samples; the score does not.
"""

import math
from typing import ClassVar, NamedTuple

import numpy as np
from scipy import special

from compare_gan_tf.metrics.base import Collected, Metric, Score

BLOCKS = 20


class Replicates(NamedTuple):
    """A score, and the scores without each block of samples.

    Attributes:
      value: the score of all samples.
      left_out: [B], the scores without one block each; None for no interval.
      extra_variance: an additional variance, from random draws other than the samples.
    """

    value: float
    left_out: np.ndarray | None
    extra_variance: float = 0.0

    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval; None if `left_out` is missing or not finite."""
        if self.left_out is None or not np.isfinite(self.left_out).all():
            return None
        variance = jackknife_variance(self.left_out) + self.extra_variance
        reach = student_quantile(len(self.left_out) - 1) * math.sqrt(variance)
        return self.value - reach, self.value + reach


class Jackknifed(Metric):
    """A metric with the interval of the jackknife.

    Attributes:
      bounds: the smallest and the largest possible value of its scores.
      bounds_of: {score: its bounds}, for scores with other bounds.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, Replicates]:
        """One for each name of `scores`; raises UndefinedScore."""
        raise NotImplementedError

    def __call__(self, real: Collected, fake: Collected) -> dict[str, Score]:
        found = self.replicates(real, fake)
        return {name: self._score(name, found[name]) for name in self.scores}

    def _score(self, name: str, replicates: Replicates) -> Score:
        interval = replicates.interval()
        if interval is not None:
            low, high = np.clip(interval, *self.bounds_of.get(name, self.bounds))
            interval = (float(low), float(high))
        return Score(float(replicates.value), interval)


def block_of(indices) -> np.ndarray:
    """The block of each sample: its index modulo the number of blocks."""
    return np.asarray(indices) % BLOCKS


def has_interval(*counts: int) -> bool:
    """Whether each side has enough samples for the jackknife: two per block."""
    return min(counts) >= 2 * BLOCKS


def jackknife_variance(left_out) -> float:
    """(B - 1) / B sum (s_b - m)^2 of the scores s [B] without one block each."""
    left_out = np.asarray(left_out, np.float64)
    return float(np.var(left_out) * (len(left_out) - 1))


def student_quantile(degrees: int) -> float:
    """The 97.5 % quantile of Student's distribution."""
    return float(special.stdtrit(degrees, 0.975))


def mean(values) -> Replicates:
    """The mean of values [n] of independent samples, and what it is without each block of them."""
    values = np.asarray(values, np.float64)
    if not has_interval(len(values)):
        return Replicates(float(values.mean()), None)
    blocks = block_of(np.arange(len(values)))
    sums = np.bincount(blocks, values, BLOCKS)
    counts = np.bincount(blocks, minlength=BLOCKS)
    left_out = (sums.sum() - sums) / (counts.sum() - counts)
    return Replicates(float(values.mean()), left_out)


def minus(first: Replicates, second: Replicates) -> Replicates:
    """The difference of two scores of the same blocks."""
    value = float(first.value - second.value)
    if first.left_out is None or second.left_out is None:
        return Replicates(value, None)
    if len(first.left_out) != len(second.left_out):
        return Replicates(value, None)
    variance = first.extra_variance + second.extra_variance
    return Replicates(value, first.left_out - second.left_out, variance)


def paired_difference(
    metric: Jackknifed, real: Collected, fake_1: Collected, fake_2: Collected
) -> dict[str, Score]:
    """Scores of model 1 minus those of model 2, against the same real samples.

    The same blocks are left out for both models, so that the effects of the real samples, and of
    common latents, cancel as far as they are equal. If the interval does not contain 0, the models
    differ.

    Raises:
      UndefinedScore: one of the two has no score.
    """
    first, second = metric.replicates(real, fake_1), metric.replicates(real, fake_2)
    found = {name: minus(first[name], second[name]) for name in metric.scores}
    return {name: Score(one.value, one.interval()) for name, one in found.items()}
