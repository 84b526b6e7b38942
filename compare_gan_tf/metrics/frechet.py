"""Fréchet Inception Distance between Gaussians fitted to features.

Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, eq. 6; the closed form is the
squared 2-Wasserstein distance of Dowson and Landau, 1982:

    d^2 = |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1^1/2 C2 C1^1/2)^1/2)

Numpy and float64 only.
"""

import numpy as np

from compare_gan_tf.metrics.base import UndefinedScore


class GaussianStatistics:
    """Mean and unbiased covariance of features that arrive in batches.

    Batches are merged by Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances, 1979. Everything is stored relative to the first row ever seen, so
    an offset that all features share costs no digits.
    """

    def __init__(self):
        self.count = 0
        self._origin = None  # [d], the first row
        self._mean = None  # [d], of the rows minus the origin
        self._scatter = None  # [d, d], sum of the outer products of the rows minus their mean

    def update(self, features: np.ndarray) -> None:
        """Adds rows.

        Args:
          features: [n, d], n >= 0.

        Raises:
          UndefinedScore: rows are not finite. Nothing is added then.
          ValueError: the shape does not fit.
        """
        features = np.asarray(features, np.float64)
        if features.ndim != 2:
            raise ValueError(f"features must be [n, d], not {features.shape}")
        bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
        if bad:
            raise UndefinedScore(f"{bad} of {len(features)} rows of features are not finite")
        if not len(features):
            return
        if self._origin is None:
            self._start(features[0])
        if features.shape[1] != len(self._origin):
            raise ValueError(f"features have {features.shape[1]} columns, not {len(self._origin)}")
        with np.errstate(over="ignore", invalid="ignore"):  # the distance reports an overflow
            self._merge(features - self._origin)

    def _start(self, first: np.ndarray) -> None:
        self._origin = first.copy()
        self._mean = np.zeros_like(first)
        self._scatter = np.zeros((len(first), len(first)))

    def _merge(self, rows: np.ndarray) -> None:
        added = len(rows)
        total = self.count + added
        mean = rows.mean(axis=0)
        centred = rows - mean
        shift = mean - self._mean
        self._scatter += centred.T @ centred
        self._scatter += np.outer(shift, shift) * (self.count * added / total)
        self._mean += shift * (added / total)
        self.count = total

    @property
    def mean(self) -> np.ndarray:
        """float64 [d].

        Raises:
          UndefinedScore: no row was added.
        """
        if not self.count:
            raise UndefinedScore("a mean needs at least 1 sample, not 0")
        return self._origin + self._mean

    @property
    def covariance(self) -> np.ndarray:
        """float64 [d, d], normalised by N - 1 as in the reference implementations.

        Raises:
          UndefinedScore: fewer than two rows were added.
        """
        if self.count < 2:
            raise UndefinedScore(f"a covariance needs at least 2 samples, not {self.count}")
        return self._scatter / (self.count - 1)


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F [d, r] with F F^T = covariance, without the d - r directions that are rounding errors.

    An eigenvalue is known to about d * epsilon of the largest one. One below that would enter the
    distance by its square root, a relative 1e-8 out of nothing, or as a NaN if it is negative.
    """
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    keep = values > np.finfo(np.float64).eps * len(values) * max(values[-1], 0.0)
    return vectors[:, keep] * np.sqrt(values[keep])


def trace_of_root(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    """tr((C1^1/2 C2 C1^1/2)^1/2) of two covariances [d, d], singular ones included.

    With C1 = A A^T and C2 = B B^T it is the sum of the singular values of A^T B, so that no root
    of a product, nor of a negative number, is ever taken.
    """
    product = _factor(covariance_1).T @ _factor(covariance_2)
    return float(np.linalg.svd(product, compute_uv=False).sum()) if product.size else 0.0


def gaussian_distance(mean_1, covariance_1, mean_2, covariance_2) -> float:
    """Squared 2-Wasserstein distance between N(mean_1, covariance_1) and N(mean_2, covariance_2).

    Args:
      mean_1: [d].
      covariance_1: [d, d], symmetric and positive semi-definite.
      mean_2: [d].
      covariance_2: [d, d], symmetric and positive semi-definite.

    Raises:
      UndefinedScore: a moment, or the distance, is not finite.
    """
    moments = [np.asarray(m, np.float64) for m in (mean_1, covariance_1, mean_2, covariance_2)]
    if not all(np.isfinite(moment).all() for moment in moments):
        raise UndefinedScore("the mean or covariance of the features is not finite")
    mean_1, covariance_1, mean_2, covariance_2 = moments
    with np.errstate(over="ignore"):
        squared_shift = np.sum((mean_1 - mean_2) ** 2)
        traces = np.trace(covariance_1) + np.trace(covariance_2)
        distance = squared_shift + traces - 2.0 * trace_of_root(covariance_1, covariance_2)
    if not np.isfinite(distance):
        raise UndefinedScore("the Fréchet distance of the features exceeds float64")
    return max(float(distance), 0.0)  # rounding leaves about -1e-13 between equal Gaussians


def frechet_distance(real: GaussianStatistics, fake: GaussianStatistics) -> float:
    """The Fréchet distance between two sets of features; symmetric, >= 0.

    Raises:
      UndefinedScore: a set has fewer than two samples or its moments are not finite.
    """
    return gaussian_distance(real.mean, real.covariance, fake.mean, fake.covariance)
