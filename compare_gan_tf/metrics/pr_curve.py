"""The precision-recall curve of two distributions by a nearest-neighbour classifier.

Sajjadi et al. (2018) define the curve by the densities p of reals and q of fakes; at a slope l

    precision(l) = min over f of l P(f says fake) + Q(f says real),   recall(l) = precision(l) / l

over classifiers f, P being the reals and Q the fakes (Simon et al., Revisiting Precision and
Recall Definition for Generative Model Evaluation, 2019). Sykes, Simon and Rabin
(Unifying and Extending Precision Recall Metrics, 2024, arXiv 2405.01611) take a classifier and all
its thresholds for all f: here the number of reals among the k nearest neighbours, where f says real
from t of them on, with t = 0 to k + 1. `Prd` counts both sides in clusters instead.

A sample is judged by all others: it is not its own neighbour. The paper judges one half of the
samples by the other half, for the same reason.
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, ThreeOrMore, check_features
from compare_gan_tf.metrics.nearest import Points, neighbours, share_space
from compare_gan_tf.metrics.prd import Curve, slopes
from compare_gan_tf.settings.signatures import Count


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PrCurve(intervals.Jackknifed):
    """The best F of the curve with beta 8, for recall, and 1/8, for precision; higher is better.

    Equal distributions score a little below 1: the classifier finds differences in any samples.

    Attributes:
      k: number of neighbours, below the number of samples on either side; None for the rounded
        root of the smaller one, so that the classifier gets better with more samples.
      angles: number of points of the curve.
    """

    name = "pr_curve"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"pr_curve_f8": True, "pr_curve_f1_8": True}
    enough = {"real": 10_000, "fake": 10_000}
    bounds = (0.0, 1.0)

    k: Count | None = None
    angles: ThreeOrMore = 1001

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        counts = self._counts(real, fake)
        whole, *left_out = [self._scores(*both) for both in zip(*counts, strict=True)]
        enough = intervals.has_interval(len(real.features), len(fake.features))
        kept = np.array(left_out).T if enough else [None] * len(self.scores)
        return {
            name: intervals.Replicates(value, others)
            for name, value, others in zip(self.scores, whole, kept, strict=True)
        }

    def curve(self, real: Collected, fake: Collected) -> Curve:
        """The curve of all samples; raises UndefinedScore."""
        reals, fakes = (counts[0] for counts in self._counts(real, fake))
        return curve(reals, fakes, self.angles)

    def _counts(self, real: Collected, fake: Collected) -> tuple[list, list]:
        """For each side the histograms [k + 1] of `reals_among`: of all samples, and of B parts."""
        smaller = min(len(real.features), len(fake.features))
        k = self.k or max(round(smaller**0.5), 1)
        check_features(real, fake, least=k + 1)
        sides = share_space(real.features, fake.features)
        return tuple(_histograms(side, *sides, k) for side in sides)

    def _scores(self, reals: np.ndarray, fakes: np.ndarray) -> tuple[float, float]:
        found = curve(reals, fakes, self.angles)
        return found.best_f(8.0), found.best_f(1 / 8)


def curve(real_counts, fake_counts, angles: int = 1001) -> Curve:
    """The curve of a classifier that gives each sample one of k + 1 grades, 0 for surely fake.

    Args:
      real_counts: of reals with each grade, [k + 1].
      fake_counts: of fakes, [k + 1].
      angles: number of slopes, the tangents of evenly spread angles.
    """
    steep = slopes(angles)
    called_fake, right_fake = (  # shares of the reals and of the fakes, at each threshold [k + 2]
        np.concatenate([[0.0], np.cumsum(counts) / np.sum(counts)])
        for counts in (real_counts, fake_counts)
    )
    precision = np.min(steep[:, None] * called_fake + (1.0 - right_fake), axis=1)
    return Curve(np.clip(precision, 0, 1), np.clip(precision / steep, 0, 1))


def _histograms(queries: Points, real: Points, fake: Points, k: int) -> list[np.ndarray]:
    """[k + 1] for all samples, and for those outside each block: how many have 0 to k reals."""
    of_real, of_fake = neighbours(queries, real, k), neighbours(queries, fake, k)
    near = np.concatenate([of_real.near, of_fake.near], axis=1)
    order = np.argsort(near, axis=1, kind="stable")
    index = np.concatenate([of_real.near_index, of_fake.near_index], axis=1)
    is_real = order < of_real.near.shape[1]
    blocks = intervals.block_of(np.take_along_axis(index, order, axis=1))
    own = intervals.block_of(np.arange(len(queries)))
    found = []
    for block in (-1, *range(intervals.BLOCKS)):  # no sample is in block -1
        there = blocks != block
        chosen = there & (np.cumsum(there, axis=1) <= k)
        reals = np.count_nonzero(chosen & is_real, axis=1)
        found.append(np.bincount(reals[own != block], minlength=k + 1))
    return found
