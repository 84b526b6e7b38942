"""Mean and covariance of features that arrive in batches, for Fréchet distances.

Numpy and float64 only.
"""

import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import UndefinedScore
from compare_gan_tf.metrics.rows import CHUNK

BLOCK = 256  # columns of a triangle that are worked out at once


class GaussianStatistics:
    """Mean and unbiased covariance of features that arrive in batches.

    Rows are merged by the formulas of Chan, Golub and LeVeque, Updating Formulae and a Pairwise
    Algorithm for Computing Sample Variances, 1979, thousands at a time for batches of any size. All
    values are stored relative to the first row, so that a common offset costs no digits.

    Attributes:
      count: number of added rows; None if the moments were imported without it.
    """

    def __init__(self):
        self.count = 0
        self._origin = None  # [d], the first row
        self._mean = None  # [d], of the merged rows minus the origin
        # [d, d], sum of the outer products of the rows minus their mean, below the diagonal
        self._scatter = None
        self._merged = 0
        self._batch = CHUNK  # rows to merge at once
        self._waiting = None  # [batch + 1, d], rows that are not merged yet, minus the origin

    @classmethod
    def of_moments(cls, mean, covariance, count: int | None = None) -> "GaussianStatistics":
        """Statistics that were computed elsewhere, such as `mu` and `sigma` of an npz.

        Args:
          mean: [d].
          covariance: [d, d], normalised by N - 1.
          count: N if it is known; without it no rows can be added.

        Raises:
          UserError: the shapes do not fit, or the covariance is not symmetric.
        """
        mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise UserError(
                f"statistics have a mean of shape {mean.shape} and a covariance of shape "
                f"{covariance.shape}: they must be [d] and [d, d]"
            )
        if not np.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-8, equal_nan=True):
            raise UserError("the covariance of the statistics is not symmetric: export it anew")
        if count is not None and count < 2:
            raise UserError(f"statistics are of {count} samples: they must be of at least 2")
        result = cls()
        result._start(mean)
        result._scatter = covariance * (count - 1 if count else 1)
        result.count, result._merged = count, count or 2
        return result

    def update(self, features: np.ndarray) -> None:
        """Adds rows.

        Args:
          features: [n, d], n >= 0.

        Raises:
          UndefinedScore: rows are not finite. Nothing is added then.
          ValueError: the shape does not fit, or it is not known of how many rows this is.
        """
        features = np.asarray(features)
        if features.ndim != 2:
            raise ValueError(f"features must be [n, d], not {features.shape}")
        if self.count is None:
            raise ValueError("statistics that were imported without their count cannot grow")
        bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
        if bad:
            raise UndefinedScore(f"{bad} of {len(features)} rows of features are not finite")
        if not len(features):
            return
        if self._origin is None:
            self._start(features[0].astype(np.float64))
        if features.shape[1] != len(self._origin):
            raise ValueError(f"features have {features.shape[1]} columns, not {len(self._origin)}")
        self._add(features)

    def _start(self, first: np.ndarray) -> None:
        self._origin = first.copy()
        self._mean = np.zeros_like(first)
        self._scatter = np.zeros((len(first), len(first)))
        self._batch = max(CHUNK, len(first))  # as many rows as cost more than their merge

    def _add(self, features: np.ndarray) -> None:
        start = 0
        while start < len(features):
            waiting = self.count - self._merged
            if self._waiting is None:
                self._waiting = np.empty((self._batch + 1, len(self._mean)))
            part = features[start : start + self._batch - waiting]
            with np.errstate(over="ignore", invalid="ignore"):  # the distance reports an overflow
                rows = self._waiting[waiting : waiting + len(part)]
                np.subtract(part, self._origin, out=rows)
            self.count += len(part)
            start += len(part)
            if waiting + len(part) == self._batch:
                self._merge()

    def _merge(self) -> None:
        """Merges the rows that wait."""
        added = self.count - self._merged
        # The last row is the shift between both means: its product is what they have in common.
        rows = self._waiting[: added + 1]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = rows[:-1].mean(axis=0)
            rows[:-1] -= mean
            shift = mean - self._mean
            rows[-1] = shift * np.sqrt(self._merged * (added / self.count))
            for i in range(0, len(mean), BLOCK):  # the lower triangle is enough
                below, part = i + BLOCK, rows[:, i : i + BLOCK]
                self._scatter[i:below, i:below] += part.T @ part
                self._scatter[below:, i:below] += rows[:, below:].T @ part
            self._mean += shift * (added / self.count)
        self._merged = self.count

    def _finish(self) -> None:
        """Merges the waiting rows, and frees their memory."""
        if self._waiting is not None and self.count > self._merged:
            self._merge()
        self._waiting = None

    @property
    def mean(self) -> np.ndarray:
        """float64 [d].

        Raises:
          UndefinedScore: no row was added.
        """
        if self.count == 0:
            raise UndefinedScore("a mean needs at least 1 sample, not 0")
        self._finish()
        return self._origin + self._mean

    @property
    def covariance(self) -> np.ndarray:
        """float64 [d, d], normalised by N - 1 as in the reference implementations.

        Raises:
          UndefinedScore: fewer than two rows were added.
        """
        if self.count is not None and self.count < 2:
            raise UndefinedScore(f"a covariance needs at least 2 samples, not {self.count}")
        self._finish()
        covariance = self._scatter / (self._merged - 1)
        for i in range(0, len(covariance), BLOCK):
            below = i + BLOCK
            covariance[i:below, below:] = covariance[below:, i:below].T
        return covariance
