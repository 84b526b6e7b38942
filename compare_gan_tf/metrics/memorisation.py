"""Memorisation: whether fakes are copies of training samples, or of each other.

The metrics use nearest neighbours in the space of the features. The real side must be the samples
that the model was trained on.
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import (
    Collected,
    Rows,
    UndefinedScore,
    check_features,
    check_rows,
)
from compare_gan_tf.metrics.fid import Side, frechet_replicates, statistics_of
from compare_gan_tf.metrics.nearest import neighbours, share_space
from compare_gan_tf.metrics.rows import subset
from compare_gan_tf.settings.signatures import Index, NotNegative


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Authenticity(intervals.Jackknifed):
    """The share of fakes that are not copies of a training sample; higher is better.

    Alaa et al., How Faithful is your Synthetic Data?, 2022, section 3.3: a fake is not authentic if
    it is nearer to its nearest training sample than that sample is to any other training sample.
    New samples from the data's distribution score about 0.5, not 1. The AuthPct of dgm-eval is 100
    times this. The interval takes the training samples as fixed.
    """

    name = "authenticity"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"authenticity": True}
    of_training = True
    enough = {"fake": 1_000}
    bounds = (0.0, 1.0)

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=3)
        reals, fakes = share_space(real.features, fake.features)
        nearest = neighbours(fakes, reals, 1)
        own = neighbours(reals, reals, 1).squared
        return {"authenticity": intervals.mean(nearest.squared > own[nearest.index])}


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Memorised(intervals.Jackknifed):
    """The share of fakes far nearer to one training sample than to all others; lower is better.

    Yoon et al., Diffusion Probabilistic Models Generalize when They Fail to Memorize, 2023: a fake
    counts if its nearest training sample is at most `ratio` times as far as the second nearest.
    Copies of a sample that is twice in the training set are not found. The interval takes the
    training samples as fixed.

    Attributes:
      ratio: largest ratio of the two distances.
    """

    name = "memorised"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"memorised": False}
    of_training = True
    enough = {"fake": 1_000}
    bounds = (0.0, 1.0)

    ratio: NotNegative = 1 / 3

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=3)
        reals, fakes = share_space(real.features, fake.features)
        first, second = (neighbours(fakes, reals, k).squared for k in (1, 2))
        copies = (first <= self.ratio**2 * second) & (first < second)
        return {"memorised": intervals.mean(copies)}


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Duplicates(intervals.Jackknifed):
    """The share of fakes that nearly equal another fake; lower is better, and 0 is best.

    Two fakes are nearly equal if their distance is at most `ratio` times the median distance of a
    real sample to its nearest other real sample. The share grows with the number of fakes: compare
    equal numbers. The interval takes the other samples as fixed.

    Attributes:
      ratio: 0 counts exact copies only.
    """

    name = "duplicates"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"duplicates": False}
    of_training = True
    enough = {"fake": 1_000}
    bounds = (0.0, 1.0)

    ratio: NotNegative = 1 / 3

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=3)
        reals, fakes = share_space(real.features, fake.features)
        usual = np.median(neighbours(reals, reals, 1).squared)
        nearest = neighbours(fakes, fakes, 1).squared
        return {"duplicates": intervals.mean(nearest <= self.ratio**2 * usual)}


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class HeldOutGap(intervals.Jackknifed):
    """How much closer the fakes are to the training samples than to held-out real samples.

    It needs `held_out` on the real side. The two real sets have equally many samples, drawn from
    the larger one with the seed.

    Its scores:
      fid_gap: FID to the held-out samples minus FID to the training samples; about 0 for a model
        that generalises, above for one that memorises, in the units of FID.
      nearer_to_training: the share of fakes whose nearest training sample is nearer than their
        nearest held-out one, about one half for a model that generalises (Meehan et al., A
        Non-Parametric Test to Detect Data-Copying, 2020, compare the same distances). Its interval
        takes the real samples as fixed.

    Attributes:
      seed: of the draw.
    """

    name = "held_out_gap"
    needs = {"real": ("features", "held_out"), "fake": ("features",)}
    scores = {"fid_gap": False, "nearer_to_training": False}
    covariances = True
    of_training = True
    enough = {"fake": 1_000}
    bounds = (-np.inf, np.inf)

    seed: Index = 0

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=3)
        if real.held_out is None or real.held_out.features is None:
            raise UndefinedScore("there are no features of held-out real samples")
        held_out = real.held_out.features
        check_rows(held_out, least=2, what="features of the held-out real samples")
        count = min(len(real.features), len(held_out))
        training = self._draw(real.features, count)
        held_out = self._draw(held_out, count)
        return {
            "fid_gap": _fid_gap(training, held_out, fake.features),
            "nearer_to_training": _nearer(training, held_out, fake.features),
        }

    def _draw(self, features: Rows, count: int) -> Rows:
        if len(features) == count:
            return features
        rng = np.random.default_rng(self.seed)
        return features.picked(subset(len(features), count, rng))


def _fid_gap(training: Rows, held_out: Rows, fakes: Rows) -> intervals.Replicates:
    of_training, of_held_out, of_fakes = (
        Side(statistics_of(rows), rows) for rows in (training, held_out, fakes)
    )
    near = frechet_replicates(of_training, of_fakes, True)
    far = frechet_replicates(of_held_out, of_fakes, True)
    return intervals.minus(far, near)


def _nearer(training: Rows, held_out: Rows, fakes: Rows) -> intervals.Replicates:
    trained, held, generated = share_space(training, held_out, fakes)
    to_training = neighbours(generated, trained, 1).squared
    to_held_out = neighbours(generated, held, 1).squared
    return intervals.mean((to_training < to_held_out) + 0.5 * (to_training == to_held_out))
