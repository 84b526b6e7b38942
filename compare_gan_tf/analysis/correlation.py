"""Whether two metrics, or two rankings, order the same runs alike."""

import math

import numpy as np

from compare_gan_tf.analysis.scores import Interval, costs_of, midranks, two_directions
from compare_gan_tf.analysis.student import NORMAL
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["kendall", "spearman"]


def spearman(
    first, second, *, lower_is_better: tuple[bool, bool] = (True, True), level: float = 0.95
) -> Interval:
    """Spearman's correlation of two metrics over runs, and its interval.

    1: both put the runs into the same order, from best to worst, whichever direction their scores
    have; -1: into the opposite one. A run that failed in a metric is its worst one; runs that
    failed in both speak for agreement, which is right for a ranking of all runs and no news about
    the others.

    The interval is tanh(atanh r +- z sqrt((1 + r^2 / 2) / (n - 3))) (Bonett and Wright, Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations, 2000); [-1, 1] below 4
    runs.

    Args:
      first, second: scores [n] of the same runs, in the same order.
      lower_is_better: of each metric, whether a lower score is better.
      level: of confidence, in (0, 1).

    Raises:
      UserError: scores make no sense, or a metric gives all runs the same one.
    """
    require_number("level", level, above=0.0, below=1.0)
    ranks = _both_ranks(first, second, lower_is_better)
    centred = ranks - ranks.mean(1, keepdims=True)
    value = float(
        centred[0] @ centred[1] / math.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    )
    value, runs = min(1.0, max(-1.0, value)), ranks.shape[1]
    if runs < 4:
        return Interval(value, -1.0, 1.0)
    if abs(value) > 1.0 - 1e-12:
        return Interval(value, value, value)
    reach = NORMAL.inv_cdf((1.0 + level) / 2.0) * math.sqrt((1.0 + value**2 / 2.0) / (runs - 3))
    middle = math.atanh(value)
    return Interval(value, math.tanh(middle - reach), math.tanh(middle + reach))


def kendall(first, second, *, lower_is_better: tuple[bool, bool] = (True, True)) -> float:
    """Kendall's tau-b of two metrics over runs; `first` and `second` as those of `spearman`.

    Kendall, Rank correlation methods, 1948: pairs of runs that both order alike, less those that
    they order differently, over the geometric mean of the numbers of pairs that each orders.

    Raises:
      UserError: scores make no sense, or a metric gives all runs the same one.
    """
    ranks = _both_ranks(first, second, lower_is_better)
    return float(tau_b(ranks[0], ranks[1][None])[0])


def tau_b(ranks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """tau-b [B] between ranks [V] and each of [B, V]; 0 with one in which all tie."""
    upper = np.triu_indices(len(ranks), 1)
    signs = np.sign(ranks[upper[0]] - ranks[upper[1]])
    drawn = np.sign(others[:, upper[0]] - others[:, upper[1]])
    ordered = np.sqrt((signs**2).sum() * (drawn**2).sum(1))
    return np.divide(drawn @ signs, ordered, out=np.zeros(len(others)), where=ordered > 0.0)


def _both_ranks(first, second, lower_is_better) -> np.ndarray:
    """[2, n], 1 for the best run."""
    directions = two_directions(lower_is_better)
    costs = [costs_of(*one) for one in zip((first, second), directions, strict=True)]
    if len(costs[0]) != len(costs[1]):
        raise UserError(
            f"{len(costs[0])} and {len(costs[1])} scores: give both metrics of each run"
        )
    for name, one in zip(("first", "second"), costs, strict=True):
        if (one == one[0]).all():
            raise UserError(f"the {name} metric gives all runs the same score: no order to compare")
    return np.stack([midranks(one) for one in costs])
