"""What a budget buys: the best of k runs, drawn without replacement from the n that there are.

With costs x_(1) <= ... <= x_(n) and S_i = C(n - i, k) / C(n, k), the probability that the best i
runs are all missed:

    P(best > x_(i)) = S_i,
    E best = sum_i x_(i) C(n - i, k - 1) / C(n, k) = sum_i x_(i) (S_{i-1} - S_i).

It is what the 1,000 simulated orders of Kurach et al., The GAN Landscape, 2018, estimate. The
expected validation performance of Dodge et al., Show your work, 2019, draws with replacement and is
biased; Tang et al., Showing your work doesn't always work, 2020, say by how much. S is a product of
factors (n - j - k) / (n - j) in [0, 1), so no binomial overflows.

A draw of failed runs only has an infinite best, so the expectation is infinite while k is at most
the number of failed runs; the quantiles are finite from smaller budgets on.

The interval of the expectation is E +- t SE of the delete-one jackknife (Efron and Tibshirani, An
introduction to the bootstrap, 1993, eq. 11.5), with the quantile t of Student's distribution with
n - 1 degrees of freedom. Resamples do worse, as none has a run that is better than the best: over
simulated studies of 20 and 50 runs, normal and lognormal, the jackknife's of 95 % held the truth in
92 to 96 % for k up to n / 10, 91 to 92 % for n / 5 and 81 to 87 % for n / 2; the expanded bootstrap
interval in 91 to 96 %, 85 to 90 % and 66 to 74 %.
"""

import dataclasses

import numpy as np

from compare_gan_tf.analysis.bootstrap import portions
from compare_gan_tf.analysis.scores import Interval, array_of, costs_of, turned
from compare_gan_tf.analysis.student import student_quantile
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["BudgetCurve", "budget_curve", "expected_best"]


@dataclasses.dataclass(frozen=True)
class BudgetCurve:
    """The best of k runs, for each of K budgets k.

    Attributes:
      budgets: k, int [K].
      expected: the expectation of the best of k [K], with its interval.
      median: the median of the best of k [K], exact for the runs that there are.
      low, high: quantiles [K] between which the best of k lies with the probability `level`, exact
        likewise: how lucky one search is, not how well the curve is known.
    """

    budgets: np.ndarray
    expected: Interval
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def budget_curve(
    scores,
    budgets=None,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
) -> BudgetCurve:
    """The best of k runs of one variant on one task, by the number of runs k.

    Trust the interval of the expectation up to k = n / 5. It is infinite with one run.

    Args:
      scores: [runs].
      budgets: k, each in [1, runs]; by default all.
      lower_is_better: whether a lower score is better.
      level: of both bands, in (0, 1).

    Raises:
      UserError: scores, budgets or settings make no sense.
    """
    require_number("level", level, above=0.0, below=1.0)
    costs = np.sort(costs_of(scores, lower_is_better))
    budgets = _budgets(budgets, len(costs))
    missed = probability_missed(len(costs), budgets)
    expected = expectations(costs[None], missed)[0]
    reach = np.where(np.isinf(expected), 0.0, _reach(costs, budgets, level))
    found = Interval(expected, expected - reach, expected + reach)
    outside = (1.0 - level) / 2.0
    low, median, high = (_quantile(costs, missed, share) for share in (outside, 0.5, 1.0 - outside))
    if not lower_is_better:
        low, high = high, low
    curves = [turned(one, lower_is_better) for one in (found, median, low, high)]
    return BudgetCurve(budgets, *curves)


def expected_best(scores, budget: int, *, lower_is_better: bool = True) -> float:
    """The expectation of the best of `budget` runs, without replacement.

    Args:
      scores: [runs] of one variant on one task.
      budget: k in [1, runs].
      lower_is_better: whether a lower score is better.

    Raises:
      UserError: scores or the budget make no sense.
    """
    costs = np.sort(costs_of(scores, lower_is_better))
    missed = probability_missed(len(costs), _budgets([budget], len(costs)))
    return float(turned(expectations(costs[None], missed)[0, 0], lower_is_better))


def probability_missed(runs: int, budgets: np.ndarray) -> np.ndarray:
    """S_i [K, runs + 1], i from 0 on: the probability that a draw of k misses the best i runs."""
    left = runs - np.arange(runs)
    factors = np.maximum(left - budgets[:, None], 0) / left
    return np.concatenate([np.ones([len(budgets), 1]), np.cumprod(factors, axis=1)], axis=1)


def expectations(ordered: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """E best [B, K] of costs [B, n] in rising order."""
    failed = np.isinf(ordered)
    weights = missed[:, :-1] - missed[:, 1:]
    found = np.where(failed, 0.0, ordered) @ weights.T
    budgets = ordered.shape[1] * weights[:, 0]  # S_0 - S_1 = k / n
    return np.where(np.rint(budgets) <= failed.sum(1)[:, None], np.inf, found)


def _reach(costs: np.ndarray, budgets: np.ndarray, level: float) -> np.ndarray:
    """t SE [K] of finite expectations, by the jackknife; that of k = n as that of n - 1."""
    runs = len(costs)
    if runs < 2:
        return np.full(len(budgets), np.inf)
    missed = probability_missed(runs - 1, np.minimum(budgets, runs - 1))
    weights = missed[:, :-1] - missed[:, 1:]
    scale = max(1.0, np.abs(costs[np.isfinite(costs)]).max(initial=0.0))
    finite = np.where(np.isfinite(costs), costs / scale, 0.0)
    before = np.cumsum(finite[:-1] * weights, axis=1)  # [K, n - 1] of the runs up to i
    after = np.cumsum((finite[1:] * weights)[:, ::-1], axis=1)[:, ::-1]  # of those beyond i
    without = np.pad(before, ((0, 0), (1, 0))) + np.pad(after, ((0, 0), (0, 1)))
    variance = np.var(without, axis=1) * (runs - 1)
    return scale * student_quantile((1.0 + level) / 2.0, runs - 1) * np.sqrt(variance)


def resampled_expectations(
    costs: np.ndarray, missed: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """E best [resamples, K] of costs [n], in rising order, drawn with replacement."""
    runs = len(costs)
    return np.concatenate(
        [
            expectations(costs[np.sort(rng.integers(runs, size=(number, runs)), axis=1)], missed)
            for number in portions(resamples, runs)
        ]
    )


def _quantile(ordered: np.ndarray, missed: np.ndarray, share: float) -> np.ndarray:
    """The least cost [K] that the best of k does not exceed with at least this probability."""
    reached = 1.0 - missed[:, 1:] >= share - 1e-12  # of rounding
    return ordered[np.argmax(reached, axis=1)]


def _budgets(budgets, runs: int) -> np.ndarray:
    if budgets is None:
        return np.arange(1, runs + 1)
    budgets = np.atleast_1d(array_of("budgets", budgets))
    if budgets.ndim != 1 or not budgets.size or budgets.dtype.kind not in "iu":
        raise UserError("budgets must be whole numbers of runs, in one dimension, one at least")
    wrong = budgets[(budgets < 1) | (budgets > runs)]
    if wrong.size:
        raise UserError(
            f"a budget of {wrong[0]} runs: it must be in [1, {runs}], the runs there are"
        )
    return budgets.astype(np.int64)
