"""How many times the runs of B that A needs, to reach the same expected best.

The log-efficiency of the convergence curves of Google Vizier (Song et al., Open source Vizier,
2022), on the curves of `budgets`: E(k), the expected best of k runs, without replacement. The
budget of a level y is the least k with E(k) <= y, between whole numbers linear in log k. The levels
are the values of either curve, at each k up to K, that both reach and that neither reaches with
less than one run:

    max(E_A(K_A), E_B(K_B)) <= y <= min(E_A(1), E_B(1)).

The ratio is the geometric mean over the levels of budget_A(y) / budget_B(y), with the weight 1 / k
of the level E(k), so that all parts of an axis of log k count alike. K is a quarter of the runs,
and 5 at least if there are as many: beyond it the curve hangs on the few best runs. Where a run of
A is the best of three runs of B, so that the ratio is 1/3, the mean logarithm over repeated studies
of 20 to 300 runs is 0.95 to 0.98 of log 1/3, and the interval holds 1/3 in 91 to 93 % of them.
"""

import dataclasses

import numpy as np

from compare_gan_tf.analysis.bootstrap import bounded
from compare_gan_tf.analysis.budgets import (
    expectations,
    probability_missed,
    resampled_expectations,
)
from compare_gan_tf.analysis.scores import Interval, costs_of, require_sampling

__all__ = ["BudgetRatio", "budget_ratio"]


@dataclasses.dataclass(frozen=True)
class BudgetRatio:
    """How many times the runs of B A needs.

    Attributes:
      ratio: below 1 A needs fewer; with its expanded bootstrap interval.
      levels: at how many levels the budgets were compared. With none, one run of one variant is
        expected to be better than K of the other, and the ratio is only known to be 1 / K at most,
        or K at least, which is its value, and an end of its interval is 0 or infinite. Where all
        runs of both failed it is 1.
    """

    ratio: Interval
    levels: int


def budget_ratio(
    first,
    second,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> BudgetRatio:
    """The runs that the first variant needs for one run of the second, on one task.

    Args:
      first, second: scores [n] and [m]; 20 each at least, for an interval to trust.
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    rng = np.random.default_rng(seed)
    values, drawn, sizes = [], [], []
    for scores in (first, second):
        costs = np.sort(costs_of(scores, lower_is_better))
        missed = probability_missed(len(costs), np.arange(1, _most_budget(len(costs)) + 1))
        values.append(_falling(expectations(costs[None], missed))[0])
        drawn.append(_falling(resampled_expectations(costs, missed, resamples, rng)))
        sizes.append(len(costs))
    value, levels, *_ = _log_ratio(*values)
    replicates = [_log_ratio(a, b) for a, b in zip(*drawn, strict=True)]
    _, _, least, most = (np.array(column) for column in zip(*replicates, strict=True))
    low = bounded(np.float64(value), least, sizes, level, "expanded").low
    high = bounded(np.float64(value), most, sizes, level, "expanded").high
    return BudgetRatio(Interval(*(float(np.exp(one)) for one in (value, low, high))), levels)


def _most_budget(runs: int) -> int:
    """K: up to how many runs the curve is read."""
    return max(-(-runs // 4), min(runs, 5))


def _falling(curves: np.ndarray) -> np.ndarray:
    """Curves [B, K] which fall but for rounding, without it."""
    return np.minimum.accumulate(curves, axis=1)


def _log_ratio(first: np.ndarray, second: np.ndarray) -> tuple[float, int, float, float]:
    """The log ratio of the budgets of two falling curves, its levels, and its least and most."""
    levels = np.concatenate([first, second])
    weights = np.concatenate([1.0 / np.arange(1, len(curve) + 1) for curve in (first, second)])
    above, below = min(first[0], second[0]), max(first[-1], second[-1])
    both = np.isfinite(levels) & (levels <= above) & (levels >= below)
    if both.any():
        ratios = _log_budget(first, levels[both]) - _log_budget(second, levels[both])
        value = float(np.average(ratios, weights=weights[both]))
        return value, int(both.sum()), value, value
    if np.isinf(first[-1]) and np.isinf(second[-1]):
        return 0.0, 0, -np.inf, np.inf
    if first[-1] < second[-1]:
        value = -float(np.log(len(second)))
        return value, 0, -np.inf, value
    value = float(np.log(len(first)))
    return value, 0, value, np.inf


def _log_budget(curve: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The logarithm of the least budget at which a falling curve reaches levels that it reaches."""
    at = np.searchsorted(-curve, -levels)  # the first whole budget, less 1
    before = np.maximum(at - 1, 0)
    above, below = curve[before], curve[at]
    jump = np.isinf(above) | (above == below)
    share = np.ones(len(levels))
    np.divide(above - levels, above - below, out=share, where=~jump)
    return (1.0 - share) * np.log(before + 1) + share * np.log(at + 1)
