"""Probability of improvement against scipy, and the whole matrix at once."""

import time

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis


def test_it_is_scipys_u_over_all_pairs():
    rng = np.random.default_rng(0)
    first, second = rng.integers(10, size=13).astype(float), rng.integers(12, size=9).astype(float)
    u = scipy.stats.mannwhitneyu(second, first).statistic  # pairs in which the second is larger
    found = analysis.improvement_probability(first, second)
    assert found.value == pytest.approx(u / (13 * 9))
    assert found.low < found.value < found.high


def test_the_matrix_has_each_pair_and_is_antisymmetric():
    rng = np.random.default_rng(1)
    variants = [[rng.normal(v / 3, size=n) for n in (8, 12)] for v in range(4)]
    found = analysis.improvement_matrix(variants)
    assert found.value + found.value.T == pytest.approx(np.ones([4, 4]))
    assert found.low + found.high.T == pytest.approx(np.ones([4, 4]))
    for u in range(4):
        for v in range(4):
            tasks = zip(variants[u], variants[v], strict=True)
            shares = [
                scipy.stats.mannwhitneyu(b, a).statistic / (len(a) * len(b)) for a, b in tasks
            ]
            assert found.value[u, v] == pytest.approx(np.mean(shares))


def test_failures_tie_among_themselves_and_lose_to_all_others():
    found = analysis.improvement_probability([1.0, np.nan], [2.0, np.nan])
    assert found.value == (1 + 1 + 0 + 0.5) / 4


def test_runs_that_all_win_are_a_point_and_one_run_tells_nothing():
    assert analysis.improvement_probability([1.0, 2.0], [3.0, 4.0]) == (1.0, 1.0, 1.0)
    assert analysis.improvement_probability([1.0], [3.0, 4.0]) == (1.0, 0.0, 1.0)


def test_the_interval_is_that_of_scipys_bootstrap():
    first, second = np.random.default_rng(2).normal(size=(2, 40))

    def share(a, b, axis):
        return (a[..., :, None] < b[..., None, :]).mean((-1, -2))

    expected = scipy.stats.bootstrap(
        (first, second), share, n_resamples=3_000, method="percentile", rng=3, batch=300
    ).confidence_interval
    found = analysis.improvement_probability(first, second, resamples=5_000)
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.06 * width)
    assert found.high == pytest.approx(expected.high, abs=0.06 * width)


def test_ten_variants_with_fifty_runs_of_five_tasks_take_seconds():
    variants = np.random.default_rng(3).normal(size=(10, 50, 5))
    start = time.process_time()
    analysis.improvement_matrix(variants)
    assert time.process_time() - start < 8.0
