import numpy as np
import pytest

from compare_gan_tf.metrics import nearest
from compare_gan_tf.metrics.base import Rows
from compare_gan_tf.metrics.nearest import are_inside, neighbours, pairs_within, share_space, tiles


def squared(x, y):
    """By differences, in float64."""
    return np.square(x[:, None].astype(np.float64) - y[None]).sum(axis=-1)


def clouds(kind):
    """Two sides of float32 points."""
    rng = np.random.default_rng(0)
    made = {
        "usual": lambda n: rng.normal(size=(n, 5)),
        "many columns": lambda n: rng.normal(size=(n, 300)),
        "on a grid, far away": lambda n: rng.integers(0, 3, (n, 2)) + 1000.0,
        "all alike": lambda n: np.ones((n, 3)),
        "tiny": lambda n: rng.normal(size=(n, 3)) * 1e-25,
        "huge": lambda n: rng.normal(size=(n, 3)) * 1e18,
        "one outlier": lambda n: rng.normal(size=(n, 3)) + 1e5 * (np.arange(n) == 7)[:, None],
        "two tight clusters": lambda n: rng.choice([-1, 1], (n, 1)) + rng.normal(0, 1e-5, (n, 4)),
        "closer than float32 tells": lambda n: 1 + 1e-6 * rng.integers(0, 99, (n, 4)),
    }
    return [made[kind](n).astype(np.float32) for n in (70, 90)]


KINDS = [
    "usual",
    "many columns",
    "on a grid, far away",
    "all alike",
    "tiny",
    "huge",
    "one outlier",
    "two tight clusters",
    "closer than float32 tells",
]


@pytest.fixture(params=[1024, 16])
def chunk(request, monkeypatch):
    monkeypatch.setattr(nearest, "CHUNK", request.param)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_the_kth_neighbour_is_that_of_float64(kind, k, chunk):
    x, y = clouds(kind)
    first, second = share_space(Rows.of(x), Rows.of(y))
    found = neighbours(first, second, k)
    distances = squared(x, y) / float(first.scale) ** 2
    np.testing.assert_allclose(found.squared, np.sort(distances)[:, k - 1], rtol=1e-12)
    chosen = np.take_along_axis(distances, found.index[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(found.squared, chosen, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_is_no_neighbour_of_itself(kind, chunk):
    x, _ = clouds(kind)
    (points,) = share_space(Rows.of(x))
    distances = squared(x, x) / float(points.scale) ** 2
    np.fill_diagonal(distances, np.inf)
    for k in (1, 3):
        found = neighbours(points, points, k).squared
        np.testing.assert_allclose(found, np.sort(distances)[:, k - 1], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_float32_is_within_its_bound(kind):
    x, y = clouds(kind)
    first, second = share_space(Rows.of(x), Rows.of(y))
    ((_, _, found),) = tiles(first, second)
    error = np.abs(found - squared(x, y) / float(first.scale) ** 2)
    assert (error <= first.error(first.norms[:, None], second.norms)).all()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_pairs_within_a_radius_are_those_of_float64(kind, strict, chunk):
    # Each radius is the very distance of some pair.
    x, y = clouds(kind)
    first, second = share_space(Rows.of(x), Rows.of(y))
    radii = neighbours(first, second, 7).squared
    reach = radii + first.error(first.norms, second.norms.max()) * 2
    found = np.zeros((len(x), len(y)), bool)
    for rows, columns, tile in tiles(first, second):
        pairs = pairs_within(tile, rows, columns, reach[rows, None].astype(np.float32) * 1.001)
        inside = are_inside(first, second, pairs, radii[pairs.i], strict)
        found[pairs.i[inside], pairs.j[inside]] = True
    difference = x[:, None].astype(np.float64) - y[None]
    distances = np.einsum("abd,abd->ab", difference, difference) / float(first.scale) ** 2
    close = np.abs(distances - radii[:, None]) <= 1e-13 * distances
    expected = distances < radii[:, None] if strict else distances <= radii[:, None]
    np.testing.assert_array_equal(found[~close], expected[~close])
    assert (found[close] == (not strict)).all()


def test_the_nearest_known_are_in_ascending_order():
    x, y = clouds("usual")
    first, second = share_space(Rows.of(x), Rows.of(y))
    found = neighbours(first, second, 2)
    expected = np.sort(squared(x, y) / float(first.scale) ** 2)[:, : found.near.shape[1]]
    np.testing.assert_allclose(found.near, expected, rtol=1e-5)
