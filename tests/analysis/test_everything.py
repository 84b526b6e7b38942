"""What holds of every statistic: of failed runs, of inputs without sense, of the order of runs."""

import dataclasses
import functools
import itertools
import warnings

import numpy as np
import pytest

from compare_gan_tf import analysis
from compare_gan_tf.errors import UserError

NAN, INF = float("nan"), float("inf")
FEW = {"resamples": 50}
ONE = {  # of the scores [runs] of a variant on a task
    "summary": analysis.summary,
    "best_share": analysis.best_share,
    "interval": functools.partial(analysis.interval, **FEW),
    "interval of the median": lambda x, **y: analysis.interval(x, analysis.median, **FEW, **y),
    "interval of the mean": lambda x, **y: analysis.interval(x, analysis.mean, **FEW, **y),
    "performance_profile": lambda x, **y: analysis.performance_profile(x, [-3, 3.0], **FEW, **y),
    "budget_curve": analysis.budget_curve,
    "expected_best": lambda x, **y: analysis.expected_best(x, 1, **y),
}
TWO = {  # of the scores [n] of each of two variants on a task
    "improvement_matrix": lambda a, b, **y: analysis.improvement_matrix([a, b], **FEW, **y),
    "improvement_probability": functools.partial(analysis.improvement_probability, **FEW),
    "budget_ratio": functools.partial(analysis.budget_ratio, **FEW),
    "mann_whitney": analysis.mann_whitney,
    "pairwise_tests": lambda a, b, **y: analysis.pairwise_tests([a, b], paired=False, **y),
    "rank_stability": lambda a, b, **y: analysis.rank_stability([a, b], **FEW, **y),
    "effect": functools.partial(analysis.effect, **FEW),
    "effect as a difference": functools.partial(analysis.effect, kind="difference", **FEW),
}
PAIRED = {  # of the scores [n] of each of two variants over the same seeds, or two metrics
    "wilcoxon": analysis.wilcoxon,
    "pairwise_tests": lambda a, b, **y: analysis.pairwise_tests([a, b], paired=True, **y),
    "rank_stability": lambda a, b, **y: analysis.rank_stability([a, b], paired=True, **FEW, **y),
    "effect": functools.partial(analysis.effect, paired=True, **FEW),
    "effect as a difference": functools.partial(
        analysis.effect, kind="difference", paired=True, **FEW
    ),
    "spearman": analysis.spearman,
    "kendall": analysis.kendall,
    "pareto_front": functools.partial(analysis.pareto_front, lower_is_better=(True, True)),
}
CASES = {
    "as usual": [1.0, 3.0, 2.0, 5.0, 4.0, 2.0],
    "one run": [1.0],
    "two runs": [2.0, 1.0],
    "all equal": [2.0] * 6,
    "whole numbers": [1, 2, 3],
    "one failed": [1.0, NAN, 3.0],
    "half failed": [1.0, NAN, 2.0, NAN],
    "all failed": [NAN] * 4,
    "one run, and it failed": [NAN],
    "infinite": [INF, -INF, 1.0, 2.0],
    "extreme": [1e300, -1e300, 1e-300, 0.0, 1e300],
    "overflown": [1.7e308, -1.7e308, 1.0],
}


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        yield


def numbers(result) -> list[float]:
    """All numbers in a result."""
    if dataclasses.is_dataclass(result):
        result = [getattr(result, field.name) for field in dataclasses.fields(result)]
    if isinstance(result, str):
        return []
    if isinstance(result, list | tuple):
        return [number for one in result for number in numbers(one)]
    return np.asarray(result, float).ravel().tolist()


def check(function, *scores, **settings):
    """A result without nan, or one line."""
    try:
        result = function(*scores, **settings)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) > 20
        return None
    assert not np.isnan(numbers(result)).any(), result
    return result


@pytest.mark.parametrize("lower_is_better", [True, False])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ONE)
def test_of_one_variant_whatever_its_scores_there_is_a_result(name, case, lower_is_better):
    assert check(ONE[name], CASES[case], lower_is_better=lower_is_better) is not None


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", TWO)
def test_of_two_variants_whatever_their_scores_there_is_a_result(name, case):
    for other, lower_is_better in itertools.product(CASES, (True, False)):
        result = check(TWO[name], CASES[case], CASES[other], lower_is_better=lower_is_better)
        single = min(len(CASES[case]), len(CASES[other])) == 1
        assert (result is None) == (single and name == "rank_stability")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", PAIRED)
def test_of_pairs_there_is_a_result_or_one_line(name, case):
    scores = CASES[case]
    check(PAIRED[name], scores, scores[::-1])
    check(PAIRED[name], scores, [NAN] * len(scores))
    check(PAIRED[name], [float(x) for x in range(len(scores))], scores)
    with pytest.raises(UserError):
        PAIRED[name](scores, [*scores, 1.0])


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [[]],
        ["a"],
        [None, 1.0],
        [1j],
        [[[1.0]]],
        [[1.0], []],
        {},
        None,
        "ab",
        [[[1.0], [2.0, 3.0]]],
    ],
)
def test_what_is_no_score_is_refused(scores):
    for function in ONE.values():
        with pytest.raises(UserError):
            function(scores)
    for function in TWO.values():
        with pytest.raises(UserError):
            function(scores, [1.0, 2.0, 3.0])
    for function in PAIRED.values():
        with pytest.raises(UserError):
            function(scores, scores)


@pytest.mark.parametrize(
    "settings",
    [
        {"resamples": 0},
        {"resamples": 1.5},
        {"resamples": NAN},
        {"level": 0.0},
        {"level": 1.0},
        {"level": 95},
        {"seed": -1},
        {"seed": "a"},
    ],
)
def test_settings_without_sense_are_refused_by_name(settings):
    (name,) = settings
    if name == "level":
        with pytest.raises(UserError, match=name):
            analysis.budget_curve([1.0, 2.0], **settings)
    two = [[1.0, 2.0], [2.0, 3.0]]
    for function, scores in (
        (analysis.interval, two[:1]),
        (analysis.budget_ratio, two),
        (analysis.effect, two),
        (analysis.improvement_matrix, [two]),
        (analysis.rank_stability, [two]),
        (analysis.performance_profile, [two[0], [1.0]]),
    ):
        with pytest.raises(UserError, match=name):
            function(*scores, **settings)


@pytest.mark.parametrize("variants", [3, None, [], [[1.0, 2.0]], "ab", {"a": [1.0]}])
def test_what_are_no_variants_is_refused(variants):
    for function in (analysis.improvement_matrix, analysis.rank_stability):
        with pytest.raises(UserError):
            function(variants)
    with pytest.raises(UserError):
        analysis.pairwise_tests(variants, paired=False)


@pytest.mark.parametrize("directions", [True, (True,), (True, False, True), None, "ab"])
def test_two_metrics_have_two_directions(directions):
    for function in (analysis.spearman, analysis.kendall, analysis.pareto_front):
        with pytest.raises(UserError, match="lower_is_better"):
            function([1.0, 2.0], [3.0, 5.0], lower_is_better=directions)


@pytest.mark.parametrize("wrong", [[[1], [2, 3]], [[[1.0], [2.0]]], [["a"]], None])
def test_tables_without_sense_are_refused(wrong):
    calls = (
        analysis.friedman_test,
        analysis.letter_display,
        analysis.holm,
        lambda x: analysis.budget_curve([1.0, 2.0], x if x else "a"),
        lambda x: analysis.performance_profile([1.0, 2.0], x),
        lambda x: analysis.log_ratios([[1.0]], x if x else "a"),
    )
    for call in calls:
        with pytest.raises(UserError):
            call(wrong)


@pytest.mark.parametrize("name", ONE)
def test_the_order_of_runs_has_no_say(name):
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=20), 1)
    scores[3] = NAN
    assert numbers(ONE[name](scores)) == pytest.approx(numbers(ONE[name](rng.permutation(scores))))


@pytest.mark.parametrize("name", TWO)
def test_the_order_of_runs_of_either_has_no_say(name):
    rng = np.random.default_rng(1)
    first, second = np.round(rng.normal(size=20), 1), np.round(rng.normal(size=15), 1)
    first[3] = NAN
    assert numbers(TWO[name](first, second)) == pytest.approx(
        numbers(TWO[name](rng.permutation(first), rng.permutation(second)))
    )


@pytest.mark.parametrize("name", sorted(PAIRED.keys() - {"pareto_front"}))
def test_the_order_of_pairs_has_no_say(name):
    rng = np.random.default_rng(2)
    both = np.round(rng.normal(size=(2, 20)), 1)
    both[0, 3] = both[1, 5] = NAN
    other = rng.permutation(both, axis=1)
    assert numbers(PAIRED[name](*both)) == pytest.approx(numbers(PAIRED[name](*other)))


RANKS = {
    **{name: TWO[name] for name in ("improvement_matrix", "mann_whitney", "effect")},
    **{name: PAIRED[name] for name in ("spearman", "kendall")},
}


@pytest.mark.parametrize("name", RANKS)
def test_of_rank_statistics_the_scale_has_no_say(name):
    first, second = np.random.default_rng(3).normal(size=(2, 20))
    first[3] = NAN
    plain = numbers(RANKS[name](first, second))
    assert numbers(RANKS[name](np.exp(first), np.exp(second))) == pytest.approx(plain)
    assert numbers(RANKS[name](first**3, second**3)) == pytest.approx(plain)


@pytest.mark.parametrize("name", {**ONE, **TWO})
def test_where_more_is_better_all_is_mirrored(name):
    """Of -x with more better, every number is the negative of that of x, or as it is."""
    rng = np.random.default_rng(4)
    scores = [rng.normal(size=12) for _ in range(1 + (name in TWO))]
    scores[0][2] = NAN
    function = {**ONE, **TWO}[name]
    plain = np.sort(np.abs(numbers(function(*scores))))
    mirrored = function(*(-one for one in scores), lower_is_better=False)
    assert np.sort(np.abs(numbers(mirrored))) == pytest.approx(plain)
