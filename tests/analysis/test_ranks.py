"""Stability of ranks, and correlations against scipy."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.errors import UserError


def test_far_apart_ranks_are_certain():
    variants = [np.arange(10.0) + 100 * v for v in (2, 0, 1)]
    found = analysis.rank_stability(variants)
    assert found.ranks.tolist() == [3.0, 1.0, 2.0]
    assert found.distribution.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert found.best.tolist() == [0.0, 1.0, 0.0] and found.tau == (1.0, 1.0, 1.0)
    assert found.expected.value.tolist() == found.expected.low.tolist() == [3.0, 1.0, 2.0]


def test_rows_and_columns_sum_to_one_with_ties_and_failures():
    rng = np.random.default_rng(0)
    variants = [np.round(rng.normal(size=(12, 2)), 1) for _ in range(4)]
    variants[1][:5] = np.nan
    variants.append(variants[0].copy())
    found = analysis.rank_stability(variants, analysis.median)
    assert found.distribution.sum(0) == pytest.approx(np.ones(5))
    assert found.distribution.sum(1) == pytest.approx(np.ones(5))
    assert (found.distribution >= 0.0).all() and -1.0 <= found.tau.low <= found.tau.value
    assert found.ranks[0] == found.ranks[4]


def test_equal_variants_tie():
    found = analysis.rank_stability([[1.0, 1.0], [1.0, 1.0], [np.nan] * 2, [np.nan] * 2])
    assert found.best.tolist() == [0.5, 0.5, 0.0, 0.0]
    assert found.ranks.tolist() == [1.5, 1.5, 3.5, 3.5]


def test_the_probability_of_the_best_of_two_is_that_of_a_normal_difference():
    """Means of n normal scores: P(best) is Phi(difference / its bootstrap error)."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=200), rng.normal(0.1, size=200)
    found = analysis.rank_stability([first, second], analysis.mean, resamples=10_000)
    error = np.sqrt((first.var() + second.var()) / 200)
    expected = scipy.stats.norm.cdf((second.mean() - first.mean()) / error)
    assert found.best[0] == pytest.approx(expected, abs=0.02)


def test_common_seeds_make_ranks_more_stable():
    rng = np.random.default_rng(2)
    seeds = rng.normal(size=20)
    variants = [seeds + 0.05 * rng.normal(size=20), seeds + 0.1]
    apart = analysis.rank_stability(variants, analysis.mean)
    paired = analysis.rank_stability(variants, analysis.mean, paired=True)
    assert paired.best[0] > 0.99 and 0.5 < apart.best[0] < 0.8
    with pytest.raises(UserError, match="runs of task 0"):
        analysis.rank_stability([[1.0, 2.0], [1.0, 2.0, 3.0]], paired=True)


def test_one_run_has_no_stability():
    with pytest.raises(UserError, match="one run of a task"):
        analysis.rank_stability([[1.0, 2.0], [1.0]])


def test_the_mean_tau_is_scipys():
    """Of two variants tau is 1 or -1: its mean is 2 P(same order) - 1."""
    first, second = np.random.default_rng(3).normal([[0.0], [0.3]], size=(2, 15))
    found = analysis.rank_stability([first, second])
    same = found.best[np.argmin(found.ranks)]
    assert found.tau.value == pytest.approx(2 * same - 1)


# --- Correlation ------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 1, 5])
def test_correlations_are_scipys(digits):
    rng = np.random.default_rng(digits)
    first = np.round(rng.normal(size=30), digits)
    second = np.round(first + rng.normal(size=30), digits)
    expected = scipy.stats.spearmanr(first, second).statistic
    assert analysis.spearman(first, second).value == pytest.approx(expected)
    tau = scipy.stats.kendalltau(first, second).statistic
    assert analysis.kendall(first, second) == pytest.approx(tau)


def test_the_interval_of_bonett_and_wright_by_hand():
    """r = 0.5 of 28 runs: atanh 0.5 = 0.5493, error sqrt(1.125 / 25) = 0.2121."""
    ranks = np.arange(28.0)
    for seed in range(1_000):
        second = np.random.default_rng(seed).permutation(ranks) + ranks
        found = analysis.spearman(ranks, second)
        if abs(found.value - 0.5) < 0.02:
            break
    middle = np.arctanh(found.value)
    error = np.sqrt((1 + found.value**2 / 2) / 25)
    bounds = np.tanh([middle - 1.959964 * error, middle + 1.959964 * error])
    assert [found.low, found.high] == pytest.approx(bounds, abs=1e-6)


def test_agreement_is_positive_whichever_direction_scores_have():
    fid, inception = [10.0, 20.0, 30.0, 40.0, np.nan], [9.0, 7.0, 5.0, 6.0, np.nan]
    found = analysis.spearman(fid, inception, lower_is_better=(True, False))
    assert found.value == pytest.approx(0.9)
    assert analysis.kendall(fid, inception, lower_is_better=(True, False)) == pytest.approx(0.8)
    other = analysis.spearman([10.0, 20.0, 30.0], [1.0, 2.0, 3.0], lower_is_better=(True, False))
    assert other == (-1.0, -1.0, 1.0)  # three runs tell nothing


def test_no_order_has_no_correlation():
    for function in (analysis.spearman, analysis.kendall):
        with pytest.raises(UserError, match="the second metric gives all runs the same score"):
            function([1.0, 2.0], [3.0, 3.0])
        with pytest.raises(UserError, match="3 and 2 scores"):
            function([1.0, 2.0, 3.0], [3.0, 4.0])
