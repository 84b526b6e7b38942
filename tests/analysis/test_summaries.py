"""Summaries, with numbers worked out by hand and by numpy and scipy."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis


def test_a_summary_is_that_of_numpy_and_scipy():
    scores = np.random.default_rng(0).lognormal(3, 0.5, 23)
    found = analysis.summary(scores)
    assert (found.runs, found.failures) == (23, 0)
    assert (found.lower_quartile, found.median, found.upper_quartile) == pytest.approx(
        tuple(np.quantile(scores, [0.25, 0.5, 0.75]))
    )
    assert found.iqm == pytest.approx(scipy.stats.trim_mean(scores, 0.25))
    assert (found.minimum, found.maximum) == (scores.min(), scores.max())


def test_failed_runs_are_at_the_worse_end():
    found = analysis.summary([4.0, np.nan, 2.0, 3.0, 1.0])
    assert found == analysis.Summary(5, 1, 3.0, 3.0, 2.0, 4.0, 1.0, np.inf)
    found = analysis.summary([4.0, np.nan, 2.0, 3.0, 1.0], lower_is_better=False)
    assert found == analysis.Summary(5, 1, 2.0, 2.0, 1.0, 3.0, -np.inf, 4.0)
    assert analysis.summary([1.0, np.nan, 2.0, np.nan]).median == np.inf


@pytest.mark.parametrize("runs, kept", [(1, 1), (19, 1), (20, 1), (39, 1), (40, 2), (120, 6)])
def test_the_best_five_percent_are_one_at_least(runs, kept):
    scores = np.random.default_rng(runs).permutation(runs) + 1.0
    assert analysis.best_share(scores).scores.tolist() == list(range(1, kept + 1))
    best = analysis.best_share(scores, lower_is_better=False).scores
    assert best.tolist() == list(range(runs, runs - kept, -1))


def test_a_share_that_rounds_is_counted_right():
    assert len(analysis.best_share(np.arange(100), 0.29).scores) == 29


def test_of_the_best_ones_the_median_and_quartiles():
    found = analysis.best_share(np.arange(100.0), 0.05)
    assert (found.lower_quartile, found.median, found.upper_quartile) == (1.0, 2.0, 3.0)
    found = analysis.best_share([1.0, np.nan, np.nan], 1.0)
    assert found.scores.tolist() == [1.0, np.inf, np.inf] and found.median == np.inf
