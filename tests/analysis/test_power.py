"""Power of the t test against scipy's distributions, and by simulation."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.analysis import student
from compare_gan_tf.errors import UserError


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 19, 20, 200, 5_000, 99_999, 1e7])
def test_students_distribution_is_scipys(degrees):
    for share in (0.1, 0.5, 0.9, 0.975, 0.9999):
        found = student.student_quantile(share, degrees)
        assert found == pytest.approx(scipy.stats.t.ppf(share, degrees), rel=3e-5, abs=1e-9)
    for shift in (0.0, 0.5, 3.0):
        found = student.student_cdf(2.2, degrees, shift)
        assert found == pytest.approx(scipy.stats.nct.cdf(2.2, degrees, shift), abs=2e-6)


def test_far_tails_of_few_degrees():
    """By 1,000,000 draws: scipy's noncentral t is not exact here."""
    rng = np.random.default_rng(0)
    draws = (rng.normal(size=1_000_000) + 74.0) / np.sqrt(rng.chisquare(1, size=1_000_000))
    assert student.student_cdf(63.66, 1, 74.0) == pytest.approx(np.mean(draws < 63.66), abs=2e-3)


@pytest.mark.parametrize("paired", [False, True])
def test_power_is_that_of_simulated_tests(paired):
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 8, 4_000))
    second = second + 1.2
    if paired:
        p_values = scipy.stats.ttest_1samp(second, 0.0).pvalue
    else:
        p_values = scipy.stats.ttest_ind(first, second).pvalue
    found = analysis.t_test_power(8, 1.2, paired=paired)
    assert found == pytest.approx(np.mean(p_values < 0.05), abs=0.025)
    assert analysis.t_test_power(8, -1.2, paired=paired) == found


def test_power_of_no_difference_is_alpha():
    for runs in (2, 10, 1_000):
        assert analysis.t_test_power(runs, 0.0, alpha=0.01) == pytest.approx(0.01, abs=1e-7)


def test_what_is_needed_finds_what_is_detectable():
    for runs in (3, 17, 64):
        least = analysis.least_difference(runs, 1.0).in_deviations
        assert analysis.t_test_power(runs, least) == pytest.approx(0.8)
        assert analysis.runs_needed(least * 1.0001) == runs
    # Cohen, 1988, table 2.4.1: d = 0.5, power 0.8, alpha 0.05 two-sided needs 64 of each.
    assert analysis.runs_needed(0.5) == 64
    assert analysis.runs_needed(0.8) == 26 and analysis.runs_needed(0.2) == 393 + 1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: analysis.least_difference(1, 1.0), "runs is 1"),
        (lambda: analysis.least_difference(10, 0.0), "deviation is 0.0"),
        (lambda: analysis.least_difference(10, np.nan), "deviation is nan"),
        (lambda: analysis.least_difference(10, 1.0, alpha=1.0), "alpha is 1.0"),
        (lambda: analysis.least_difference(10, 1.0, beta=0.96), "beta is 0.96"),
        (lambda: analysis.runs_needed(0.0), "a million seeds do not show it"),
        (lambda: analysis.runs_needed(np.inf), "difference is inf"),
        (lambda: analysis.t_test_power(2.5, 1.0), "runs is 2.5"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()
