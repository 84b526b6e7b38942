import json
import pathlib

import numpy as np
import pytest
import scipy.linalg

from compare_gan_tf.metrics.base import UndefinedScore
from compare_gan_tf.metrics.frechet import (
    GaussianStatistics,
    frechet_distance,
    gaussian_distance,
    trace_of_root,
)

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "frechet.json").read_text())


def statistics(features, batch_size=None):
    result = GaussianStatistics()
    for start in range(0, len(features), batch_size or len(features)):
        result.update(features[start : start + (batch_size or len(features))])
    return result


def correlated(rng, num, dim, rank=None):
    return rng.normal(size=(num, rank or dim)) @ rng.normal(size=(rank or dim, dim))


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def test_golden_of_compare_gan():
    golden = GOLDENS["features"][0]
    real, fake = np.ones((100, 2)), np.full((100, 2), 9.0)
    real[:50, 0] = 2.0
    fake[50:, 0] = 2.0
    found = frechet_distance(statistics(real), statistics(fake))
    assert found == pytest.approx(golden["distance"], abs=golden["tolerance"])
    assert found == pytest.approx(980 / 11, rel=1e-12)


@pytest.mark.parametrize("golden", GOLDENS["gaussians"], ids=lambda golden: golden["name"])
def test_squared_wasserstein_distance_of_gaussians(golden):
    (mean_1, mean_2), (covariance_1, covariance_2) = golden["means"], golden["covariances"]
    found = gaussian_distance(mean_1, covariance_1, mean_2, covariance_2)
    assert found == pytest.approx(golden["distance"], rel=1e-6)
    assert gaussian_distance(mean_2, covariance_2, mean_1, covariance_1) == pytest.approx(found)


@pytest.mark.parametrize("dim", [3, 64, 200])
def test_agrees_with_the_general_matrix_root_of_scipy(dim):
    rng = np.random.default_rng(dim)
    first, second = correlated(rng, 3 * dim, dim), correlated(rng, 3 * dim, dim) + 0.3
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shift = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    expected = shift + np.trace(a + b - 2.0 * scipy.linalg.sqrtm(a @ b).real)
    assert frechet_distance(statistics(first), statistics(second)) == pytest.approx(
        expected, rel=1e-9
    )


@pytest.mark.parametrize("batch_size", [1, 7, 64, 999, 1000])
@pytest.mark.parametrize("offset", [0.0, 1e6, -1e8])
def test_moments_are_those_of_numpy_for_any_batches_and_offset(batch_size, offset):
    features = correlated(np.random.default_rng(0), 1000, 5)
    features = (features + offset).astype(np.float64)
    exact = features - offset  # the offset leaves these rows exact, so numpy sees no cancellation
    found = statistics(features, batch_size)
    assert found.count == 1000
    assert relative_error(found.covariance, np.cov(exact, rowvar=False)) < 1e-12
    rounding = 1e-14 + 2e-16 * abs(offset)
    assert found.mean - offset == pytest.approx(exact.mean(axis=0), abs=rounding)


def test_a_common_offset_is_no_problem_where_the_textbook_formula_fails():
    features = np.random.default_rng(1).normal(size=(500, 3)) + 1e8
    naive = features.T @ features / 500 - np.outer(features.mean(axis=0), features.mean(axis=0))
    expected = np.cov(features - 1e8, rowvar=False)
    assert relative_error(naive, expected) > 0.1
    assert relative_error(statistics(features, 50).covariance, expected) < 1e-12


def test_the_order_and_the_batches_do_not_change_the_distance():
    rng = np.random.default_rng(2)
    real, fake = correlated(rng, 300, 16), correlated(rng, 300, 16)
    expected = frechet_distance(statistics(real), statistics(fake))
    for batch_size in (1, 13, 299):
        shuffled = statistics(rng.permutation(fake), batch_size)
        found = frechet_distance(statistics(real, 50), shuffled)
        assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("rank", [1, 5, 64])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_distance_of_a_set_to_itself_is_zero(rank, scale):
    features = scale * correlated(np.random.default_rng(3), 200, 64, rank)
    found = frechet_distance(statistics(features), statistics(features[::-1], 9))
    assert 0.0 <= found < 1e-6 * max(1.0, scale**2)


def test_singular_covariances_of_fewer_samples_than_features():
    """With supports orthogonal to each other nothing is shared: the trace of the root is 0."""
    rng = np.random.default_rng(4)
    rotation = np.linalg.qr(rng.normal(size=(100, 100)))[0]
    first = np.pad(rng.normal(size=(10, 9)), [(0, 0), (0, 91)]) @ rotation
    second = np.pad(rng.normal(size=(10, 9)), [(0, 0), (91, 0)]) @ rotation
    a, b = statistics(first), statistics(second)
    expected = (
        np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
        + np.trace(np.cov(first, rowvar=False))
        + np.trace(np.cov(second, rowvar=False))
    )
    assert trace_of_root(a.covariance, b.covariance) < 1e-12
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_a_rank_one_covariance_has_the_root_of_a_projection():
    """tr((v v^T)^1/2 C (v v^T)^1/2)^1/2 = sqrt(v^T C v)."""
    rng = np.random.default_rng(5)
    v, samples = rng.normal(size=32), correlated(rng, 100, 32)
    covariance = np.cov(samples, rowvar=False)
    expected = np.sqrt(v @ covariance @ v)
    assert trace_of_root(np.outer(v, v), covariance) == pytest.approx(expected, rel=1e-9)


def test_constant_features_leave_the_squared_distance_of_the_means():
    zeros, ones = np.zeros((10, 4)), np.ones((10, 4))
    assert frechet_distance(statistics(zeros), statistics(ones)) == 4.0


def test_rows_that_are_not_finite_are_refused_and_leave_the_statistics_alone():
    found = statistics(np.eye(3))
    rows = np.ones((4, 3))
    rows[1, 2], rows[3, 0] = np.nan, np.inf
    with pytest.raises(UndefinedScore, match="2 of 4 rows"):
        found.update(rows)
    assert found.count == 3
    assert found.mean == pytest.approx([1 / 3] * 3)


def test_no_rows_change_nothing():
    found = statistics(np.eye(3))
    found.update(np.empty((0, 3)))
    assert found.count == 3


@pytest.mark.parametrize("num", [0, 1])
def test_a_covariance_needs_two_samples(num):
    with pytest.raises(UndefinedScore, match=f"at least 2 samples, not {num}"):
        _ = statistics(np.ones((num, 2)), 1).covariance


def test_an_overflow_is_a_reason_and_not_a_number():
    huge = np.array([[1e200, 0.0], [-1e200, 1.0]])
    with pytest.raises(UndefinedScore, match="not finite"):
        frechet_distance(statistics(huge), statistics(np.eye(2)))
    with pytest.raises(UndefinedScore, match="exceeds"):
        gaussian_distance([1e200], [[1.0]], [0.0], [[1.0]])


def test_shapes_that_do_not_fit_are_errors():
    found = statistics(np.eye(3))
    with pytest.raises(ValueError, match="2 columns, not 3"):
        found.update(np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"\[n, d\]"):
        found.update(np.ones(4))
