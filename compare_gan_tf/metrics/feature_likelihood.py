"""Feature Likelihood Divergence: how likely held-out reals are under a density of the fakes.

Jiralerspong et al., Feature Likelihood Divergence: Evaluating the Generalization of Generative
Models Using Samples, 2023. The density is a mixture of one isotropic Gaussian on each fake, whose
variances maximise the likelihood of the training samples; a fake that copies one of them gets a
tiny variance, and so explains no held-out sample. With d features and held-out samples x',

  fld      100 (NLL(x' | fakes) - NLL(x' | one half of the training samples)) / d
  fld_gap  100 (NLL(training samples | fakes) - NLL(x' | fakes)) / d

where the mixture on one half of the training samples is fitted to the other half. Columns are
brought to mean 0 and deviation 1 of the held-out samples first. `_Mixture` has the fit.
"""

import dataclasses

import gin
import numpy as np
from scipy import special

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, UndefinedScore, check_features, check_rows
from compare_gan_tf.metrics.rows import Rows, subset
from compare_gan_tf.settings.signatures import Count, Index

_CHUNK = 1_000  # samples whose distances to all centres are in memory at once
# The authors' settings of the fit.
EPOCHS, BATCH, LEARNING_RATE = 50, 10_000, 0.5
NEAR_MEAN = 0.9  # all samples are brought this part of the way to the background's mean


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureLikelihood(intervals.Jackknifed):
    """FLD, lower is better, and its generalisation gap, about 0 for a model that generalises.

    It needs `held_out` on the real side, the training samples. Half as many fakes as training
    samples, from the data's distribution, have an FLD near 0, and more of them one below: compare
    equal numbers. A gap far below 0 tells that the fakes are nearer to the training samples than to
    held-out ones; of few good fakes it is a little below, for the variances are fitted to the
    training samples. The intervals take the mixtures as fixed.

    The time is that of `2 EPOCHS` passes over all pairs of a fake and a training sample; their
    distances go to a temporary file.

    Attributes:
      fakes: at most so many fakes, and samples of one half, are the centres of a mixture.
      seed: of the draws of these, of the half, and of the order of the fit.
    """

    name = "feature_likelihood"
    needs = {"real": ("features", "held_out"), "fake": ("features",)}
    scores = {"fld": False, "fld_gap": True}
    of_training = True
    enough = {"real": 10_000, "fake": 10_000}
    bounds = (-np.inf, np.inf)

    fakes: Count = 10_000
    seed: Index = 0

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=4)
        if real.held_out is None or real.held_out.features is None:
            raise UndefinedScore("there are no features of held-out real samples")
        held_out = real.held_out.features
        check_rows(held_out, least=4, what="features of the held-out real samples")
        space, rng = _Space(held_out), np.random.default_rng(self.seed)
        training, chosen = real.features, subset(len(fake.features), self.fakes, rng)
        of_fakes = _Mixture(space(fake.features.take(chosen)))
        of_fakes.fit(training, space, rng)
        order = rng.permutation(len(training))
        half = min(len(chosen), len(training) // 2)
        of_half = _Mixture(space(training.take(order[:half])))
        with training.picked(order[half:]) as others:
            of_half.fit(others, space, rng)
        unseen = of_fakes.likelihoods(held_out, space)
        seen = of_fakes.likelihoods(training, space)
        baseline = of_half.likelihoods(held_out, space)
        gap = intervals.minus(intervals.mean(100.0 * unseen), intervals.mean(100.0 * seen))
        return {"fld": intervals.mean(100.0 * (baseline - unseen)), "fld_gap": gap}


class _Space:
    """Coordinates with mean 0 and deviation 1 of some samples; constant columns are shifted."""

    def __init__(self, features: Rows):
        count = len(features)
        self.mean = sum(rows.sum(axis=0, dtype=np.float64) for rows in features.chunks()) / count
        squares = sum(np.square(rows - self.mean).sum(axis=0) for rows in features.chunks())
        deviation = np.sqrt(squares / (count - 1))
        self.deviation = np.where(deviation > 0.0, deviation, 1.0)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Features [n, d] in these coordinates, float64."""
        return (rows - self.mean) / self.deviation


class _Mixture:
    """Isotropic Gaussians of equal weight, each with a variance of its own.

    The variances start as the squared distance of the nearest sample, plus 1e-3, over d, and Adam
    minimises the mean negative log-likelihood over d. In the fit only, a background of weight 1 is
    added: one Gaussian, of a variance that is fitted too, on the mean of the samples, which are
    brought near it. So no sample has a likelihood of nothing, and few centres need to explain
    outliers.
    """

    def __init__(self, centres: np.ndarray):
        """Takes centres float64 [m, d]."""
        self.centres = centres
        self.log_variances = np.zeros(len(centres))
        self._norms = np.einsum("md,md->m", centres, centres)

    def fit(self, samples: Rows, space: _Space, rng: np.random.Generator) -> None:
        """Fits the variances to samples [n, d], whose order is drawn."""
        columns, order = self.centres.shape[1], rng.permutation(len(samples))
        with samples.picked(order) as shuffled, Rows() as distances:
            nearest = np.full(len(self.centres), np.inf)
            for rows in shuffled.chunks(_CHUNK):
                squared = self._squared_distances(space(rows))
                np.minimum(nearest, squared.min(axis=0), out=nearest)
                distances.append(squared.astype(np.float32))
            far = NEAR_MEAN**2 * _from_mean(shuffled, space)
            start = np.append(np.log((nearest + 1e-3) / columns), 0.0)
            adam = _Adam(start)
            for _ in range(EPOCHS):
                for first in range(0, len(shuffled), BATCH):
                    last = min(first + BATCH, len(shuffled))
                    adam.step(_slopes(adam.values, distances, far, first, last, columns))
            self.log_variances = adam.values[:-1]

    def likelihoods(self, samples: Rows, space: _Space) -> np.ndarray:
        """Mean log-likelihood of a column of each sample [n], without the background."""
        found = []
        for rows in samples.chunks(_CHUNK):
            logs = _log_densities(
                self._squared_distances(space(rows)), self.log_variances, self.centres.shape[1]
            )
            found.append(special.logsumexp(logs, axis=1) - np.log(len(self.centres)))
        return np.concatenate(found) / self.centres.shape[1]

    def _squared_distances(self, rows: np.ndarray) -> np.ndarray:
        squared = np.einsum("nd,nd->n", rows, rows)[:, None] + self._norms
        return np.maximum(squared - 2.0 * rows @ self.centres.T, 0.0)


class _Adam:
    """Adam (Kingma and Ba, 2015) of log-variances, which stay in [-40, 20] but for the last one."""

    def __init__(self, values: np.ndarray):
        self.values = values
        self._mean, self._square, self._steps = np.zeros_like(values), np.zeros_like(values), 0

    def step(self, slopes: np.ndarray) -> None:
        self._steps += 1
        self._mean += 0.1 * (slopes - self._mean)
        self._square += 0.001 * (np.square(slopes) - self._square)
        mean = self._mean / (1.0 - 0.9**self._steps)
        square = self._square / (1.0 - 0.999**self._steps)
        self.values = self.values - LEARNING_RATE * mean / (np.sqrt(square) + 1e-8)
        self.values[:-1] = np.clip(self.values[:-1], -40.0, 20.0)


def _log_densities(squared: np.ndarray, log_variances: np.ndarray, columns: int) -> np.ndarray:
    """Of Gaussians at squared distances [n, m], with log-variances [m], in `columns` columns."""
    constant = columns / 2.0 * (log_variances + np.log(2.0 * np.pi))
    return squared * (-0.5 * np.exp(-log_variances)) - constant


def _slopes(values, distances: Rows, far: np.ndarray, first: int, last: int, columns: int):
    """Derivatives of the mean negative log-likelihood over d, of samples first, ..., last - 1.

    Args:
      values: log-variances of m centres and of the background, [m + 1].
      distances: squared, [n, m].
      far: squared distances to the background's mean, [n].
      first, last: the samples.
      columns: d.
    """
    slopes, count = np.zeros(len(values)), len(values) - 1
    weights = np.append(np.full(count, -np.log(count)), 0.0)
    for start in range(first, last, _CHUNK):
        stop = min(start + _CHUNK, last)
        squared = distances.between(start, stop).astype(np.float64)
        squared = np.concatenate([squared, far[start:stop, None]], axis=1)
        logs = _log_densities(squared, values, columns) + weights
        shares = np.exp(logs - special.logsumexp(logs, axis=1, keepdims=True))
        squared *= 0.5 * np.exp(-values)
        slopes -= np.sum(shares * (squared - columns / 2.0), axis=0)
    return slopes / ((last - first) * columns)


def _from_mean(samples: Rows, space: _Space) -> np.ndarray:
    """Squared distances [n] of samples to their mean."""
    mean = sum(space(rows).sum(axis=0) for rows in samples.chunks()) / len(samples)
    return np.concatenate([np.square(space(rows) - mean).sum(axis=1) for rows in samples.chunks()])
