"""Average ranks, Friedman's test and Nemenyi's, by hand and against scipy and Demsar's tables."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.analysis.student import range_quantile
from compare_gan_tf.errors import UserError

# Demsar, 2006, table 5 (a): q_0.05 of Nemenyi's test for 2 to 10 variants.
DEMSAR = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]


def test_the_quantiles_are_those_of_demsars_table():
    for variants, expected in enumerate(DEMSAR, start=2):
        found = range_quantile(0.95, variants) / np.sqrt(2)
        assert found == pytest.approx(expected, abs=1e-3)


def test_demsars_example():
    """Table 6: C4.5 and three variants on 14 data sets; ranks 3.143, 2.000, 2.893, 1.964."""
    areas = np.array([
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ])  # fmt: skip
    found = analysis.friedman_test(areas, lower_is_better=False, alpha=0.1)
    assert found.average_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=1e-3)
    assert found.critical_difference == pytest.approx(1.12, abs=0.005)
    assert found.different[0].tolist() == [False, True, False, True]


def test_the_p_value_is_scipys_for_many_blocks():
    scores = np.random.default_rng(0).normal(size=(60, 4)) + [0.0, 0.0, 0.2, 0.3]
    expected = scipy.stats.friedmanchisquare(*scores.T).pvalue
    assert analysis.friedman_test(scores).p_value == pytest.approx(expected, abs=0.01)


def test_the_p_value_of_two_variants_and_few_blocks_is_that_of_a_sign_test():
    scores = np.tile([1.0, 2.0], (5, 1))
    assert analysis.friedman_test(scores).p_value == pytest.approx(2 / 2**5, abs=0.006)


def test_all_ties_and_failures():
    found = analysis.friedman_test(np.full([4, 3], np.nan))
    assert found.p_value == 1.0 and found.letters == ["a", "a", "a"]
    assert found.average_ranks.tolist() == [2.0, 2.0, 2.0]
    found = analysis.friedman_test([[np.nan, 2.0, 1.0], [np.nan, 3.0, 4.0]])
    assert found.average_ranks.tolist() == [3.0, 1.5, 1.5]


@pytest.mark.parametrize("scores", [[1.0, 2.0], [[1.0, 2.0]], [[1.0], [2.0]], np.ones([2, 2, 2])])
def test_what_is_no_table_is_refused(scores):
    with pytest.raises(UserError, match=r"\[blocks, variants\]"):
        analysis.friedman_test(scores)
