"""Precision, recall, density and coverage: shares of one side near the samples of the other.

Each sample has a ball that reaches to its k-th nearest neighbour on the same side, not counting
itself. The manifold of a side is the union of its balls. Distances of features are Euclidean.

  precision  share of the fakes in a ball of a real sample
  recall     share of the reals in a ball of a fake
             (Kynkäänniemi et al., Improved Precision and Recall Metric, 2019, eq. 1 and 2)
  density    mean over the fakes of how many balls of reals hold them, divided by k
  coverage   share of the reals whose ball holds a fake
             (Naeem et al., Reliable Fidelity and Diversity Metrics, 2020, eq. 3 and 4)
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import balls, intervals
from compare_gan_tf.metrics.base import Collected, check_features
from compare_gan_tf.metrics.nearest import (
    Points,
    are_inside,
    neighbours,
    pairs_within,
    share_space,
    tiles,
)
from compare_gan_tf.settings.signatures import Count


class _Manifolds(intervals.Jackknifed):
    """What the two metrics have in common."""

    k: int
    strict: bool

    needs = {"real": ("features",), "fake": ("features",)}
    enough = {"real": 10_000, "fake": 10_000}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=self.k + 1)
        counts = _count(*share_space(real.features, fake.features), self.k, self.strict)
        found = counts.shares(self.k)
        enough = intervals.has_interval(len(real.features), len(fake.features))
        return {
            name: intervals.Replicates(float(found[name][-1]), found[name][:-1] if enough else None)
            for name in self.scores
        }


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PrecisionRecall(_Manifolds):
    """Improved precision and recall with the paper's k; higher is better.

    Attributes:
      k: a ball reaches to the k-th neighbour. The paper, StyleGAN and torch-fidelity take 3,
        StudioGAN takes 5.
      strict: whether a sample exactly on the border of a ball is outside, as in StudioGAN.
    """

    name = "precision_recall"
    scores = {"precision": True, "recall": True}
    bounds = (0.0, 1.0)

    k: Count = 3
    strict: bool = False


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Prdc(_Manifolds):
    """Precision, recall, density and coverage as in the package `prdc`; higher is better.

    Its precision and recall have other names than those of `PrecisionRecall`, because k and the
    border differ.

    Attributes:
      k: a ball reaches to the k-th neighbour.
      strict: whether a sample exactly on the border of a ball is outside.
    """

    name = "prdc"
    scores = {"prdc_precision": True, "prdc_recall": True, "density": True, "coverage": True}
    bounds = (0.0, 1.0)
    bounds_of = {"density": (0.0, np.inf)}

    k: Count = 5
    strict: bool = True


class _Counts:
    """The samples that are in a ball: a row without each block of samples, then a row of all.

    Attributes, B + 1 rows each:
      precise: bool [B + 1, fakes], in a ball of a real sample.
      recalled: bool [B + 1, reals], in a ball of a fake.
      covered: bool [B + 1, reals], whose ball holds a fake.
      held: [B + 1], pairs of a real sample and a fake in its ball.
    """

    def __init__(self, reals: int, fakes: int):
        left_out = intervals.BLOCKS + 1
        self.precise = np.zeros((left_out, fakes), bool)
        self.recalled = np.zeros((left_out, reals), bool)
        self.covered = np.zeros((left_out, reals), bool)
        self.held = np.zeros(left_out)

    def shares(self, k: int) -> dict[str, np.ndarray]:
        """{score: [B + 1]}."""
        of_reals, of_fakes = balls.kept(self.recalled.shape[1]), balls.kept(self.precise.shape[1])
        reals, fakes = of_reals.sum(axis=1), of_fakes.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):  # without enough samples for blocks
            precision = (self.precise & of_fakes).sum(axis=1) / fakes
            recall = (self.recalled & of_reals).sum(axis=1) / reals
            coverage = (self.covered & of_reals).sum(axis=1) / reals
            density = self.held / (k * fakes)
        return {
            "precision": precision,
            "recall": recall,
            "prdc_precision": precision,
            "prdc_recall": recall,
            "density": density,
            "coverage": coverage,
        }


def _count(real: Points, fake: Points, k: int, strict: bool) -> _Counts:
    of_real, of_fake = neighbours(real, real, k), neighbours(fake, fake, k)
    real_radii, fake_radii = balls.radii(of_real, k), balls.radii(of_fake, k)
    real_reach = balls.reach(real, fake, real_radii)
    fake_reach = balls.reach(fake, real, fake_radii)
    counts = _Counts(len(real), len(fake))
    for rows, columns, found in tiles(real, fake):
        pairs = pairs_within(found, rows, columns, real_reach[rows, None])
        inside = are_inside(real, fake, pairs, of_real.squared[pairs.i], strict)
        for which, within in balls.without_blocks(pairs, inside, real_radii[:, pairs.i]):
            counts.precise[which, pairs.j[within]] = True
            counts.covered[which, pairs.i[within]] = True
            counts.held[which] += np.count_nonzero(within)
        pairs = pairs_within(found, rows, columns, fake_reach[None, columns])
        inside = are_inside(real, fake, pairs, of_fake.squared[pairs.j], strict)
        for which, within in balls.without_blocks(pairs, inside, fake_radii[:, pairs.j]):
            counts.recalled[which, pairs.i[within]] = True
    return counts
