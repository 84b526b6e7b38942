import numpy as np
import pytest
import scipy.spatial.distance

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.fractal_dimension import (
    FractalDimension,
    PixelFractalDimension,
    distances,
    slope,
)


def score(points, **settings):
    side = Collected(features=Rows.of(points.astype(np.float32)))
    return FractalDimension(**settings)(side, side)["fractal_dimension"]


def test_of_uniform_points_is_that_of_their_space(golden):
    rng = np.random.default_rng(0)
    for case in golden("sample_metrics")["fractal_dimension"]:
        points = rng.random((10_000, case["dimension"]))
        assert score(points).value == pytest.approx(case["dimension"], abs=case["tolerance"])


def test_of_a_surface_is_2_whatever_space_it_lies_in():
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(30, 2)))[0]
    points = rng.random((5000, 2))
    plane = score(points @ basis.T)
    assert plane.value == pytest.approx(score(points).value, rel=1e-3)
    low, high = plane.interval
    assert low < 2.1 and high > 1.9


def test_noise_raises_it_and_duplicates_lower_it():
    rng = np.random.default_rng(2)
    points = np.concatenate([rng.random((3000, 2)), np.zeros((3000, 8))], axis=1)
    plain = score(points).value
    assert score(points + rng.normal(0, 0.2, points.shape)).value > plain + 1
    assert score(points[rng.integers(100, size=3000)]).value < plain - 0.2


def test_distances_agree_with_scipy_and_equal_rows_have_none():
    rows = np.random.default_rng(3).normal(size=(50, 6))
    found = distances(rows, rows[:5])
    expected = scipy.spatial.distance.cdist(rows, rows[:5])
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert (found[np.arange(5), np.arange(5)] == 0).all()


def test_the_slope_is_that_of_a_power_law():
    radii = np.geomspace(0.01, 1, 500)
    assert slope(1e6 * radii**3, radii, 1.0, 1e6, 0.1) == pytest.approx(3.0, rel=1e-9)


def test_it_is_the_same_for_a_seed_and_in_any_chunks(monkeypatch):
    images = np.random.default_rng(4).integers(0, 256, (300, 4, 4, 1)).astype(np.uint8)
    side = Collected(images=Rows.of(images))
    first = PixelFractalDimension()(side, side)
    monkeypatch.setattr("compare_gan_tf.metrics.fractal_dimension._CHUNK", 13)
    assert PixelFractalDimension()(side, side) == first
    assert first["pixel_fractal_dimension"] == first["pixel_fractal_dimension_real"]
    assert PixelFractalDimension(seed=1)(side, side) != first


def test_what_has_no_score():
    with pytest.raises(UndefinedScore, match="all samples are equal"):
        score(np.ones((100, 3)))
    with pytest.raises(UndefinedScore, match="at least 40"):
        score(np.ones((10, 3)))
    two = np.repeat([[0.0, 0.0], [1.0, 0.0]], 100, axis=0)
    with pytest.raises(UndefinedScore, match="numbers of neighbours jump"):
        score(two)
    with pytest.raises(UserError, match="width is 0.5"):
        FractalDimension(width=0.5)
