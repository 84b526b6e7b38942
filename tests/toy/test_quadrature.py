import math

import numpy as np
import pytest

from compare_gan_tf.data import toy
from compare_gan_tf.objectives import f_divergences
from compare_gan_tf.toy import quadrature

SQUARE = quadrature.square()
STANDARD = quadrature.gaussian_log_density(SQUARE, np.zeros(2), np.eye(2))


def test_divergences_of_two_gaussians_equal_the_golden(golden):
    """Of N(0, I) and N((1, -1/2), [[1.5, .3], [.3, .8]])."""
    other = quadrature.gaussian_log_density(
        SQUARE, np.array([1.0, -0.5]), np.array([[1.5, 0.3], [0.3, 0.8]])
    )
    for name, expected in golden("seeds")["gaussians_in_the_plane"].items():
        value = getattr(f_divergences, name)()
        assert quadrature.divergence(value, STANDARD, other) == pytest.approx(expected, abs=2e-6)


def test_the_best_gaussian_for_two_modes_equals_the_golden(golden):
    """Maximum likelihood takes the moments, N(0, diag(4.25, .25)); the reverse KL takes a mode."""
    case, log_p = golden("seeds")["mixture"], toy.gaussian_mixture().log_prob(SQUARE)
    wide = quadrature.gaussian_log_density(SQUARE, np.zeros(2), np.diag([4.25, 0.25]))
    found = quadrature.divergence(f_divergences.kl(), log_p, wide)
    assert found == pytest.approx(case["kl_of_the_moments"], abs=1e-4)
    assert found == pytest.approx(0.5 * math.log(17) - math.log(2), abs=2e-4)
    found = quadrature.divergence(f_divergences.reverse_kl(), log_p, wide)
    assert found == pytest.approx(case["reverse_kl_of_the_moments"], abs=1e-4)
    one = quadrature.gaussian_log_density(
        SQUARE, np.array([1.9998, 0.0]), np.diag([0.5004**2, 0.25])
    )
    found = quadrature.divergence(f_divergences.reverse_kl(), log_p, one)
    assert found == pytest.approx(case["reverse_kl_of_one_mode"], abs=1e-4)
    between = quadrature.gaussian_log_density(SQUARE, np.zeros(2), np.diag([1.736**2, 0.25]))
    found = quadrature.divergence(f_divergences.reverse_kl(), log_p, between)
    assert found == pytest.approx(case["reverse_kl_of_the_local_minimum"], abs=1e-3)


def test_log_density_against_scipy():
    from scipy import stats

    covariance = np.array([[2.0, -0.4], [-0.4, 0.7]])
    points = np.random.default_rng(0).normal(size=[20, 2])
    expected = stats.multivariate_normal([0.3, -1.0], covariance).logpdf(points)
    found = quadrature.gaussian_log_density(points, np.array([0.3, -1.0]), covariance)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
