"""Fréchet Inception Distance of fakes, with its interval.

Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017; `frechet` has the numbers.
"""

import dataclasses
from typing import NamedTuple

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.frechet import distance_and_root
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Fid(intervals.Jackknifed):
    """The Fréchet distance between real and generated features; 0 is best.

    With N samples the distance has a bias of about a constant / N (Bińkowski et al., Demystifying
    MMD GANs, 2018): compare only scores of equally many fakes and equally many reals.

    Attributes:
      interval: whether to compute the interval, for half to all of the time again. The jackknife
        uses the linear expansion of the distance in the two means and covariances (Efron, The
        Jackknife, the Bootstrap and Other Resampling Plans, 1982, ch. 6). A side with `statistics`
        only counts as exact.
    """

    name = "fid"
    needs = {"real": ("features",), "fake": ("features",)}
    takes_statistics = True
    scores = {"fid": False}
    covariances = True
    enough = {"real": 10_000, "fake": 10_000}

    interval: bool = True

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        return {"fid": frechet_replicates(side_of(real), side_of(fake), self.interval)}


class Side(NamedTuple):
    """One side of a distance.

    Attributes:
      statistics: its mean and covariance.
      features: [n, d], None if only the statistics are there.
    """

    statistics: GaussianStatistics
    features: Rows | None


def side_of(collected: Collected) -> Side:
    """The side with its statistics, computed from its features if necessary.

    Raises:
      UndefinedScore: features are not finite.
    """
    statistics, features = collected.statistics, collected.features
    if statistics is None:
        if features is None:
            raise UndefinedScore("there are neither features nor their statistics")
        statistics = statistics_of(features)
    return Side(statistics, features)


def statistics_of(features: Rows) -> GaussianStatistics:
    """Mean and covariance of features [n, d]; raises UndefinedScore if some are not finite."""
    statistics = GaussianStatistics()
    for chunk in features.chunks():
        statistics.update(chunk)
    return statistics


def frechet_replicates(real: Side, fake: Side, interval: bool) -> intervals.Replicates:
    """The distance, and the distances without each block of samples."""
    counts = [len(side.features) for side in (real, fake) if side.features is not None]
    interval = interval and bool(counts) and intervals.has_interval(*counts)
    moments = [side.statistics for side in (real, fake)]
    (mean_1, covariance_1), (mean_2, covariance_2) = ((m.mean, m.covariance) for m in moments)
    distance, root = distance_and_root(mean_1, covariance_1, mean_2, covariance_2, slopes=interval)
    if not interval:
        return intervals.Replicates(distance, None)
    left_out = np.full(intervals.BLOCKS, distance)
    if real.features is not None:
        left_out += _shifts(real.features, mean_1, mean_1 - mean_2, root.slope_1)
    if fake.features is not None:
        left_out += _shifts(fake.features, mean_2, mean_2 - mean_1, root.slope_2)
    return intervals.Replicates(distance, left_out)


def _shifts(features: Rows, mean, towards, slope) -> np.ndarray:
    """The first-order change of the distance if each block of one side is left out.

    The derivative of the distance by this side's mean m is 2 (m - m'), and by its covariance
    I - W W^T (`frechet.Root`). So the influence of a sample x is 2 y.(m - m') + |y|^2 - |W^T y|^2
    plus a constant, with y = x - m. Float32 is precise enough for an interval.

    Args:
      features: [n, d].
      mean: m [d].
      towards: m - m' [d].
      slope: W [d, r].

    Returns:
      float64 [BLOCKS].
    """
    towards, slope = towards.astype(np.float32), slope.astype(np.float32)
    sums, counts, start = np.zeros(intervals.BLOCKS), np.zeros(intervals.BLOCKS), 0
    for chunk in features.chunks():
        rows = (chunk - mean).astype(np.float32)
        influence = 2.0 * rows @ towards + np.einsum("nd,nd->n", rows, rows)
        mapped = rows @ slope
        influence -= np.einsum("nr,nr->n", mapped, mapped)
        blocks = intervals.block_of(np.arange(start, start + len(chunk)))
        sums += np.bincount(blocks, influence, intervals.BLOCKS)
        counts += np.bincount(blocks, minlength=intervals.BLOCKS)
        start += len(chunk)
    return (sums.sum() - sums) / (counts.sum() - counts) - sums.sum() / counts.sum()
