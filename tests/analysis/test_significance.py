"""Tests of pairs against scipy, Holm's correction by hand, and the letters."""

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import analysis
from compare_gan_tf.analysis import significance
from compare_gan_tf.errors import UserError


@pytest.mark.parametrize("runs", [1, 2, 5, 10, 20, 45])
def test_wilcoxons_exact_p_value(runs):
    for seed in range(5):
        first, second = np.random.default_rng(seed).normal([[0.0], [0.4]], size=(2, runs))
        expected = scipy.stats.wilcoxon(first, second, method="exact").pvalue
        assert analysis.wilcoxon(first, second) == pytest.approx(expected)


def test_wilcoxons_p_value_with_ties_is_that_of_all_signs():
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.integers(6, size=(2, 9)).astype(float)
        method = scipy.stats.PermutationMethod(n_resamples=np.inf)
        kept = first != second  # ties have no sign
        expected = scipy.stats.wilcoxon(first[kept], second[kept], method=method).pvalue
        assert analysis.wilcoxon(first, second) == pytest.approx(expected)


def test_pairs_with_failures():
    """A failure against a score is the greatest difference, two failures are none."""
    plain = analysis.wilcoxon([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 1e9])
    assert analysis.wilcoxon([1.0, 2.0, 3.0, 4.0, np.nan], [2.0, 4.0, 6.0, np.nan, np.nan]) == plain
    assert analysis.wilcoxon([np.nan, np.nan], [np.nan, np.nan]) == 1.0
    first, second = [1.0, np.nan, 3.0], [2.0, 2.0, 5.0]
    assert analysis.wilcoxon(first, second) == 1.0  # -1 and -2 against the failure
    assert analysis.wilcoxon(first, second, lower_is_better=False) == 0.25  # all on one side


@pytest.mark.parametrize("sizes", [(1, 1), (2, 7), (8, 8), (20, 20), (3, 100)])
def test_the_exact_p_value_of_mann_and_whitney(sizes):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(size=sizes[0]), rng.normal(0.8, size=sizes[1])
        expected = scipy.stats.mannwhitneyu(first, second, method="exact").pvalue
        assert analysis.mann_whitney(first, second) == pytest.approx(expected)
        assert analysis.mann_whitney(second, first) == pytest.approx(expected)


def test_the_p_value_of_mann_and_whitney_with_ties_is_that_of_all_choices():
    rng = np.random.default_rng(1)
    for _ in range(4):
        first, second = rng.integers(5, size=6).astype(float), rng.integers(5, size=5).astype(float)
        method = scipy.stats.PermutationMethod(n_resamples=np.inf)
        expected = scipy.stats.mannwhitneyu(first, second, method=method).pvalue
        assert analysis.mann_whitney(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_the_p_value_of_many_runs_is_normal(ties):
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=60), rng.normal(0.4, size=70)
    if ties:
        first, second = np.round(first), np.round(second)
    expected = scipy.stats.mannwhitneyu(first, second, method="asymptotic").pvalue
    assert analysis.mann_whitney(first, second) == pytest.approx(expected)
    assert analysis.mann_whitney([1.0] * 60, [1.0] * 70) == 1.0


def test_the_p_value_of_many_seeds_is_normal():
    rng = np.random.default_rng(6)
    first, second = np.round(rng.normal([[0.0], [0.08]], size=(2, 700)), 1)
    expected = scipy.stats.wilcoxon(first, second, method="asymptotic").pvalue
    assert analysis.wilcoxon(first, second) == pytest.approx(expected)


def test_exact_and_normal_meet(monkeypatch):
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=31), rng.normal(0.5, size=32)
    exact = analysis.mann_whitney(first, second)
    normal = significance._mann_whitney_normal(first, second)
    assert normal == pytest.approx(exact, rel=0.03)
    first, second = rng.normal([[0.0], [0.1]], size=(2, 450))
    exact = analysis.wilcoxon(first, second)
    monkeypatch.setattr(significance, "_MOST_SEEDS", 10)
    assert analysis.wilcoxon(first, second) == pytest.approx(exact, rel=0.01)


def test_failures_lose_to_all_and_tie_among_themselves():
    finite = analysis.mann_whitney([1.0, 9.0, 9.0], [2.0, 3.0, 9.0])
    assert analysis.mann_whitney([1.0, np.nan, np.inf], [2.0, 3.0, np.nan]) == finite


def test_holm_by_hand():
    """3 x 0.01, 2 x 0.02, 1 x 0.03 -> 0.03, 0.04, and no less than 0.04."""
    assert analysis.holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert analysis.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert analysis.holm([]).tolist() == []
    for wrong in ([1.5], [-0.1], [np.nan], [[0.1]]):
        with pytest.raises(UserError, match="p values"):
            analysis.holm(wrong)


def test_the_least_p_value_is_that_of_runs_apart():
    for n, m in ((2, 3), (4, 4), (5, 7)):
        apart = analysis.mann_whitney(np.arange(n), 100.0 + np.arange(m))
        assert significance.least_p_value(n, m, paired=False) == pytest.approx(apart)
    apart = analysis.wilcoxon(np.arange(6.0), 100.0 + np.arange(6) ** 2)
    assert significance.least_p_value(6, 6, paired=True) == pytest.approx(apart) == 1 / 32


@pytest.mark.parametrize("paired", [False, True])
def test_all_pairs_with_letters_best_first(paired):
    noise = np.random.default_rng(4).normal(size=(3, 30))
    variants = [noise[0] + 5.0, noise[1], noise[2] + 0.05]
    found = analysis.pairwise_tests(variants, paired=paired)
    assert found.letters == ["b", "a", "a"]
    assert found.different.tolist() == [
        [False, True, True], [True, False, False], [True, False, False],
    ]  # fmt: skip
    upper = np.triu_indices(3, 1)
    test = analysis.wilcoxon if paired else analysis.mann_whitney
    plain = [test(variants[u], variants[v]) for u, v in zip(*upper, strict=True)]
    assert found.p_values[upper].tolist() == plain
    assert found.corrected[upper] == pytest.approx(analysis.holm(plain))
    assert (found.corrected == found.corrected.T).all() and (found.p_values.diagonal() == 1).all()
    mirrored = analysis.pairwise_tests(
        [-one for one in variants], paired=paired, lower_is_better=False
    )
    assert mirrored.letters == found.letters


def test_what_no_test_takes_is_refused():
    with pytest.raises(UserError, match=r"\[2, 3\] runs of task 0"):
        analysis.pairwise_tests([[1.0, 2.0], [1.0, 2.0, 3.0]], paired=True)
    with pytest.raises(UserError, match="2 tasks"):
        analysis.pairwise_tests([np.ones([3, 2]), np.ones([3, 2])], paired=False)
    with pytest.raises(UserError, match="alpha"):
        analysis.pairwise_tests([[1.0], [2.0]], paired=False, alpha=0.0)


def test_pairwise_tests_keep_their_level():
    """Of four equal variants, at most 5 % of studies find any difference."""
    rng = np.random.default_rng(5)
    studies = rng.normal(size=(150, 4, 8))
    for paired in (False, True):
        wrong = [analysis.pairwise_tests(one, paired=paired).different.any() for one in studies]
        assert np.mean(wrong) <= 0.08


# --- Letters ----------------------------------------------------------------------------------


def share_a_letter(letters, u, v) -> bool:
    return bool(set(letters[u]) & set(letters[v]))


def test_letters_of_piephos_kind():
    """1 differs from 3 and 4, and 2 from 4: groups 12, 23, 34."""
    different = np.zeros([4, 4], bool)
    for u, v in ((0, 2), (0, 3), (1, 3)):
        different[u, v] = different[v, u] = True
    assert analysis.letter_display(different) == ["a", "ab", "bc", "c"]
    assert analysis.letter_display(different, [3, 2, 1, 0]) == ["c", "bc", "ab", "a"]


@pytest.mark.parametrize("seed", range(20))
def test_two_share_a_letter_where_and_only_where_they_do_not_differ(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    different = np.triu(rng.random((size, size)) < rng.random(), 1)
    different |= different.T
    letters = analysis.letter_display(different)
    assert all(letters)
    for u in range(size):
        for v in range(size):
            assert share_a_letter(letters, u, v) != different[u, v]


def test_many_letters():
    letters = analysis.letter_display(~np.eye(60, dtype=bool))
    assert letters[0] == "a" and letters[51] == "Z" and letters[52] == "a1"
    assert analysis.letter_display(np.zeros([0, 0], bool)) == []


@pytest.mark.parametrize("wrong", [np.zeros([2, 3], bool), np.eye(2), np.eye(2, dtype=bool)])
def test_what_is_no_table_of_differences_is_refused(wrong):
    with pytest.raises(UserError, match="what is different"):
        analysis.letter_display(wrong)
