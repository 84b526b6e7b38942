"""Means and shares of independent samples as scores with 95 % confidence intervals."""

import numpy as np

from compare_gan_tf.metrics.base import Score, UndefinedScore

NORMAL_975 = 1.959963984540054  # the 97.5 % quantile of the standard normal


def around(value: float, error: float) -> Score:
    """value +- 1.96 standard errors."""
    value, error = float(value), float(error)
    return Score(value, (value - NORMAL_975 * error, value + NORMAL_975 * error))


def mean(values: np.ndarray) -> Score:
    """The mean of independent values [n] with the interval of the normal approximation.

    Raises:
      UndefinedScore: there are fewer than two values, or not all are finite.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        raise UndefinedScore(f"a mean and its error need at least 2 values, not {len(values)}")
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise UndefinedScore(f"{bad} of {len(values)} values are not finite")
    return around(values.mean(), values.std(ddof=1) / np.sqrt(len(values)))


def share(hits: int, total: int) -> Score:
    """hits / total with the interval of Wilson, Probable inference, 1927.

    Raises:
      UndefinedScore: total is 0.
    """
    if not total:
        raise UndefinedScore("a share of 0 samples")
    value, square = hits / total, NORMAL_975**2
    middle = (value + square / (2 * total)) / (1 + square / total)
    half = NORMAL_975 * np.sqrt(value * (1 - value) / total + square / (4 * total**2))
    half /= 1 + square / total
    return Score(float(value), (float(max(middle - half, 0.0)), float(min(middle + half, 1.0))))
