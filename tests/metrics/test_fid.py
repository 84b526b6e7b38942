import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import frechet, intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.fid import Fid, statistics_of
from compare_gan_tf.metrics.fid_infinity import FidInfinity, intercept
from compare_gan_tf.metrics.frechet import gaussian_distance
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics
from compare_gan_tf.metrics.intra_class import IntraClassFid


def side(rows, labels=None):
    labels = None if labels is None else Rows.of(np.asarray(labels, np.int32))
    return Collected(features=Rows.of(np.asarray(rows, np.float32)), labels=labels)


def covariance(rng, dim, decay, rank=None):
    """With eigenvalues i^-decay in random directions, `rank` of them."""
    directions = np.linalg.qr(rng.normal(size=(dim, dim)))[0][:, :rank]
    return (directions * np.arange(1.0, directions.shape[1] + 1) ** -decay) @ directions.T


def matrix_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@pytest.mark.parametrize("decay", [0.0, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("ranks", [(60, 60), (60, 20), (7, 20), (1, 60)])
def test_the_trace_of_the_root_of_commuting_covariances(decay, ranks):
    # Of equal eigenvectors the trace is that of the roots of the products of eigenvalues.
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    values = [np.arange(1.0, 61) ** -decay * (np.arange(60) < rank) for rank in ranks]
    matrices = [(directions * one) @ directions.T for one in values]
    found = frechet.trace_of_root(*matrices)
    assert found == pytest.approx(np.sqrt(values[0] * values[1]).sum(), rel=1e-9)


@pytest.mark.parametrize("decay", [0.0, 2.0, 12.0])
@pytest.mark.parametrize("count", [5, 50, 500])
def test_a_set_is_at_distance_zero_from_itself(decay, count):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, 60)) @ covariance(rng, 60, decay) * 3 + 100
    statistics = statistics_of(Rows.of(rows.astype(np.float32)))
    assert 0 <= frechet.frechet_distance(statistics, statistics) < 1e-6
    score = Fid()(side(rows), side(rows))["fid"]
    assert 0 <= score.value < 1e-6


def test_both_ways_to_the_root_agree():
    rng = np.random.default_rng(0)
    pair = covariance(rng, 40, 1.0), covariance(rng, 40, 1.5)
    fast, robust = (
        way(*pair, True) for way in (frechet._root_of_full_rank, frechet._root_of_any_rank)
    )
    assert fast.trace == pytest.approx(robust.trace, rel=1e-12)
    for name in ("slope_1", "slope_2"):
        maps = [getattr(one, name) @ getattr(one, name).T for one in (fast, robust)]
        np.testing.assert_allclose(*maps, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("ranks", [(12, 12), (12, 5), (6, 4)])
def test_the_slopes_are_the_derivatives_by_finite_differences(ranks):
    rng = np.random.default_rng(0)
    pair = [covariance(rng, 12, 1.0, rank) for rank in ranks]
    found = frechet.root(*pair, slopes=True)
    for which, slope in enumerate((found.slope_1, found.slope_2)):
        within = matrix_root(pair[which])
        change = within @ (lambda m: m + m.T)(rng.normal(size=(12, 12))) @ within
        step = 1e-5
        ends = []
        for sign in (1, -1):
            moved = list(pair)
            moved[which] = pair[which] + sign * step * change
            ends.append(frechet.trace_of_root(*moved))
        expected = (ends[0] - ends[1]) / (2 * step)
        assert np.trace(slope.T @ change @ slope) / 2 == pytest.approx(expected, rel=1e-5)


def test_the_interval_is_that_of_scores_without_a_block_in_full():
    rng = np.random.default_rng(0)
    mixing = covariance(rng, 8, 1.0)
    real, fake = rng.normal(size=(800, 8)) @ mixing, rng.normal(size=(700, 8)) @ mixing * 1.2 + 0.1
    left_out = []
    for block in range(intervals.BLOCKS):
        kept = [
            rows[intervals.block_of(np.arange(len(rows))) != block].astype(np.float32)
            for rows in (real, fake)
        ]
        left_out.append(Fid(interval=False)(side(kept[0]), side(kept[1]))["fid"].value)
    found = Fid().replicates(side(real), side(fake))["fid"].left_out
    exact = np.std(left_out)
    assert np.std(found) == pytest.approx(exact, rel=0.05)
    assert np.corrcoef(found, left_out)[0, 1] > 0.995


@pytest.mark.parametrize("dim, count", [(6, 200), (40, 120), (40, 30)])
def test_the_interval_is_as_wide_as_scores_of_other_draws_are_apart(dim, count):
    rng = np.random.default_rng(0)
    count = max(count, 2 * intervals.BLOCKS)
    mixing = covariance(rng, dim, 0.5)
    values, errors = [], []
    for _ in range(80):
        real = rng.normal(size=(count, dim)) @ mixing
        fake = rng.normal(size=(count, dim)) @ mixing * 1.1 + 0.3
        found = Fid().replicates(side(real), side(fake))["fid"]
        values.append(found.value)
        errors.append(intervals.jackknife_variance(found.left_out))
    # A standard deviation of 80 is known to 8 %.
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(values), rel=0.25)


def test_imported_statistics_stand_in_for_features():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(300, 5)), rng.normal(size=(200, 5)) + 0.2
    expected = Fid()(side(real), side(fake))["fid"]
    imported = GaussianStatistics.of_moments(
        real.astype(np.float32).mean(0, np.float64), np.cov(real.astype(np.float32), rowvar=False)
    )
    found = Fid()(Collected(statistics=imported), side(fake))["fid"]
    assert found.value == pytest.approx(expected.value, rel=1e-10)
    assert np.ptp(found.interval) < np.ptp(expected.interval)  # the reals count as known
    assert Fid()(Collected(statistics=imported), Collected(statistics=imported))["fid"].value < 1e-9


def test_cached_statistics_beside_features_change_nothing():
    rng = np.random.default_rng(0)
    real, fake = side(rng.normal(size=(300, 5))), side(rng.normal(size=(200, 5)))
    cached = Collected(features=real.features, statistics=statistics_of(real.features))
    assert Fid()(cached, fake) == Fid()(real, fake)


def test_imported_statistics_of_a_known_count_can_grow():
    rows = np.random.default_rng(0).normal(size=(300, 5))
    grown = GaussianStatistics.of_moments(
        rows[:100].mean(axis=0), np.cov(rows[:100], rowvar=False), 100
    )
    grown.update(rows[100:])
    assert grown.count == 300
    np.testing.assert_allclose(grown.mean, rows.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(grown.covariance, np.cov(rows, rowvar=False), atol=1e-14)


def test_imported_statistics_of_an_unknown_count_cannot_grow():
    imported = GaussianStatistics.of_moments(np.zeros(2), np.eye(2))
    np.testing.assert_array_equal(imported.covariance, np.eye(2))
    with pytest.raises(ValueError, match="without their count"):
        imported.update(np.zeros((3, 2)))


@pytest.mark.parametrize(
    "mean, covariance, count, message",
    [
        (np.zeros(3), np.eye(2), None, r"\[d\] and \[d, d\]"),
        (np.zeros(2), [[1, 0.5], [0, 1]], None, "not symmetric"),
        (np.zeros(2), np.eye(2), 1, "of 1 samples"),
    ],
)
def test_moments_that_do_not_fit_are_refused(mean, covariance, count, message):
    with pytest.raises(UserError, match=message):
        GaussianStatistics.of_moments(mean, covariance, count)


def test_the_batches_of_statistics_do_not_matter_at_all():
    rows = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    found = []
    for size in (1, 64, 1000, 3000):
        statistics = GaussianStatistics()
        for start in range(0, 3000, size):
            statistics.update(rows[start : start + size])
        found.append((*statistics.mean, *statistics.covariance.ravel()))
    assert len(set(found)) == 1


def test_features_of_two_extractors_have_no_distance():
    with pytest.raises(UndefinedScore, match="same extractor"):
        gaussian_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))


def test_a_line_meets_zero_where_it_should():
    x = 1 / np.linspace(100, 1000, 15)
    value, variance = intercept(x, 3.0 + 50.0 * x)
    assert value == pytest.approx(3.0, abs=1e-12)
    assert variance == pytest.approx(0.0, abs=1e-20)


def test_the_variance_of_an_intercept_is_that_of_draws():
    rng, x = np.random.default_rng(0), 1 / np.linspace(100, 1000, 15)
    found = np.array([intercept(x, 3 + 50 * x + rng.normal(size=15)) for _ in range(2000)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].var(), rel=0.1)


def test_fid_infinity_is_nearer_to_the_distance_of_the_distributions():
    rng = np.random.default_rng(0)
    dim, shift = 20, 0.1
    mixing = np.diag(np.linspace(1, 0.3, dim))
    real = GaussianStatistics.of_moments(np.zeros(dim), mixing @ mixing)
    metric, errors = FidInfinity(smallest=200), []
    for _ in range(5):
        fake = side(rng.normal(size=(1000, dim)) @ mixing + shift)
        score = metric(Collected(statistics=real), fake)["fid_infinity"]
        biased = Fid()(Collected(statistics=real), fake)["fid"].value
        errors.append([score.value - dim * shift**2, biased - dim * shift**2])
        assert score.interval[0] < score.value < score.interval[1]
    errors = np.abs(np.mean(errors, axis=0))
    assert errors[0] < 0.2 * errors[1]


def test_fid_infinity_says_what_it_needs():
    few = side(np.random.default_rng(0).normal(size=(100, 3)))
    with pytest.raises(UndefinedScore, match="smallest subset has 5000"):
        FidInfinity()(few, few)
    known = Collected(statistics=statistics_of(few.features))
    with pytest.raises(UndefinedScore, match="features of the fakes"):
        FidInfinity()(few, known)


def test_the_distance_within_classes_is_the_mean_of_theirs():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    real, fake = rng.normal(size=(300, 4)), rng.normal(size=(300, 4)) + 0.3 * labels[:, None]
    expected = [
        Fid()(side(real[labels == c]), side(fake[labels == c]))["fid"].value for c in range(3)
    ]
    metric = IntraClassFid()
    score = metric(side(real, labels), side(fake, labels))["intra_class_fid"]
    assert score.value == pytest.approx(np.mean(expected), rel=1e-12)
    assert score.interval[0] < score.value < score.interval[1]
    found = metric.by_class(side(real, labels), side(fake, labels))
    assert [found[c].value for c in range(3)] == pytest.approx(expected, rel=1e-12)


def test_fakes_with_shuffled_labels_are_far_within_classes_only():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    real, fake = (rng.normal(size=(400, 3)) + 5 * labels[:, None] for _ in range(2))
    right, wrong = side(fake, labels), side(fake, rng.permutation(labels))
    metric = IntraClassFid(interval=False)
    near, far = (metric(side(real, labels), one)["intra_class_fid"] for one in (right, wrong))
    assert far.value > 20 * near.value
    assert Fid()(side(real), right)["fid"].value == Fid()(side(real), wrong)["fid"].value


@pytest.mark.parametrize(
    "real_labels, fake_labels, message",
    [
        ([0, 0, 1, 1], [0, 0, 0, 1], "class 1 has 1 fakes"),
        ([0, 0, 1, 1], [0, 0, 0, 0], "class 1 has 0 fakes"),
        ([0, 0, 1, -1], [0, 0, 1, 1], "1 of 4 real samples have no label"),
        ([0, 0, 1], [0, 0, 1, 1], "4 real samples have 3 labels"),
        (None, [0, 0, 1, 1], "real samples have no labels"),
    ],
)
def test_classes_that_have_no_distance(real_labels, fake_labels, message):
    rows = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(UndefinedScore, match=message):
        IntraClassFid()(side(rows, real_labels), side(rows, fake_labels))
