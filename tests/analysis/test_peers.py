"""The numbers of rliable, autorank and statsmodels: as saved, and where installed anew."""

import numpy as np
import pytest

from compare_gan_tf import analysis

CLOSE = 0.06  # of the width of an interval: what two bootstraps of thousands differ by
AGGREGATES = {
    "iqm": analysis.iqm,
    "mean": analysis.mean,
    "median_of_means": analysis.median_of_means,
}
MORE = {"lower_is_better": False}


@pytest.fixture(scope="module")
def peers(golden):
    return golden("analysis")


@pytest.fixture(params=[0, 1], ids=["10 runs x 3 tasks", "50 runs x 5 tasks"])
def case(peers, request):
    found = peers["rliable"]["cases"][request.param]
    return {key: np.array(one) for key, one in found.items()}


def agree(found, expected):
    value, low, high = expected
    assert found.value == pytest.approx(value, abs=2e-5)
    assert found.low == pytest.approx(low, abs=CLOSE * (high - low))
    assert found.high == pytest.approx(high, abs=CLOSE * (high - low))


@pytest.mark.parametrize("name", AGGREGATES)
def test_intervals_of_rliable(case, name):
    found = analysis.interval(
        case["scores"], AGGREGATES[name], method="percentile", resamples=10_000, **MORE
    )
    agree(found, case[name])


def test_the_optimality_gap_of_rliable(case, peers):
    gap = analysis.optimality_gap(peers["rliable"]["gamma"], **MORE)
    settings = {"method": "percentile", "resamples": 10_000}
    agree(analysis.interval(case["scores"], gap, **settings, **MORE), case["optimality_gap"])


def test_the_probability_of_improvement_of_rliable(case):
    found = analysis.improvement_probability(case["better"], case["scores"], **MORE)
    value, low, high = case["improvement"]
    assert found.value == pytest.approx(value, abs=1e-6)
    # Theirs is the percentile interval; ours is wider by sqrt(n / (n - 1)) t / z of n runs.
    runs, tasks = case["better"].shape
    wider = 1.0 + 1.2 / (runs - 1)
    assert found.low == pytest.approx(value - wider * (value - low), abs=0.12 * (high - low))
    assert found.high == pytest.approx(value + wider * (high - value), abs=0.12 * (high - low))


def test_the_performance_profile_of_rliable(case, peers):
    found = analysis.performance_profile(case["scores"], peers["rliable"]["thresholds"], **MORE)
    value, low, high = case["profile"]
    assert found.value == pytest.approx(value, abs=1e-6)
    one = 1.01 / case["scores"].size  # a run, of which a share is a multiple
    wider = 1.0 + 1.2 / (len(case["scores"]) - 1)
    assert (abs(found.low - (value - wider * (value - low))) <= 2 * one).all()
    assert (abs(found.high - (value + wider * (high - value))) <= 2 * one).all()


def test_ranks_and_the_critical_difference_of_autorank(peers):
    golden = peers["autorank"]
    found = analysis.friedman_test(golden["scores"])
    assert found.average_ranks == pytest.approx(golden["average_ranks"])
    assert found.critical_difference == pytest.approx(golden["critical_difference"], rel=1e-3)
    assert found.p_value < 2e-4  # theirs, by chi^2, is 3e-5: 10,000 permutations see none
    first, *_, last = np.transpose(golden["scores"])
    one_sided = golden["wilcoxon_p_value_of_first_and_last"]
    assert analysis.wilcoxon(first, last) == pytest.approx(2.0 * one_sided, rel=1e-6)


def test_medians_and_cliffs_delta_of_autorank(peers):
    golden = peers["autorank"]
    columns = np.transpose(golden["scores"])
    medians = [analysis.summary(one).median for one in columns]
    assert medians == pytest.approx(golden["medians"])
    matrix = analysis.improvement_matrix(list(columns), resamples=10)
    deltas = golden["cliffs_delta_against_the_best"]
    assert 1.0 - 2.0 * matrix.value[0] == pytest.approx(deltas)


def test_the_least_differences_of_statsmodels(peers):
    table = peers["statsmodels"]["least_differences"]
    assert len(table) > 20
    for paired, runs, alpha, power, expected in table:
        found = analysis.least_difference(
            runs, 2.0, alpha=alpha, beta=1.0 - power, paired=bool(paired)
        )
        assert found.in_deviations == pytest.approx(expected, rel=2e-5)
        assert found.in_scores == 2.0 * found.in_deviations


def test_holms_correction_of_statsmodels(peers):
    golden = peers["statsmodels"]
    assert analysis.holm(golden["p_values"]) == pytest.approx(golden["holm"])


def test_rliable_itself():
    library = pytest.importorskip("rliable.library")
    metrics = pytest.importorskip("rliable.metrics")
    scores = np.random.default_rng(7).normal(size=(30, 4))
    np.random.seed(0)
    points, intervals = library.get_interval_estimates(
        {"x": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=2_000
    )
    found = analysis.interval(scores, analysis.iqm, method="percentile", resamples=10_000, **MORE)
    low, high = intervals["x"].ravel()
    assert found.value == pytest.approx(points["x"][0])
    assert found.low == pytest.approx(low, abs=0.1 * (high - low))
    assert found.high == pytest.approx(high, abs=0.1 * (high - low))


def test_autorank_itself():
    autorank = pytest.importorskip("autorank")
    pandas = pytest.importorskip("pandas")
    scores = np.round(np.random.default_rng(8).normal(30, 5, size=(15, 5)) + np.arange(5), 2)
    result = autorank.autorank(
        pandas.DataFrame(scores), order="ascending", force_mode="nonparametric", verbose=False
    )
    found = analysis.friedman_test(scores)
    expected = result.rankdf.sort_index().meanrank.to_numpy(float)
    assert found.average_ranks == pytest.approx(expected)
    assert found.critical_difference == pytest.approx(result.cd, rel=1e-3)
    assert found.p_value == pytest.approx(result.pvalue, abs=0.01)
