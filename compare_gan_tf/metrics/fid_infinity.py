"""FID extrapolated to infinitely many fakes.

Chong and Forsyth, Effectively Unbiased FID and Inception Score and Where to Find Them, 2020.
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, ThreeOrMore, TwoOrMore, UndefinedScore
from compare_gan_tf.metrics.fid import Side, frechet_replicates, side_of, statistics_of
from compare_gan_tf.metrics.frechet import frechet_distance
from compare_gan_tf.metrics.rows import subset
from compare_gan_tf.settings.signatures import Index


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FidInfinity(intervals.Jackknifed):
    """The intercept of a line fitted to FID against 1 / N, for N fakes; 0 is best.

    The line is fitted by least squares to random subsets of N fakes, compared with the same, finite
    set of reals. The intercept may be below 0.

    The interval adds two variances: that of the intercept from the residuals of the fit, due to the
    draws of the subsets, and the jackknife's of the FID of all samples (`Fid`).

    Attributes:
      sizes: number of subset sizes, evenly spread between `smallest` and all fakes.
      smallest: the smallest N. It must be well above the number of features, else FID is not linear
        in 1 / N.
      seed: of the subsets.
      interval: whether to compute the interval.
    """

    name = "fid_infinity"
    needs = {"real": ("features",), "fake": ("features",)}
    takes_statistics = True  # of the reals only
    scores = {"fid_infinity": False}
    covariances = True
    enough = {"real": 10_000, "fake": 5_000}
    bounds = (-np.inf, np.inf)

    sizes: ThreeOrMore = 15
    smallest: TwoOrMore = 5000
    seed: Index = 0
    interval: bool = True

    def numbers(self, real: Collected, fake: Collected) -> dict:
        found = super().numbers(real, fake)
        fakes, enough = found["fake"]  # the smallest subset must be large enough
        return found | {"fake": (fakes and min(fakes, self.smallest), enough)}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        if fake.features is None:
            raise UndefinedScore("FID-infinity needs the features of the fakes, not statistics")
        counts = self._counts(len(fake.features))
        real_side, fake_side = side_of(real), side_of(fake)
        whole = frechet_replicates(real_side, fake_side, self.interval)
        distances = [self._distance(real_side, fake.features, count) for count in counts[:-1]]
        value, variance = intercept(1.0 / counts, np.array([*distances, whole.value]))
        left_out = whole.left_out
        if left_out is not None:
            left_out = left_out - whole.value + value
        return {"fid_infinity": intervals.Replicates(value, left_out, variance)}

    def _counts(self, total: int) -> np.ndarray:
        if total < self.smallest + self.sizes:
            raise UndefinedScore(
                f"FID-infinity needs more fakes than {total}: its smallest subset has "
                f"{self.smallest} (FidInfinity.smallest)"
            )
        return np.linspace(self.smallest, total, self.sizes).astype(np.int64)

    def _distance(self, real: Side, features: Rows, count: int) -> float:
        rng = np.random.default_rng([self.seed, count])
        with features.picked(subset(len(features), count, rng)) as chosen:
            return frechet_distance(real.statistics, statistics_of(chosen))


def intercept(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The value at x = 0 of the least-squares line through (x, y), and its variance.

    Args:
      x: [n], n >= 3, not all equal.
      y: [n].
    """
    centred = x - x.mean()
    spread = np.sum(centred**2)
    slope = np.sum(centred * y) / spread
    value = y.mean() - slope * x.mean()
    residual = np.sum((y - value - slope * x) ** 2) / (len(x) - 2)
    return float(value), float(residual * (1 / len(x) + x.mean() ** 2 / spread))
