"""Clipped Density and Clipped Coverage: shares of good fakes, robust against outliers.

Salvy et al., Enhanced Generative Model Evaluation with Clipped Density and Coverage, 2025. With m
reals x, n fakes y, and R_i the distance of x_i to its k-th nearest other real sample:

  clipped density   mean_j min(1, |{i: |x_i - y_j| <= r_i}| / k), with r_i = min(R_i, median R),
                    over what reals in place of fakes have; at most 1
  clipped coverage  g(mean_i min(1, |{j: |x_i - y_j| < R_i}| / k))

g is the inverse of what n' good fakes are expected to have, as a share of n: with them, x_i's ball
holds J fakes, where J is beta-binomial with n' trials and parameters k and m - k. So both scores
fall linearly with the share of bad fakes.
"""

import dataclasses
import functools

import gin
import numpy as np
from scipy import special

from compare_gan_tf.metrics import balls, intervals
from compare_gan_tf.metrics.base import Collected, check_features
from compare_gan_tf.metrics.nearest import (
    Neighbours,
    Pairs,
    Points,
    are_inside,
    neighbours,
    pairs_within,
    share_space,
    tiles,
)
from compare_gan_tf.settings.signatures import Count


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClippedDensityCoverage(intervals.Jackknifed):
    """Density and coverage whose values are shares of good fakes; 1 is best.

    The inverse g is linear between whole numbers of fakes; the authors' code rounds it up to the
    next one, and counts fewer than k good fakes as none. If several reals are at exactly the
    radius, density counts them all.

    Attributes:
      k: a ball reaches to the k-th neighbour.
    """

    name = "clipped_density_coverage"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"clipped_density": True, "clipped_coverage": True}
    enough = {"real": 10_000, "fake": 10_000}
    bounds = (0.0, 1.0)

    k: Count = 5

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=self.k + 1)
        reals, fakes = share_space(real.features, fake.features)
        found = _count(reals, fakes, self.k).scores(self.k)
        enough = intervals.has_interval(len(reals), len(fakes))
        return {
            name: intervals.Replicates(float(found[name][-1]), found[name][:-1] if enough else None)
            for name in self.scores
        }


def expected_coverage(reals: int, fakes: int, k: int) -> np.ndarray:
    """The mean clipped share of coverage that 0, 1, ..., `fakes` good fakes have, [fakes + 1].

    It is E[min(J, k)] / k = 1 - sum_{j < k} (k - j) P(J = j) / k, with J as in the module's text.
    """
    good = np.arange(fakes + 1.0)
    missing = np.zeros(fakes + 1)
    for held in range(min(k, fakes + 1)):
        some = good[held:]
        log_share = (
            special.gammaln(some + 1.0)
            - special.gammaln(held + 1.0)
            - special.gammaln(some - held + 1.0)
            + special.betaln(k + held, reals - k + some - held)
            - special.betaln(k, reals - k)
        )
        missing[held:] += (k - held) * np.exp(log_share)
    return np.maximum.accumulate(np.clip(1.0 - missing / k, 0.0, 1.0))


def share_of_good(coverage: float, reals: int, fakes: int, k: int) -> float:
    """g of the module's text: the share of the fakes that would have this coverage if good."""
    expected = expected_coverage(reals, fakes, k)
    return float(np.interp(coverage, expected, np.linspace(0.0, 1.0, fakes + 1)))


class _Counts:
    """How many balls hold a sample: a row without each block of samples, then a row of all.

    Attributes, B + 1 rows each:
      of_fakes: int [B + 1, fakes], clipped balls of reals that hold a fake.
      of_reals: int [B + 1, reals], clipped balls of other reals that hold a real sample.
      held: int [B + 1, reals], fakes in the ball of a real sample.
    """

    def __init__(self, reals: int, fakes: int):
        left_out = intervals.BLOCKS + 1
        self.of_fakes = np.zeros((left_out, fakes), np.int32)
        self.of_reals = np.zeros((left_out, reals), np.int32)
        self.held = np.zeros((left_out, reals), np.int32)

    def scores(self, k: int) -> dict[str, np.ndarray]:
        """{score: [B + 1]}."""
        of_reals, of_fakes = balls.kept(self.held.shape[1]), balls.kept(self.of_fakes.shape[1])
        density = _mean_share(self.of_fakes, of_fakes, k) / _mean_share(self.of_reals, of_reals, k)
        calibrate = functools.cache(share_of_good)
        coverage = [
            calibrate(share, int(reals), int(fakes), k) if reals > k else np.nan
            for share, reals, fakes in zip(
                _mean_share(self.held, of_reals, k),
                of_reals.sum(axis=1),
                of_fakes.sum(axis=1),
                strict=True,
            )
        ]
        return {
            "clipped_density": np.minimum(density, 1.0),
            "clipped_coverage": np.array(coverage),
        }


def _mean_share(counts: np.ndarray, kept: np.ndarray, k: int) -> np.ndarray:
    """[B + 1] means of min(1, counts / k) [B + 1, n] over the samples that are kept."""
    with np.errstate(invalid="ignore", divide="ignore"):  # without enough samples for blocks
        return (np.minimum(counts, k) * kept).sum(axis=1) / (k * kept.sum(axis=1))


def _count(real: Points, fake: Points, k: int) -> _Counts:
    own = neighbours(real, real, k)
    radii = balls.radii(own, k)
    clipped, squared_clipped = _clipped(own.squared, radii)
    reach = balls.reach(real, fake, radii)
    counts = _Counts(len(real), len(fake))
    for rows, columns, found in tiles(real, fake):
        pairs = pairs_within(found, rows, columns, reach[rows, None])
        inside = are_inside(real, fake, pairs, own.squared[pairs.i], strict=True)
        for which, within in balls.without_blocks(pairs, inside, radii[:, pairs.i]):
            np.add.at(counts.held[which], pairs.i[within], 1)
        inside = are_inside(real, fake, pairs, squared_clipped[pairs.i], strict=False)
        for which, within in balls.without_blocks(pairs, inside, clipped[:, pairs.i]):
            np.add.at(counts.of_fakes[which], pairs.j[within], 1)
    pairs = _near(own)
    inside = are_inside(real, real, pairs, squared_clipped[pairs.i], strict=False)
    for which, within in balls.without_blocks(pairs, inside, clipped[:, pairs.i]):
        np.add.at(counts.of_reals[which], pairs.j[within], 1)
    return counts


def _near(own: Neighbours) -> Pairs:
    """The pairs of each sample and each of its nearest ones."""
    samples, many = own.near.shape
    return Pairs(np.repeat(np.arange(samples), many), own.near_index.ravel(), own.near.ravel())


def _clipped(squared: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared radii, at most the median radius: without each block float32 [B, n], of all [n]."""
    most = np.square(np.median(np.sqrt(squared)))
    is_kept = balls.kept(len(squared))[:-1]
    medians = [np.median(np.sqrt(row[kept])) for row, kept in zip(radii, is_kept, strict=True)]
    clipped = np.minimum(radii, np.square(medians)[:, None].astype(np.float32))
    return clipped, np.minimum(squared, most)
