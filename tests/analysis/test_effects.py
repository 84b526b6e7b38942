"""Verdicts on "A beats B"."""

import numpy as np
import pytest

from compare_gan_tf import analysis
from compare_gan_tf.errors import UserError

KINDS = ("probability", "difference", "ratio")
NOTHING = {"probability": 0.5, "difference": 0.0, "ratio": 1.0}


def test_the_three_effects_by_hand():
    first, second = [10.0, 20.0, 30.0, 40.0, 50.0], [15.0, 60.0, 60.0, 60.0, 70.0]
    values = [analysis.effect(first, second, kind).interval.value for kind in KINDS]
    assert values == pytest.approx([21 / 25, 30.0, 2.0])
    more = {"lower_is_better": False}
    values = [analysis.effect(first, second, kind, **more).interval.value for kind in KINDS]
    assert values == pytest.approx([4 / 25, -30.0, 0.5])


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts(kind):
    noise = np.random.default_rng(0).normal(size=(2, 15))
    low, high = np.exp(3.0 + 0.1 * noise[0]), np.exp(3.5 + 0.1 * noise[1])
    found = analysis.effect(low, high, kind)
    assert found.verdict == "supported" and "lies above" in found.reason
    assert found.interval.low > NOTHING[kind]
    found = analysis.effect(high, low, kind)
    assert found.verdict == "contradicted" and "lies below" in found.reason
    found = analysis.effect(low, low[::-1], kind)
    assert found.verdict == "undecided" and found.interval.value == pytest.approx(NOTHING[kind])
    assert analysis.effect(low, high, kind, lower_is_better=False).verdict == "contradicted"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "runs, paired, decided",
    [(1, False, False), (3, False, False), (4, False, True), (5, True, False), (6, True, True)],
)
def test_few_runs_decide_nothing(kind, runs, paired, decided):
    first = 1.0 + np.arange(runs)
    found = analysis.effect(first, 100.0 + first, kind, paired=paired)
    assert (found.verdict == "supported") == decided
    assert decided or "so few runs" in found.reason


def test_several_tasks_and_the_level_are_counted_in():
    first = np.array([[1.0, 2.0], [1.5, 2.5]])
    assert analysis.effect(first, first + 9.0).verdict == "undecided"  # 2 / 6^2 = 0.056
    first = np.tile(first, 2)
    assert analysis.effect(first, first + 9.0).verdict == "supported"  # 2 / 6^4
    few = np.arange(1.0, 5.0)
    assert analysis.effect(few, few + 9.0, level=0.99).verdict == "undecided"  # 2 / 70


def test_tasks_count_alike_and_ratios_are_geometric():
    first, second = [[1.0, 1.0], [1.0, 1.0, 1.0, 1.0]], [[4.0, 4.0], [1.0, 1.0, 1.0, 1.0]]
    values = [analysis.effect(first, second, kind).interval.value for kind in KINDS]
    assert values == pytest.approx([0.75, 1.5, 2.0])


def test_failed_runs_count():
    nan = np.nan
    good, bad = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [9.0, nan, nan, nan, nan, nan]
    for kind in KINDS:
        found = analysis.effect(good, bad, kind)
        assert found.interval.value == (1.0 if kind == "probability" else np.inf)
        assert found.verdict == "supported"
        assert analysis.effect([nan] * 6, [nan] * 6, kind).verdict == "undecided"
    found = analysis.effect([[1.0] * 6, [nan] * 6], [[nan] * 6, [1.0] * 6], "difference")
    assert found.interval == (0.0, 0.0, 0.0)  # each is infinitely better on one task


def test_common_seeds_show_what_hides_in_their_spread():
    rng = np.random.default_rng(1)
    seeds = np.exp(3.0 + 0.5 * rng.normal(size=20))
    better = seeds * np.exp(-0.02 + 0.005 * rng.normal(size=20))
    for kind in KINDS:
        assert analysis.effect(better, seeds, kind).verdict == "undecided"
        assert analysis.effect(better, seeds, kind, paired=True).verdict == "supported"
    found = analysis.effect([1.0, 2.0, 3.0], [2.0, 3.0, 1.0], paired=True)
    assert found.interval.value == pytest.approx(2 / 3)  # of the pairs of one seed


def test_equal_variants_are_rarely_told_apart():
    """Of 300 studies for each number of runs, at most 5 % and three errors have a verdict."""
    rng = np.random.default_rng(2)
    for runs, paired in ((4, False), (6, True), (12, False), (12, True)):
        for kind in KINDS:
            wrong = 0
            for _ in range(300):
                first, second = np.exp(0.3 * rng.normal(size=(2, runs)))
                found = analysis.effect(first, second, kind, paired=paired, resamples=200)
                wrong += found.verdict != "undecided"
            assert wrong <= 27, (runs, paired, kind)


@pytest.mark.parametrize(
    "first, second, settings, message",
    [
        ([1.0, 0.0], [1.0, 2.0], {"kind": "ratio"}, "a score is 0: a ratio needs scores above 0"),
        ([1.0, 0.0], [-1.0], {"kind": "ratio", "lower_is_better": False}, "a score is -1"),
        ([1.0, 2.0], [1.0], {"paired": True}, "pairs need the same seeds"),
        ([1.0, 2.0], [1.0], {"kind": "cohen"}, "kind"),
        ([1.0, 2.0], [[1.0], [2.0]], {}, "the same tasks"),
    ],
)
def test_claims_without_sense_are_refused(first, second, settings, message):
    with pytest.raises(UserError, match=message):
        analysis.effect(first, second, **settings)


def test_a_ratio_beyond_all_numbers_is_infinite():
    low, high = [1e-200] * 6, [1e200] * 6
    assert analysis.effect(low, high, "ratio").interval == (np.inf, np.inf, np.inf)
    assert analysis.effect(high, low, "ratio").interval == (0.0, 0.0, 0.0)


def test_likeness_is_the_ratio_of_a_typical_variation():
    """Of 4 / 5, 10 / 11 and 1 / 2 the median is 4 / 5; nothing varies within a group."""
    plain, low = [10.0] * 4, [8.0] * 4
    groups = [(plain, [low, [11.0] * 4]), ([3.0] * 4, [[6.0] * 4])]
    for least, verdict in ((0.75, "supported"), (0.85, "contradicted")):
        found = analysis.likeness(groups, least)
        assert found.interval == pytest.approx((0.8, 0.8, 0.8)) and found.verdict == verdict


def test_a_variation_that_fails_is_not_alike_and_both_failing_are():
    failed = [np.nan] * 4
    assert analysis.likeness([([10.0] * 4, [failed])]).interval == (0.0, 0.0, 0.0)
    assert analysis.likeness([(failed, [failed])]).interval == (1.0, 1.0, 1.0)


def test_variations_are_drawn_with_what_they_share():
    """All variations double where the plain runs are drawn low: their medians move together."""
    rng = np.random.default_rng(0)
    plain = rng.lognormal(0.0, 0.3, 8)
    shared = analysis.likeness([(plain, [[1.0] * 8] * 9)]).interval
    apart = analysis.likeness([(plain, [[1.0] * 8])] * 9).interval
    assert shared.high - shared.low > 1.2 * (apart.high - apart.low)


@pytest.mark.parametrize("groups", [[], [([1.0, 2.0], [])]])
def test_likeness_needs_variations(groups):
    with pytest.raises(UserError, match="at least one variation"):
        analysis.likeness(groups)
