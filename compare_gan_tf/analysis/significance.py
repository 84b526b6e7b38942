"""Tests of two variants, and of all pairs of several: Wilcoxon's and Mann and Whitney's.

Where seeds are common, pairs of runs are compared by Wilcoxon's signed-rank test, as Demsar,
Statistical comparisons of classifiers over multiple data sets, 2006, section 3.1.3, advises. It is
preferred here to a permutation test of the mean difference because it asks for ranks alone: a
failed run, whose difference to any other is infinite, is no case apart, and one outlier decides
nothing. Both tests are exact, given the ties, as scipy's are without them. Beyond 500 seeds that of
Wilcoxon is normal, and beyond 1,000 pairs of runs that of Mann and Whitney, with the correction for
continuity; both with those for ties.
"""

import dataclasses
import math

import numpy as np

from compare_gan_tf.analysis.improvement import beats
from compare_gan_tf.analysis.letters import letter_display
from compare_gan_tf.analysis.scores import (
    array_of,
    costs_of,
    difference,
    midranks,
    pairs_of,
    require_common_seeds,
    variants_of,
)
from compare_gan_tf.analysis.student import NORMAL
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["PairwiseTests", "holm", "mann_whitney", "pairwise_tests", "wilcoxon"]

_MOST_SEEDS = 500  # of an exact test: below, it takes some tenths of a second
_MOST_EXACT = 1_000  # pairs of runs n m: below, the exact test takes some milliseconds


@dataclasses.dataclass(frozen=True)
class PairwiseTests:
    """Tests of all pairs of V variants.

    Attributes:
      p_values: two-sided [V, V], 1 on the diagonal.
      corrected: those of Holm over all V (V - 1) / 2 pairs [V, V].
      different: corrected <= alpha, bool [V, V].
      letters: of each variant; two variants share a letter where they are not different. The
        variant with the best median has an "a".
    """

    p_values: np.ndarray
    corrected: np.ndarray
    different: np.ndarray
    letters: list[str]


def pairwise_tests(
    variants, *, paired: bool, alpha: float = 0.05, lower_is_better: bool = True
) -> PairwiseTests:
    """Tests all pairs of variants on one task, corrects by Holm, and gives letters.

    Args:
      variants: the scores [runs] of each.
      paired: run i is of one seed in all variants: Wilcoxon's test; otherwise that of Mann and
        Whitney.
      alpha: the probability of one false difference or more, in (0, 1).
      lower_is_better: whether a lower score is better.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_number("alpha", alpha, above=0.0, below=1.0)
    variants = variants_of(variants, lower_is_better)
    if len(variants[0]) > 1:
        raise UserError(f"{len(variants[0])} tasks: a test takes the scores [runs] of one task")
    if paired:
        require_common_seeds(variants)
    costs, pairs = [tasks[0] for tasks in variants], pairs_of(len(variants))
    test = wilcoxon if paired else mann_whitney
    p_values = np.array([test(costs[u], costs[v]) for u, v in pairs])
    corrected = holm(p_values)
    different = _square(corrected <= alpha, pairs, False)
    best_first = np.argsort([np.median(one) for one in costs], kind="stable")
    letters = letter_display(different, best_first)
    return PairwiseTests(
        _square(p_values, pairs, 1.0), _square(corrected, pairs, 1.0), different, letters
    )


def wilcoxon(first, second, *, lower_is_better: bool = True) -> float:
    """The two-sided p value of Wilcoxon's signed-rank test, 1945, of pairs of runs.

    Pairs that tie, two failed runs for one, are left out, as Wilcoxon does; all ties give 1.

    Args:
      first, second: scores [n], run i of both of one seed.
      lower_is_better: whether a lower score is better, which matters to failed runs alone.

    Raises:
      UserError: they are no numbers, or none, or of different numbers.
    """
    first, second = (costs_of(scores, lower_is_better) for scores in (first, second))
    require_common_seeds([[first], [second]])
    differences = difference(first, second)
    differences = differences[differences != 0.0]
    if not len(differences):
        return 1.0
    ranks = np.rint(2.0 * midranks(np.abs(differences))).astype(int)  # whole ones
    positive = ranks[differences > 0.0].sum()
    if len(ranks) > _MOST_SEEDS:
        return _normal(positive - ranks.sum() / 2, np.square(ranks.astype(float)).sum() / 4)
    probabilities = np.zeros(ranks.sum() + 1)
    probabilities[0] = 1.0
    for rank in ranks:  # each sign is + or - with probability 1/2
        probabilities[rank:] += probabilities[:-rank]
        probabilities /= 2.0
    return _two_sided(probabilities, positive)


def mann_whitney(first, second, *, lower_is_better: bool = True) -> float:
    """The two-sided p value of the test of Mann and Whitney, 1947, of runs without common seeds.

    Args:
      first, second: scores [n] and [m].
      lower_is_better: whether a lower score is better, which matters to failed runs alone.

    Raises:
      UserError: they are no numbers, or none.
    """
    first, second = (costs_of(scores, lower_is_better) for scores in (first, second))
    if len(first) > len(second):
        first, second = second, first
    if len(first) * len(second) > _MOST_EXACT:
        return _mann_whitney_normal(first, second)
    ranks = np.rint(2.0 * midranks(np.concatenate([first, second]))).astype(int)
    ways = np.zeros([len(first) + 1, ranks.sum() + 1])  # to choose so many runs with such a sum
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    return _two_sided(ways[-1] / ways[-1].sum(), ranks[: len(first)].sum())


def holm(p_values) -> np.ndarray:
    """Corrected p values [m]: Holm, A simple sequentially rejective multiple test procedure, 1979.

    With p_(1) <= ... <= p_(m) the i-th is max over j <= i of min(1, (m - j + 1) p_(j)).

    Raises:
      UserError: they are not in [0, 1].
    """
    p_values = np.atleast_1d(array_of("p values", p_values))
    if p_values.size and p_values.dtype.kind not in "iuf":
        raise UserError(f"p values are of the type {p_values.dtype}: give numbers in [0, 1]")
    p_values = p_values.astype(np.float64)
    if p_values.ndim != 1 or not ((p_values >= 0.0) & (p_values <= 1.0)).all():
        raise UserError("p values must be numbers in [0, 1] in one dimension")
    order = np.argsort(p_values, kind="stable")
    steps = np.minimum(1.0, np.arange(len(p_values), 0, -1) * p_values[order])
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(steps)
    return corrected


def least_p_value(first: int, second: int, paired: bool) -> float:
    """The p value where every run of one variant beats that of the other: the least there can be.

    2 / 2^n of n pairs, 2 / C(n + m, n) of n and m runs.
    """
    return min(1.0, 2.0 / (2**first if paired else math.comb(first + second, first)))


def _mann_whitney_normal(first: np.ndarray, second: np.ndarray) -> float:
    pairs, runs = len(first) * len(second), len(first) + len(second)
    off = abs(beats(first, second).sum() - pairs / 2)
    _, ties = np.unique(np.concatenate([first, second]), return_counts=True)
    ties = ties.astype(float)
    variance = pairs / 12.0 * (runs + 1 - (ties**3 - ties).sum() / (runs * (runs - 1)))
    return _normal(max(off - 0.5, 0.0), variance)


def _normal(off: float, variance: float) -> float:
    """The two-sided p value of what is so far off its mean."""
    return 2.0 * NORMAL.cdf(-abs(off) / math.sqrt(variance)) if variance > 0.0 else 1.0


def _two_sided(probabilities: np.ndarray, at: int) -> float:
    """Twice the smaller tail, `at` included."""
    tail = min(probabilities[: at + 1].sum(), probabilities[at:].sum())
    return float(min(1.0, 2.0 * tail))


def _square(values: np.ndarray, pairs: list[tuple[int, int]], diagonal) -> np.ndarray:
    size = pairs[-1][1] + 1
    square = np.full([size, size], diagonal, values.dtype)
    for value, (u, v) in zip(values, pairs, strict=True):
        square[u, v] = square[v, u] = value
    return square
