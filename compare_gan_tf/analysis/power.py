"""How small a difference so many seeds can show.

The two-sided t test of two variants, with d the difference in standard deviations of a run and

    T noncentral t with 2 (n - 1) degrees of freedom, noncentrality d sqrt(n / 2)   (seeds apart),
    T noncentral t with n - 1 degrees of freedom, noncentrality d sqrt(n)           (common seeds),

where with common seeds a standard deviation is that of the differences of pairs (Cohen, Statistical
power analysis for the behavioral sciences, 1988, chapter 2). It is exact where scores are normal;
for the rank tests of `significance` multiply the difference by sqrt(pi / 3) = 1.02 if scores are
normal; if their tails are heavier they need less. A variant that fails now and then has no standard
deviation: take that of its runs that have scores, and compare failures apart.
"""

import dataclasses
import math

from compare_gan_tf.analysis.student import root, student_cdf, student_quantile
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["Detectable", "least_difference", "runs_needed", "t_test_power"]

_MOST_RUNS = 2**20


@dataclasses.dataclass(frozen=True)
class Detectable:
    """The least difference between two variants that a number of seeds shows with a given power.

    Attributes:
      in_deviations: in standard deviations of a run, or with common seeds of a difference.
      in_scores: in units of the score.
    """

    in_deviations: float
    in_scores: float


def t_test_power(
    runs: int, difference: float, *, alpha: float = 0.05, paired: bool = False
) -> float:
    """The probability that the test finds a difference.

    Args:
      runs: of each variant, 2 or more.
      difference: in standard deviations.
      alpha: the level of the test, in (0, 1); over m pairs of variants alpha / m.
      paired: whether seeds are common.

    Raises:
      UserError: a setting makes no sense.
    """
    _check(runs, alpha)
    require_number("difference", difference)
    degrees = runs - 1 if paired else 2 * (runs - 1)
    shift = abs(difference) * math.sqrt(runs if paired else runs / 2.0)
    critical = student_quantile(1.0 - alpha / 2.0, degrees)
    return 1.0 - student_cdf(critical, degrees, shift) + student_cdf(-critical, degrees, shift)


def least_difference(
    runs: int, deviation: float, *, alpha: float = 0.05, beta: float = 0.2, paired: bool = False
) -> Detectable:
    """The least difference that is found with the probability 1 - beta.

    Args:
      runs: seeds of each variant, 2 or more.
      deviation: the standard deviation of the score of a run, or with common seeds of the
        difference of a pair; above 0.
      alpha: the level of the test, in (0, 1).
      beta: the probability to miss the difference, in (0, 1 - alpha).
      paired: whether seeds are common.

    Raises:
      UserError: a setting makes no sense.
    """
    _check(runs, alpha)
    require_number("deviation", deviation, above=0.0)
    require_number("beta", beta, above=0.0, below=1.0 - alpha)
    found = root(lambda d: t_test_power(runs, d, alpha=alpha, paired=paired) - (1.0 - beta))
    return Detectable(found, found * deviation)


def runs_needed(
    difference: float, *, alpha: float = 0.05, beta: float = 0.2, paired: bool = False
) -> int:
    """The least number of seeds of each variant that finds a difference with probability 1 - beta.

    Args:
      difference: in standard deviations, not 0; other arguments as of `least_difference`.

    Raises:
      UserError: a setting makes no sense, or a million seeds are too few.
    """
    require_number("difference", difference)
    _check(2, alpha)
    require_number("beta", beta, above=0.0, below=1.0 - alpha)
    low, high = 1, 2
    while t_test_power(high, difference, alpha=alpha, paired=paired) < 1.0 - beta:
        low, high = high, 2 * high
        if high > _MOST_RUNS:
            raise UserError(f"difference is {difference}: a million seeds do not show it")
    while high - low > 1:
        middle = (low + high) // 2
        enough = t_test_power(middle, difference, alpha=alpha, paired=paired) >= 1.0 - beta
        low, high = (low, middle) if enough else (middle, high)
    return high


def _check(runs: int, alpha: float) -> None:
    require_number("runs", runs, least=2, most=2 * _MOST_RUNS, whole=True, unit="each variant")
    require_number("alpha", alpha, above=0.0, below=1.0)
