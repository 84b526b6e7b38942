"""Precision and recall of distributions: a curve of quality against diversity.

Sajjadi et al., Assessing Generative Models via Precision and Recall, 2018. Features of both sides
are clustered together; with the histograms P of the reals and Q of the fakes over the clusters
(eq. 8, and 9 for F),

    precision(l) = sum_k min(l P_k, Q_k)        recall(l) = precision(l) / l

at slopes l = tan(angle) of evenly spread angles.
"""

import dataclasses
import tempfile
from typing import ClassVar, NamedTuple

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, ThreeOrMore, TwoOrMore, check_features
from compare_gan_tf.metrics.rows import subset
from compare_gan_tf.settings.signatures import Count, Index

_MARGIN = 1e-10  # of the angles, and of F where both are 0


class Curve(NamedTuple):
    """Precision and recall, float64 [angles], from recall's end to precision's."""

    precision: np.ndarray
    recall: np.ndarray

    def best_f(self, beta: float) -> float:
        """max over the curve of F_beta; beta above 1 weighs recall more."""
        weight = beta**2
        product = (1 + weight) * self.precision * self.recall
        return float(np.max(product / (weight * self.precision + self.recall + _MARGIN)))


def curve(real_histogram, fake_histogram, angles: int = 1001) -> Curve:
    """The curve of two histograms [clusters], each of sum 1.

    Rounding errors at the ends are clipped to [0, 1].
    """
    reals, fakes = np.asarray(real_histogram), np.asarray(fake_histogram)
    steep = slopes(angles)
    precision = np.minimum(reals * steep[:, None], fakes).sum(axis=1)
    return Curve(np.clip(precision, 0, 1), np.clip(precision / steep, 0, 1))


def slopes(angles: int) -> np.ndarray:
    """The slopes l of a curve, from recall's end to precision's, float64 [angles]."""
    return np.tan(np.linspace(_MARGIN, np.pi / 2 - _MARGIN, angles))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Prd(intervals.Jackknifed):
    """The best F of the curve with beta 8, for recall, and 1/8, for precision; higher is better.

    Curves are averaged over runs of scikit-learn's MiniBatchKMeans (Sculley, Web-Scale K-Means
    Clustering, 2010), whose batches depend on the order of the samples. Both sides enter the
    clustering with equally many samples, drawn from the larger one. The interval takes the clusters
    as fixed.

    Attributes:
      clusters: number of clusters in one run.
      runs: number of clusterings.
      angles: number of points of the curve.
      seed: of the clusterings, and of the draw.
    """

    name = "prd"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"prd_f8": True, "prd_f1_8": True}
    samples_of_cluster: ClassVar[int] = 50
    bounds = (0.0, 1.0)

    clusters: TwoOrMore = 20
    runs: Count = 10
    angles: ThreeOrMore = 1001
    seed: Index = 0

    def numbers(self, real: Collected, fake: Collected) -> dict:
        enough = self.samples_of_cluster * self.clusters
        return {"real": (len(real.features), enough), "fake": (len(fake.features), enough)}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        real_counts, fake_counts = self.histograms(real, fake)
        whole = self._f(real_counts.sum(axis=1), fake_counts.sum(axis=1))
        kept = [None, None]
        if intervals.has_interval(len(real.features), len(fake.features)):
            left_out = [
                self._f(
                    np.delete(real_counts, block, axis=1).sum(axis=1),
                    np.delete(fake_counts, block, axis=1).sum(axis=1),
                )
                for block in range(intervals.BLOCKS)
            ]
            kept = np.array(left_out).T
        return {
            name: intervals.Replicates(value, left_out)
            for name, value, left_out in zip(self.scores, whole, kept, strict=True)
        }

    def curve(self, real: Collected, fake: Collected) -> Curve:
        """The curve of all samples, averaged over the runs; raises UndefinedScore."""
        return self._mean_curve(*(counts.sum(axis=1) for counts in self.histograms(real, fake)))

    def histograms(self, real: Collected, fake: Collected) -> tuple[np.ndarray, np.ndarray]:
        """Counts [runs, blocks, clusters] of the reals and of the fakes; raises UndefinedScore."""
        check_features(real, fake, least=-(-self.clusters // 2))
        count = min(len(real.features), len(fake.features))
        with tempfile.TemporaryFile() as file:
            points = self._join(file, (real.features, fake.features), count)
            labels = [self._cluster(points, run) for run in range(self.runs)]
        blocks = intervals.block_of(np.arange(count))
        sides = [
            [_histogram(of[half], blocks, self.clusters) for of in labels]
            for half in (slice(count), slice(count, None))
        ]
        return np.array(sides[0]), np.array(sides[1])

    def _join(self, file, sides: tuple[Rows, Rows], count: int) -> np.ndarray:
        """Float32 [2 count, d] in a file, the samples of each side drawn if there are more."""
        shape = (2 * count, sides[0].shape[1])
        joined = np.memmap(file, np.float32, "w+", shape=shape)
        for side, rows in enumerate(sides):
            chosen = subset(len(rows), count, np.random.default_rng([self.seed, side]))
            for start in range(0, count, 1024):
                part = chosen[start : start + 1024]
                joined[side * count + start : side * count + start + len(part)] = rows.take(part)
        return joined

    def _cluster(self, points: np.ndarray, run: int) -> np.ndarray:
        """The cluster [n] of each point; in one thread, batches are too small for more."""
        import threadpoolctl  # these take a second, and only this needs them
        from sklearn.cluster import MiniBatchKMeans

        state = int(np.random.default_rng([self.seed, run]).integers(2**31))
        means = MiniBatchKMeans(self.clusters, n_init=10, random_state=state)
        with threadpoolctl.threadpool_limits(1):
            return means.fit(points).labels_

    def _f(self, real_counts: np.ndarray, fake_counts: np.ndarray) -> tuple[float, float]:
        found = self._mean_curve(real_counts, fake_counts)
        return found.best_f(8.0), found.best_f(1 / 8)

    def _mean_curve(self, real_counts: np.ndarray, fake_counts: np.ndarray) -> Curve:
        curves = [
            curve(reals / reals.sum(), fakes / fakes.sum(), self.angles)
            for reals, fakes in zip(real_counts, fake_counts, strict=True)
        ]
        return Curve(*np.mean(curves, axis=0))


def _histogram(labels: np.ndarray, blocks: np.ndarray, clusters: int) -> np.ndarray:
    """Counts [blocks, clusters] of labels [n]."""
    counts = np.zeros((intervals.BLOCKS, clusters))
    np.add.at(counts, (blocks, labels), 1.0)
    return counts
