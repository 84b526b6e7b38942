"""Aggregates and their bootstrap intervals."""

import time

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.analysis import bootstrap
from compare_gan_tf.analysis.scores import tasks_of
from compare_gan_tf.errors import UserError

INF = np.inf


def value(aggregate, scores):
    return float(aggregate(tasks_of(scores)))


def test_aggregates_by_hand():
    scores = [[1.0, 2.0, 3.0, 10.0], [5.0, 7.0]]
    assert value(analysis.mean, scores) == 5.0  # of 4 and 6
    assert value(analysis.median, scores) == 4.0  # of 1 2 3 5 7 10
    assert value(analysis.iqm, scores) == 4.25  # 2 3 5 7
    assert value(analysis.median_of_means, [*scores, [100.0]]) == 6.0
    assert value(analysis.optimality_gap(3.0), scores) == pytest.approx((7 / 4 + 6 / 2) / 2)


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 7, 50])
def test_the_interquartile_mean_is_scipys_trimmed_mean(runs):
    scores = np.random.default_rng(runs).normal(size=(runs, 3))
    expected = scipy.stats.trim_mean(scores, 0.25, axis=None)
    assert value(analysis.iqm, scores) == pytest.approx(expected)


def test_what_a_failed_run_does():
    one, half = [1.0, 2.0, 3.0, 4.0, np.nan], [1.0, 2.0, np.nan, np.nan]
    assert [value(f, one) for f in (analysis.median, analysis.iqm)] == [3.0, 3.0]
    assert value(analysis.mean, one) == value(analysis.median, half) == INF
    assert value(analysis.iqm, half) == value(analysis.optimality_gap(9.0), one) == INF


def test_an_aggregate_of_ones_own():
    def best(tasks):
        return np.min([costs.min(-1) for costs in tasks], axis=0)

    found = analysis.interval([[3.0, 1.0, 2.0], [5.0, 4.0]], best)
    assert (found.value, found.low) == (1.0, 1.0) and found.high <= 4.0


@pytest.mark.parametrize("aggregate", ["iqm", None, np.median, lambda tasks: tasks[0]])
def test_what_is_no_aggregate_is_refused(aggregate):
    with pytest.raises(UserError, match="aggregate"):
        analysis.interval([[1.0, 2.0], [3.0, 5.0]], aggregate)
    with pytest.raises(UserError, match="aggregate"):
        analysis.rank_stability([[1.0, 2.0], [3.0, 5.0]], aggregate)


def test_the_gap_where_more_is_better_is_no_negative_number():
    scores = [1.0, 2.0, 3.0]
    gap = analysis.optimality_gap(2.5, lower_is_better=False)
    found = analysis.interval(scores, gap, lower_is_better=False)
    assert found.value == pytest.approx((1.5 + 0.5) / 3)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.5


def test_a_mean_has_the_interval_of_students_t_test():
    """Of normal scores the expanded interval is near t's, the percentile one is narrower."""
    scores = np.random.default_rng(0).normal(size=12)
    error = scipy.stats.sem(scores)
    reach = scipy.stats.t.ppf(0.975, 11) * error
    found = analysis.interval(scores, analysis.mean, resamples=20_000)
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.03)
    narrow = analysis.interval(scores, analysis.mean, resamples=20_000, method="percentile")
    expected = 1.96 * error * np.sqrt(11 / 12)
    assert (narrow.high - narrow.low) / 2 == pytest.approx(expected, rel=0.03)


def test_the_shares_of_the_expanded_interval():
    """Hesterberg, 2015: sqrt(n / (n - 1)) t, by scipy's quantile; several tasks share degrees."""
    for sizes in ([10], [20, 20, 20], [8, 30], [200] * 5):
        degrees, fewest = sum(sizes) - len(sizes), min(sizes)
        reach = np.sqrt(fewest / (fewest - 1)) * scipy.stats.t.ppf(0.975, degrees)
        expected = scipy.stats.norm.cdf(-reach)
        assert bootstrap.outside_share(sizes, 0.95) == pytest.approx(expected, rel=1e-6)


def test_runs_are_drawn_within_their_task():
    """Tasks far apart, each without spread: no resample mixes them."""
    found = analysis.interval([[1.0] * 9, [100.0] * 9], analysis.mean, resamples=500)
    assert found == (50.5, 50.5, 50.5)


def test_one_run_tells_no_spread():
    assert analysis.interval([3.0]) == (3.0, -INF, INF)
    assert analysis.interval([[1.0, 2.0, 3.0], [4.0]])[1:] == (-INF, INF)


def test_an_interval_may_be_infinite():
    found = analysis.interval([1.0, 2.0, 3.0, 4.0, 5.0, np.nan, np.nan], analysis.median)
    assert found.value == 4.0 and 1.0 <= found.low <= 4.0 and found.high == INF
    found = analysis.interval([1.0, 2.0, np.nan], analysis.mean, lower_is_better=False)
    assert found.value == found.low == -INF


def test_the_seed_decides_and_portions_have_no_say(monkeypatch):
    scores = np.random.default_rng(0).normal(size=(20, 3))
    one = analysis.interval(scores, seed=1)
    assert one == analysis.interval(scores, seed=1) != analysis.interval(scores, seed=2)
    monkeypatch.setattr(bootstrap, "_DRAWN_AT_ONCE", 6_001)
    other = analysis.interval(scores, seed=1)
    assert other == pytest.approx(one, abs=0.1 * (one.high - one.low))


def test_a_method_that_is_none_is_refused():
    with pytest.raises(UserError, match="method"):
        analysis.interval([1.0, 2.0], method="bca")


def test_thousands_of_resamples_of_a_study_take_less_than_a_second():
    scores = np.random.default_rng(0).normal(size=(50, 5))
    start = time.process_time()
    analysis.interval(scores, resamples=5_000)
    assert time.process_time() - start < 1.0
