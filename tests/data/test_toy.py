import math

import gin
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from compare_gan_tf import data
from compare_gan_tf.data import toy
from compare_gan_tf.errors import UserError

NAMES = ["gaussian", "gaussian_ring", "gaussian_grid", "gaussian_mixture", "swiss_roll"]


@pytest.mark.parametrize("name", NAMES)
def test_sets_are_points_with_their_density(name):
    dataset = data.load(name)
    train = dataset.splits["train"]
    assert train.images.shape == (20_000, 2) and train.images.dtype == np.float32
    assert dataset.sample_shape == (2,) and not dataset.is_images
    again = data.load(name).splits["train"]
    np.testing.assert_array_equal(again.images, train.images)
    assert not np.array_equal(train.images[:10], dataset.splits["test"].images[:10])


@pytest.mark.parametrize(
    ("density", "modes", "extent"),
    [
        (toy.gaussian_ring(), 8, 2.0),
        (toy.gaussian_grid(), 25, 2.0),
        (toy.gaussian_mixture(), 2, 2.0),
    ],
)
def test_mixtures_have_their_modes(density, modes, extent):
    assert density.num_modes == modes == len(np.unique(density.modes.round(9), axis=0))
    assert np.abs(density.modes).max() == pytest.approx(extent)


@pytest.mark.parametrize("density", [toy.gaussian_grid(), toy.gaussian_mixture()])
def test_mixture_density_equals_scipys(density):
    points = np.random.default_rng(0).normal(size=(50, 2))
    expected = np.log(
        np.mean(
            [
                scipy.stats.multivariate_normal(mode, density.scale**2).pdf(points)
                for mode in density.modes
            ],
            axis=0,
        )
    )
    np.testing.assert_allclose(density.log_prob(points), expected, rtol=1e-9)


def test_swiss_roll_density_integrates_to_one_and_matches_quadrature():
    density = toy.swiss_roll()
    axis = np.linspace(-2.4, 2.4, 121)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(density.log_prob(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1.0, abs=1e-4)
    point = np.array([0.9, -0.6])

    def noise(t):
        curve = density.shrink * t * np.array([np.cos(t), np.sin(t)])
        return scipy.stats.multivariate_normal(curve, density.scale**2).pdf(point)

    values, _ = scipy.integrate.quad(noise, density.start, density.stop, limit=2000, points=[7.0])
    expected = values / (density.stop - density.start)
    assert np.exp(density.log_prob(point[None]))[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "extent", "side"),
    [
        ("gaussian_ring", 2.2, 881),
        ("gaussian_grid", 2.4, 481),
        ("gaussian_mixture", 5.0, 201),
        ("swiss_roll", 2.3, 121),
    ],
)
def test_samples_follow_the_density(name, extent, side):
    """The mean log density of samples is minus the entropy, by quadrature over a grid."""
    dataset = data.load(name)
    axis = np.linspace(-extent, extent, side)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_prob = dataset.density.log_prob(grid)
    weights = np.exp(log_prob) * (axis[1] - axis[0]) ** 2
    assert weights.sum() == pytest.approx(1.0, abs=1e-3)
    entropy = -np.sum(np.where(weights > 0, weights * log_prob, 0.0))
    found = -np.mean(dataset.density.log_prob(dataset.splits["test"].images))
    assert found == pytest.approx(entropy, abs=0.04)


def test_a_config_may_bind_a_mixture(no_bindings):
    gin.parse_config(["gaussian_ring.num_modes = 5", "gaussian_ring.radius = 3.0"])
    density = data.load("gaussian_ring").density
    assert density.num_modes == 5
    np.testing.assert_allclose(np.linalg.norm(density.modes, axis=1), 3.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_modes": 0}, "gaussian_ring.num_modes is 0"),
        ({"num_modes": 2.5}, "gaussian_ring.num_modes is 2.5: it must be a whole number"),
        ({"scale": 0.0}, "gaussian_ring.scale is 0.0"),
        ({"scale": math.inf}, "gaussian_ring.scale is inf"),
    ],
)
def test_a_mixture_of_nothing_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        toy.gaussian_ring(**settings)
