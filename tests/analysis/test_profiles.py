"""Performance profiles, and scores of tasks on one scale."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.errors import UserError


def test_a_profile_is_the_share_of_runs_that_reach_a_threshold():
    found = analysis.performance_profile(
        [[1.0, 2.0, np.nan, 4.0], [2.0, 3.0]], [0.0, 2.0, 3.0, 9.0]
    )
    assert found.value.tolist() == [0.0, (2 / 4 + 1 / 2) / 2, (2 / 4 + 1) / 2, (3 / 4 + 1) / 2]
    found = analysis.performance_profile([1.0, 2.0, 3.0, np.nan], [2.0], lower_is_better=False)
    assert found.value.tolist() == [0.5]


def test_its_band_is_that_of_a_binomial_share():
    """Of one task a resample reaches a threshold in Binomial(n, p) runs."""
    scores = np.arange(40.0)
    found = analysis.performance_profile(scores, [9.5, 19.5], resamples=20_000)
    outside = scipy.stats.norm.cdf(-np.sqrt(40 / 39) * scipy.stats.t.ppf(0.975, 39))
    for at, share in enumerate((0.25, 0.5)):
        expected = scipy.stats.binom.ppf([outside, 1 - outside], 40, share) / 40
        assert [found.low[at], found.high[at]] == pytest.approx(expected, abs=1.01 / 40)


def test_a_band_where_all_or_none_reach_and_with_one_run():
    found = analysis.performance_profile([1.0, 2.0], [0.0, 3.0])
    assert found.low.tolist() == found.high.tolist() == [0.0, 1.0]
    found = analysis.performance_profile([1.0], [0.0, 3.0])
    assert found.low.tolist() == [0.0, 0.0] and found.high.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("thresholds", [[], [np.nan], [np.inf], [[1.0]], "a"])
def test_thresholds_without_sense_are_refused(thresholds):
    with pytest.raises(UserError, match="thresholds must be"):
        analysis.performance_profile([1.0, 2.0], thresholds)


def test_log_ratios_by_hand():
    """The medians of all runs of the tasks are 4 and 20; the failed run stays, and has no part."""
    first, second = [[2.0, 4.0, np.nan], [20.0]], [[8.0], [10.0, 40.0]]
    ((a, b), (c, d)) = analysis.log_ratios([first, second])
    assert a[:2] == pytest.approx(np.log([0.5, 1.0])) and np.isnan(a[2])
    assert b == pytest.approx([0.0]) and c == pytest.approx([np.log(2.0)])
    assert d == pytest.approx(np.log([0.5, 2.0]))


def test_the_scale_of_a_task_has_no_say_and_an_outlier_little():
    rng = np.random.default_rng(0)
    variants = [rng.lognormal(3, 0.3, size=(9, 3)) for _ in range(2)]
    scaled = [one * [1.0, 50.0, 1e-6] for one in variants]
    plain, other = analysis.log_ratios(variants), analysis.log_ratios(scaled)
    assert np.concatenate(other[0]) == pytest.approx(np.concatenate(plain[0]), abs=1e-9)
    wild = [one.copy() for one in variants]
    wild[0][0, 0] = 1e9
    moved = np.abs(analysis.log_ratios(wild)[1][0] - plain[1][0])
    assert moved.max() < 0.2  # a min-max scale would put all others at 0


def test_they_go_into_every_statistic():
    variants = analysis.log_ratios([[[2.0, 4.0, np.nan], [20.0, 30.0]], [[8.0, 9.0], [10.0, 40.0]]])
    assert np.isfinite(analysis.improvement_matrix(variants).value).all()
    assert analysis.interval(variants[0], analysis.median).value == pytest.approx(0.0, abs=1.0)
    assert analysis.performance_profile(variants[1], [0.0]).value.shape == (1,)


def test_references_may_be_given():
    ((found,),) = analysis.log_ratios([[10.0, 40.0]], references=[20.0])
    assert found == pytest.approx(np.log([0.5, 2.0]))


@pytest.mark.parametrize(
    "variants, references, message",
    [
        ([[1.0, 0.0]], None, "a score is 0: a ratio needs scores above 0"),
        ([[1.0, -2.0]], None, "a score is -2"),
        ([[[1.0], [np.nan]], [[2.0], [np.nan]]], None, "all runs of task 1 failed"),
        ([[1.0], [[1.0], [2.0]]], None, "different tasks"),
        ([], None, "different tasks"),
        ([[1.0]], [1.0, 2.0], "one score above 0 for each task"),
        ([[1.0]], [0.0], "one score above 0 for each task"),
        ([[1.0]], [np.nan], "references must be finite"),
    ],
)
def test_ratios_without_sense_are_refused(variants, references, message):
    with pytest.raises(UserError, match=message):
        analysis.log_ratios(variants, references)
