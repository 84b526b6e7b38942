"""Fréchet Inception Distance between Gaussians fitted to features.

Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, eq. 6; the closed form is the
squared 2-Wasserstein distance of Dowson and Landau, 1982:

    d^2 = |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1^1/2 C2 C1^1/2)^1/2)

Numpy, SciPy and float64 only. The factorisations are SciPy's: NumPy's need 4 to 7 times as long for
2,048 features.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg

from compare_gan_tf.metrics.base import UndefinedScore
from compare_gan_tf.metrics.gaussian_statistics import BLOCK, GaussianStatistics

EPSILON = np.finfo(np.float64).eps


class Root(NamedTuple):
    """The trace of the root of two covariances, and its derivatives.

    Attributes:
      trace: tr((C1^1/2 C2 C1^1/2)^1/2).
      slope_1: W1 [d, r] with d trace = tr(W1^T dC1 W1) / 2, for changes of C1 within its range;
        W1 W1^T is the map that carries N(0, C1) to N(0, C2). None if it was not asked for.
      slope_2: W2 likewise.
    """

    trace: float
    slope_1: np.ndarray | None
    slope_2: np.ndarray | None


def root(covariance_1: np.ndarray, covariance_2: np.ndarray, *, slopes: bool = False) -> Root:
    """The `Root` of two covariances [d, d], symmetric and positive semi-definite."""
    found = _root_of_full_rank(covariance_1, covariance_2, slopes)
    return found if found is not None else _root_of_any_rank(covariance_1, covariance_2, slopes)


def _root_of_full_rank(covariance_1, covariance_2, slopes: bool) -> Root | None:
    """The root from the eigenvalues of L^T C2 L, with C1 = L L^T; None if these lose digits.

    The error of an eigenvalue is a few epsilon of the largest one, and the root takes its square
    root: each eigenvalue 0 of a singular covariance would add a relative error of 1e-8.
    """
    try:
        lower = _cholesky(covariance_1)
    except scipy.linalg.LinAlgError:
        return None
    product = _lower_triangle(lower, covariance_2)
    if slopes:
        values, vectors = _eigh(product)
    else:
        values = scipy.linalg.eigvalsh(product, check_finite=False)
    noise = 8 * EPSILON * values[-1]
    if values[0] <= 2 * noise:
        return None
    roots = np.sqrt(values)
    traces = np.trace(covariance_1) + np.trace(covariance_2)
    if np.sum(noise / roots) > 1e-9 * traces:
        return None
    if not slopes:
        return Root(float(roots.sum()), None, None)
    slope_1 = _solve_transposed(lower, vectors * np.sqrt(roots))
    return Root(float(roots.sum()), slope_1, lower @ (vectors / np.sqrt(roots)))


def _lower_triangle(lower: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The lower triangle of L^T C L, without most of the products with zeros above L's diagonal.

    Entries above the diagonal blocks stay 0, because the eigenvalue routines do not read them.
    """
    size, step = len(lower), BLOCK
    half = np.concatenate(
        [lower[i:, i : i + step].T @ covariance[i:] for i in range(0, size, step)]
    )
    found = np.zeros_like(covariance)
    for i in range(0, size, step):
        found[i:, i : i + step] = half[i:, i:] @ lower[i:, i : i + step]
    return found


def _root_of_any_rank(covariance_1, covariance_2, slopes: bool) -> Root:
    """The root from the singular values of A^T B, with C1 = A A^T and C2 = B B^T.

    It takes no root of a product, nor of a negative number.
    """
    (factor_1, invert_1), (factor_2, invert_2) = _factor(covariance_1), _factor(covariance_2)
    product = factor_1.T @ factor_2
    if not slopes:
        values = scipy.linalg.svdvals(product) if product.size else np.zeros(1)
        return Root(float(values.sum()), None, None)
    left, values, right = scipy.linalg.svd(product, full_matrices=False)
    slope_1 = invert_1(left * np.sqrt(values))
    return Root(float(values.sum()), slope_1, invert_2(right.T * np.sqrt(values)))


def _factor(covariance: np.ndarray) -> tuple[np.ndarray, Callable]:
    """F [d, r] with F F^T = covariance, and the function that solves F^T x = b within its range.

    Cholesky's factor if no pivot is near zero, else that of the eigenvectors, without the d - r
    directions that are rounding errors: an eigenvalue is known to about d * epsilon of the largest.
    """
    least = EPSILON * len(covariance) * np.diag(covariance).max(initial=0.0)
    try:
        lower = _cholesky(covariance)
        if (np.diag(lower) ** 2).min(initial=np.inf) > 1e3 * least:
            return lower, functools.partial(_solve_transposed, lower)
    except scipy.linalg.LinAlgError:  # it has no full rank
        pass
    values, vectors = _eigh((covariance + covariance.T) / 2)
    keep = values > EPSILON * len(values) * max(values[-1], 0.0)
    roots, vectors = np.sqrt(values[keep]), vectors[:, keep]
    return vectors * roots, lambda right_side: (vectors / roots) @ right_side


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    return scipy.linalg.cholesky(covariance, lower=True, check_finite=False)


def _eigh(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, ascending, and eigenvectors, from the lower triangle."""
    return scipy.linalg.eigh(matrix, driver="evd", check_finite=False)


def _solve_transposed(lower: np.ndarray, right_side: np.ndarray) -> np.ndarray:
    """L^-T b."""
    return scipy.linalg.solve_triangular(lower, right_side, trans=1, lower=True, check_finite=False)


def trace_of_root(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    """tr((C1^1/2 C2 C1^1/2)^1/2) of two covariances [d, d], singular ones included."""
    return root(covariance_1, covariance_2).trace


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
    return distance_and_root(mean_1, covariance_1, mean_2, covariance_2)[0]


def distance_and_root(
    mean_1, covariance_1, mean_2, covariance_2, *, slopes: bool = False
) -> tuple[float, Root]:
    """The distance of `gaussian_distance`, and the Root that is in it."""
    moments = [np.asarray(m, np.float64) for m in (mean_1, covariance_1, mean_2, covariance_2)]
    if not all(np.isfinite(moment).all() for moment in moments):
        raise UndefinedScore("the mean or covariance of the features is not finite")
    mean_1, covariance_1, mean_2, covariance_2 = moments
    if mean_1.shape != mean_2.shape:
        raise UndefinedScore(
            f"one side has {len(mean_1)} features, the other {len(mean_2)}: they must come from "
            "the same extractor"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        squared_shift = np.sum((mean_1 - mean_2) ** 2)
        traces = np.trace(covariance_1) + np.trace(covariance_2)
    if not np.isfinite(squared_shift + traces):
        raise UndefinedScore("the Fréchet distance of the features exceeds float64")
    scale = max(np.trace(covariance_1), np.trace(covariance_2))
    if 1e-60 < scale < 1e60:  # neither products nor their rounding errors leave float64
        scale = 1.0
    else:
        scale = scale or 1.0
        covariance_1, covariance_2 = covariance_1 / scale, covariance_2 / scale
    found = root(covariance_1, covariance_2, slopes=slopes)
    distance = squared_shift + traces - 2.0 * scale * found.trace
    distance = max(float(distance), 0.0)  # rounding leaves about -1e-13 between equal Gaussians
    return distance, found._replace(trace=scale * found.trace)


def frechet_distance(real: GaussianStatistics, fake: GaussianStatistics) -> float:
    """The Fréchet distance between two sets of features; symmetric, >= 0.

    Raises:
      UndefinedScore: a set has fewer than two samples or its moments are not finite.
    """
    return gaussian_distance(real.mean, real.covariance, fake.mean, fake.covariance)
