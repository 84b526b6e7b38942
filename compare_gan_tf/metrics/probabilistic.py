"""Probabilistic precision and recall: how likely each sample lies on the other side's manifold.

Park and Kim, Probabilistic Precision and Recall Towards Reliable Evaluation of Generative Models,
2023. All balls of a side have one radius R, `scale` times the mean distance to the k-th
nearest other sample of that side, and a sample at distance d from a ball's centre belongs to it
with probability max(0, 1 - d / R):

  p_precision  mean_j (1 - prod_i min(1, |x_i - y_j| / R_real)), over the fakes y
  p_recall     mean_i (1 - prod_j min(1, |x_i - y_j| / R_fake)), over the reals x

An outlier has a ball of the same radius as others, so it hardly raises a score.
"""

import dataclasses
from typing import NamedTuple

import gin
import numpy as np

from compare_gan_tf.metrics import balls, intervals
from compare_gan_tf.metrics.base import Collected, check_features
from compare_gan_tf.metrics.nearest import Points, neighbours, share_space
from compare_gan_tf.settings.signatures import Count, Positive


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbabilisticPrecisionRecall(intervals.Jackknifed):
    """P-precision and P-recall; higher is better.

    Attributes:
      k: the radius is from the distances to the k-th neighbours.
      scale: the paper's a, of the radius over their mean.
    """

    name = "probabilistic_precision_recall"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"p_precision": True, "p_recall": True}
    enough = {"real": 10_000, "fake": 10_000}
    bounds = (0.0, 1.0)

    k: Count = 4
    scale: Positive = 1.2

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=self.k + 1)
        reals, fakes = share_space(real.features, fake.features)
        radii = [self.scale * _mean_distances(side, self.k) for side in (reals, fakes)]
        logs = _log_products(reals, fakes, *radii)
        enough = intervals.has_interval(len(reals), len(fakes))
        return {
            "p_precision": _replicates(logs.of_fakes, enough),
            "p_recall": _replicates(logs.of_reals, enough),
        }


class _Logs(NamedTuple):
    """Logarithms of the products: a row without each block of samples, then a row of all.

    Attributes:
      of_fakes: float64 [B + 1, fakes], -inf for a copy of a real sample.
      of_reals: float64 [B + 1, reals].
    """

    of_fakes: np.ndarray
    of_reals: np.ndarray


def _mean_distances(points: Points, k: int) -> np.ndarray:
    """The mean distance to the k-th neighbour: without each block, then of all, float64 [B + 1]."""
    found = neighbours(points, points, k)
    rows = np.sqrt(np.concatenate([balls.radii(found, k), found.squared[None]]))
    kept = balls.kept(len(points))
    return (rows * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)


def _log_products(real: Points, fake: Points, real_radii, fake_radii) -> _Logs:
    """The products' logarithms for radii [B + 1] of either side, tile by tile in float64."""
    left_out = intervals.BLOCKS + 1
    logs = _Logs(np.zeros((left_out, len(fake))), np.zeros((left_out, len(real))))
    reach = max(real_radii.max(), fake_radii.max())
    for rows, x in real.chunks():
        x = x.astype(np.float64)
        for columns, y in fake.chunks():
            squared = real.norms[rows, None] + fake.norms[columns] - 2.0 * (x @ y.T)
            i, j = np.nonzero(squared < reach**2)
            distances = np.sqrt(np.maximum(squared[i, j], 0.0))
            i, j = i + rows.start, j + columns.start
            _add(logs.of_fakes, distances, real_radii, i, j)
            _add(logs.of_reals, distances, fake_radii, j, i)
    return logs


def _add(logs: np.ndarray, distances: np.ndarray, radii: np.ndarray, centres, samples) -> None:
    """Adds log(d / R) of the pairs [p] with d < R to the samples' rows."""
    blocks = intervals.block_of(centres)
    with np.errstate(divide="ignore"):
        log_distances = np.log(distances)
    for which, radius in enumerate(radii):
        near = (distances < radius) & (blocks != which)
        if near.any():
            found = log_distances[near] - np.log(radius)
            logs[which] += np.bincount(samples[near], found, logs.shape[1])


def _replicates(logs: np.ndarray, enough: bool) -> intervals.Replicates:
    kept = balls.kept(logs.shape[1])
    shares = (-np.expm1(logs) * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
    return intervals.Replicates(float(shares[-1]), shares[:-1] if enough else None)
