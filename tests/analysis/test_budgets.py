"""Expected best of k runs without replacement, its distribution, and what two curves say."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.analysis import budgets
from compare_gan_tf.errors import UserError


def test_four_scores_by_hand():
    found = analysis.budget_curve([40.0, 10.0, 30.0, 20.0])
    assert found.budgets.tolist() == [1, 2, 3, 4]
    assert found.expected.value == pytest.approx([25.0, 50 / 3, 12.5, 10.0])
    found = analysis.budget_curve([40.0, 10.0, 30.0, 20.0], lower_is_better=False)
    assert found.expected.value == pytest.approx([25.0, 100 / 3, 37.5, 40.0])


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_expectation_and_quantiles_over_all_draws(failures):
    """Each of the C(9, k) draws is made."""
    scores = np.random.default_rng(0).normal(size=9)
    scores[:failures] = np.nan
    costs = np.where(np.isnan(scores), np.inf, scores)
    found = analysis.budget_curve(scores, level=0.8)
    for at, k in enumerate(range(1, 10)):
        bests = np.sort([min(draw) for draw in itertools.combinations(costs, k)])
        assert found.expected.value[at] == pytest.approx(np.mean(bests))
        for share, curve in ((0.1, found.low), (0.5, found.median), (0.9, found.high)):
            assert curve[at] == bests[max(0, math.ceil(share * len(bests) - 1e-9) - 1)]


def test_failures_make_the_expectation_infinite_up_to_their_number():
    found = analysis.budget_curve([np.nan, 3.0, np.nan, 1.0, 2.0])
    assert np.isinf(found.expected.value).tolist() == [True, True, False, False, False]
    assert found.median.tolist() == [3.0, 2.0, 1.0, 1.0, 1.0]
    assert analysis.expected_best([np.nan, 3.0], 1) == np.inf
    assert analysis.expected_best([np.nan, 3.0], 1, lower_is_better=False) == -np.inf
    assert analysis.expected_best([np.nan, 3.0], 2) == 3.0


def test_where_more_is_better_low_is_below_high():
    scores = np.random.default_rng(1).normal(size=12)
    found = analysis.budget_curve(scores, lower_is_better=False)
    assert (found.low <= found.median).all() and (found.median <= found.high).all()
    assert (found.expected.low <= found.expected.high).all()
    assert (np.diff(found.median) >= 0.0).all()


def test_it_agrees_with_simulated_orders_within_one_percent():
    """1,000 orders of 240 runs, as in the figures of Kurach et al. (2018)."""
    rng = np.random.default_rng(2)
    scores = 40.0 * np.exp(0.1 * rng.normal(size=240))
    orders = np.array([rng.permutation(scores) for _ in range(1_000)])
    simulated = np.minimum.accumulate(orders, axis=1)
    found = analysis.budget_curve(scores)
    assert found.expected.value == pytest.approx(simulated.mean(0), rel=0.01)


def test_its_distribution_agrees_with_simulated_orders_within_one_percent():
    rng = np.random.default_rng(3)
    scores = np.sort(rng.lognormal(3, 0.3, size=60))
    orders = np.array([rng.permutation(scores) for _ in range(20_000)])
    simulated = np.minimum.accumulate(orders, axis=1)
    missed = budgets.probability_missed(60, np.arange(1, 61))[:, 1:]
    for at, score in enumerate(scores):
        assert missed[:, at] == pytest.approx((simulated > score).mean(0), abs=0.01)


def test_it_is_stable_for_thousands_of_runs():
    """The best of k of the numbers 1 to n is (n + 1) / (k + 1)."""
    runs, few = 4_000, [1, 2, 17, 1_000, 3_999, 4_000]
    found = analysis.budget_curve(np.arange(1.0, runs + 1), few)
    assert found.expected.value == pytest.approx([(runs + 1) / (k + 1) for k in few], rel=1e-9)


def test_the_band_of_one_run_is_that_of_a_mean():
    scores = np.random.default_rng(3).normal(30, 5, size=30)
    found = analysis.budget_curve(scores, [1], level=0.9).expected
    test = scipy.stats.ttest_1samp(scores, 0.0).confidence_interval(0.9)
    assert (found.low[0], found.high[0]) == pytest.approx((test.low, test.high))


def test_the_band_is_that_of_the_jackknife():
    """Each run is left out once, and the curve of the others taken."""
    scores = np.random.default_rng(4).lognormal(size=13)
    scores[2] = np.nan
    for k in (2, 5, 11):
        others = [analysis.expected_best(np.delete(scores, i), k) for i in range(13)]
        error = np.sqrt(12 / 13 * np.sum((others - np.mean(others)) ** 2))
        found = analysis.budget_curve(scores, [k]).expected
        reach = scipy.stats.t.ppf(0.975, 12) * error
        assert found.high[0] - found.value[0] == pytest.approx(reach)
        assert found.value[0] - found.low[0] == pytest.approx(reach)
    assert analysis.budget_curve(scores, [1]).expected == (np.inf, np.inf, np.inf)
    assert analysis.budget_curve([3.0]).expected == (3.0, -np.inf, np.inf)


@pytest.mark.parametrize("wrong", [[0], [4], [1.5], [], [[1]], "a", [-1], [[1], [2, 3]]])
def test_budgets_that_there_are_not_are_refused(wrong):
    with pytest.raises(UserError, match="budget"):
        analysis.budget_curve([1.0, 2.0, 3.0], wrong)
    with pytest.raises(UserError, match=r"a budget of 9 runs: it must be in \[1, 3\]"):
        analysis.expected_best([1.0, 2.0, 3.0], 9)


def test_resamples_that_no_memory_holds_are_refused():
    with pytest.raises(UserError, match="resamples is 1000000000"):
        analysis.budget_ratio([1.0, 2.0, 3.0], [1.0, 2.0], resamples=10**9)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_best_of_some_runs_needs_so_many_times_fewer(factor):
    """E_A(k) = E_B(factor k): the ratio is 1 / factor, and the other way round factor."""
    logarithms, held = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        first = rng.normal(30, 5, size=(200, factor)).min(1)
        second = rng.normal(30, 5, size=200)
        found = analysis.budget_ratio(first, second, resamples=100)
        other = analysis.budget_ratio(second, first, resamples=2)
        assert found.levels > 20
        assert other.ratio.value == pytest.approx(1 / found.ratio.value)
        logarithms.append(np.log(found.ratio.value))
        held.append(found.ratio.low < 1 / factor < found.ratio.high)
    assert np.mean(logarithms) == pytest.approx(-np.log(factor), abs=0.17)  # three errors
    assert np.mean(held) >= 0.8


def test_a_variant_beside_itself_needs_as_many():
    scores = np.random.default_rng(5).normal(size=40)
    scores[:5] = np.nan
    found = analysis.budget_ratio(scores, scores)
    assert found.ratio.value == 1.0 and found.ratio.low < 1.0 < found.ratio.high


def test_a_ratio_does_not_change_with_the_scale():
    first, second = np.random.default_rng(6).normal(size=(2, 30))
    plain = analysis.budget_ratio(first, second)
    scaled = analysis.budget_ratio(3.0 * first - 7.0, 3.0 * second - 7.0)
    assert scaled.ratio == pytest.approx(plain.ratio)
    mirrored = analysis.budget_ratio(-first, -second, lower_is_better=False)
    assert mirrored == plain


def test_without_a_common_level_the_ratio_is_a_bound():
    better, worse = np.arange(1.0, 21.0), np.arange(101.0, 121.0)
    found = analysis.budget_ratio(better, worse)
    assert (found.levels, found.ratio) == (0, pytest.approx((1 / 5, 0.0, 1 / 5)))
    found = analysis.budget_ratio(worse, better)
    assert (found.levels, found.ratio) == (0, pytest.approx((5.0, 5.0, np.inf)))
    found = analysis.budget_ratio([np.nan] * 3, worse)
    assert (found.levels, found.ratio.value) == (0, pytest.approx(3.0))
    found = analysis.budget_ratio([np.nan] * 3, [np.nan] * 4)
    assert found.ratio == (1.0, 0.0, np.inf)
