import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data.polygons import Polygons


def shoelace(points):
    x, y = points[..., 0], points[..., 1]
    return np.abs((x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1)).sum(-1)) / 2


@pytest.mark.parametrize("vertices", [3, 4, 6])
def test_the_area_drawn_is_that_of_the_polygon(vertices):
    shape = Polygons(vertices)
    angles = shape.angles(200, np.random.default_rng(0))
    points = np.stack([np.cos(angles), np.sin(angles)], -1) * 0.75 * 14
    drawn = shape.draw(angles).sum(axis=(1, 2))
    # Eight lines to a pixel, each exact: an error only where a side is almost level.
    np.testing.assert_allclose(drawn, shoelace(points), rtol=0.01, atol=0.6)


def test_pixels_are_the_share_of_points_inside():
    shape = Polygons(3, side=12)
    angles = np.array([[0.3, 2.0, 4.5]])
    points = np.stack([np.cos(angles[0]), np.sin(angles[0])], -1) * 0.75 * 6
    points += 6 - (points.min(0) + points.max(0)) / 2
    fine = (np.arange(12 * 60) + 0.5) / 60
    x, y = np.meshgrid(fine, fine)
    inside = np.ones_like(x, bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    expected = inside.reshape(12, 60, 12, 60).mean(axis=(1, 3))
    assert np.abs(shape.draw(angles)[0] - expected).max() < 0.07  # half a line of eight


@pytest.mark.parametrize("vertices", [3, 5])
def test_angles_are_apart_and_turned_anyhow(vertices):
    shape = Polygons(vertices, min_angle=30)
    angles = shape.angles(5_000, np.random.default_rng(1))
    gaps = np.diff(np.concatenate([angles, angles[:, :1] + 2 * np.pi], axis=1), axis=1)
    assert gaps.min() >= np.deg2rad(30) - 1e-9
    np.testing.assert_allclose(gaps.sum(axis=1), 2 * np.pi)
    # A mean direction of 5,000 uniform angles is about 1 / sqrt(5000) long.
    assert np.abs(np.exp(1j * angles[:, 0]).mean()) < 4 / np.sqrt(5_000)


def test_the_shape_stays_inside_the_image():
    for vertices in (3, 4, 6):
        shares = Polygons(vertices).draw(Polygons(vertices).angles(500, np.random.default_rng(2)))
        edge = np.concatenate([shares[:, 0], shares[:, -1], shares[:, :, 0], shares[:, :, -1]])
        assert edge.max() == 0 and shares.max() == pytest.approx(1.0)


@pytest.mark.parametrize("vertices", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_real_polygons_lie_on_the_manifold_and_others_do_not(vertices):
    shape = Polygons(vertices)
    rng = np.random.default_rng(3)
    real = shape.sample(60, rng)
    distance = shape.distance(real)
    # Rounding to 8 bits moves an edge pixel by at most 1/510; the search may end a little off.
    assert np.quantile(distance, 0.9) < 0.004 and distance.max() < 0.05
    noisy = np.clip(real + rng.normal(0, 25, real.shape), 0, 255).astype(np.uint8)
    assert shape.distance(noisy).min() > 0.03
    disc = (np.hypot(*(np.indices((28, 28)) - 13.5)) < 7).astype(np.uint8)[None, ..., None] * 255
    assert shape.distance(disc)[0] > 0.1


def test_a_polygon_of_half_the_brightness_is_off_the_manifold():
    shape = Polygons(3)
    real = shape.sample(10, np.random.default_rng(4))
    faint = shape.distance(real // 2)
    # Nothing is nearer than the polygon itself, from which it differs by half, or a thin one.
    assert (faint > 0.03).all() and (faint < np.sqrt(((real // 2) / 255) ** 2).mean() + 0.3).all()
    assert (faint <= np.sqrt(((real - real // 2) / 255) ** 2).mean(axis=(1, 2, 3)) ** 0.5).all()


def test_the_sets_have_the_ancestors_sizes(monkeypatch):
    from compare_gan_tf.data import polygons

    assert polygons.SIZES == {"train": 60_000, "validation": 10_000, "test": 10_000}
    monkeypatch.setattr(polygons, "SIZES", {"train": 50, "validation": 10, "test": 10})
    dataset = data.load("triangles")
    assert dataset.sample_shape == (28, 28, 1) and dataset.is_images
    assert dataset.num_classes is None and dataset.manifold == Polygons(3)
    again = data.load("triangles").splits["train"].images
    np.testing.assert_array_equal(dataset.splits["train"].images, again)
    assert not np.array_equal(again[:10], dataset.splits["test"].images)
