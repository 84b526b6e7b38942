import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from compare_gan_tf import GAN, latents, optimizers
from compare_gan_tf.architectures import gaussian, mlp
from compare_gan_tf.data import toy
from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import Adversarial, f_gan, likelihood

CRITIC = functools.partial(likelihood.Critic, f_gan.f_gan)


def make_gan(objectives, generator=gaussian.generator, **settings):
    return GAN(
        (2,),
        generator=functools.partial(generator, **settings),
        discriminator=functools.partial(mlp.discriminator, units=8, depth=1),
        objectives=objectives,
        latents=latents.Normal(2),
        g_optimizer=optimizers.adam(learning_rate=0.05, beta_1=0.5),
        d_optimizer=optimizers.adam(learning_rate=1e-3),
    )


def test_the_density_of_the_gaussian_against_scipy():
    layer = gaussian.Gaussian(mean=0.5, deviation=0.7)
    layer.build((None, 2))
    np.testing.assert_allclose(layer.covariance(), 0.49 * np.eye(2), rtol=1e-6)
    layer.mean.assign([0.5, -1.0])
    layer.factor.assign([[1.2, 9.0], [-0.4, 0.6]])  # what is above the diagonal does not count
    lower = np.array([[1.2, 0.0], [-0.4, 0.6]])
    np.testing.assert_allclose(layer.covariance(), lower @ lower.T, rtol=1e-6)
    points = np.random.default_rng(0).normal(size=[10, 2]).astype("float32")
    expected = stats.multivariate_normal([0.5, -1.0], lower @ lower.T).logpdf(points)
    np.testing.assert_allclose(layer.log_prob(tf.constant(points)), expected, rtol=1e-5, atol=1e-5)
    z = np.random.default_rng(1).normal(size=[5, 2]).astype("float32")
    expected = z @ lower.T + [0.5, -1.0]
    np.testing.assert_allclose(layer(tf.constant(z)), expected, rtol=1e-5, atol=1e-6)


def test_the_mixture_s_density_is_that_of_the_data():
    points = np.random.default_rng(0).normal(size=[30, 2]).astype("float32") * 2.0
    found = likelihood.MixtureDensity()(tf.constant(points))
    np.testing.assert_allclose(found, toy.gaussian_mixture().log_prob(points), rtol=2e-5)


def fitted(objectives, steps, **settings):
    keras.utils.set_random_seed(0)
    gan = make_gan(objectives, **settings)
    points, _ = toy.gaussian_mixture().sample(steps * 256 * gan.slices, np.random.default_rng(0))
    step = tf.function(gan.train_step, autograph=False)
    for batch in points.reshape(steps, 256, gan.slices, 2):
        step((tf.constant(batch), None))
    layer = gan.generator.get_layer("gaussian")
    return layer.mean.numpy(), layer.covariance().numpy()


def test_maximum_likelihood_spreads_over_both_modes():
    mean, covariance = fitted([likelihood.MaximumLikelihood(), CRITIC()], 400)
    np.testing.assert_allclose(mean, [0.0, 0.0], atol=0.35)
    np.testing.assert_allclose(np.diag(covariance), [4.25, 0.25], rtol=0.15)


def test_reverse_kl_seeks_one_mode():
    objective = likelihood.ReverseKL(likelihood.MixtureDensity())
    mean, covariance = fitted([objective, CRITIC()], 400, mean=0.5, deviation=0.5)
    np.testing.assert_allclose(mean, [2.0, 0.0], atol=0.1)
    np.testing.assert_allclose(np.diag(covariance), [0.25, 0.25], rtol=0.2)


def test_a_critic_moves_no_generator():
    gan = make_gan([Adversarial(weight=0.0), CRITIC(weight=1.0)])
    before = [v.numpy() for v in gan.generator.variables]
    batch = tf.constant(np.random.default_rng(0).normal(size=[8, 2, 2]).astype("float32"))
    logs = gan.train_step((batch[:, : gan.slices], None))
    for variable, value in zip(gan.generator.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert "discriminator/critic/real" in logs


def test_wrong_settings_are_refused():
    with pytest.raises(UserError, match="needs a generator whose density is known"):
        make_gan([likelihood.MaximumLikelihood(), CRITIC()], generator=mlp.generator)
    with pytest.raises(UserError, match="gaussian.generator.deviation is 0"):
        gaussian.generator((2,), 2, deviation=0.0)
    with pytest.raises(UserError, match="gaussian.generator makes points without labels"):
        gaussian.generator((2,), 3)
    with pytest.raises(UserError, match="MixtureDensity.scale is 0"):
        likelihood.MixtureDensity(scale=0.0)


@pytest.mark.parametrize("modes", [((0.0,),), [], np.zeros((2, 2, 2)), ((0.0, np.inf),), 3, "ab"])
def test_modes_are_points_in_the_plane(modes):
    with pytest.raises(UserError, match="MixtureDensity.modes is .*: it must be a list of points"):
        likelihood.MixtureDensity(modes=modes)


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (3, "is 3: it must be"),
        (likelihood.MixtureDensity, r"is @MixtureDensity: it must be @MixtureDensity\(\), with"),
        (lambda points: points, r"it gives the shape \(2, 2\) where \(2,\) is meant"),
    ],
)
def test_a_density_gives_a_number_a_point(density, message):
    with pytest.raises(UserError, match=f"ReverseKL.density .*{message}"):
        make_gan([likelihood.ReverseKL(density), CRITIC()])
