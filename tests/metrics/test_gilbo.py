import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.gilbo import Gilbo, NormalLatents, UniformLatents, gilbo_encoder


def normal(number, seed):
    return np.random.default_rng(seed).standard_normal((number, 2)).astype(np.float32)


def uniform(number, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (number, 2)).astype(np.float32)


def image_of(x):
    """Grey images [n, 4, 4, 1] of levels [n]."""
    return tf.tile(tf.reshape(x, [-1, 1, 1, 1]), [1, 4, 4, 1])


def sign(z, labels):
    return image_of(tf.sign(z[:, 0]))


def small(image_shape, latent_dim, seed):
    """An encoder that learns in a few steps what two levels tell."""
    images = keras.Input(image_shape)
    initial = keras.initializers.GlorotUniform(seed)
    x = keras.layers.Dense(2 * latent_dim, kernel_initializer=initial)(
        keras.layers.Flatten()(images)
    )
    return keras.Model(images, keras.layers.Reshape((latent_dim, 2))(x))


def score(generate, latents=normal, labels=None, **settings):
    fake = Collected(generate=generate, latents=latents, labels=labels)
    defaults = {"encoder": small, "steps": 200, "samples": 2000, "learning_rate": 0.03}
    settings = {"batch_size": 64, **defaults, **settings}
    return Gilbo(**settings)(Collected(), fake)["gilbo"]


def test_of_the_sign_of_a_latent_is_what_a_gaussian_can_say_of_half_a_normal():
    # Var(z | sign z) = 1 - 2 / pi; a bit of information would be log 2 = 0.693 nats.
    found = score(sign)
    low, high = found.interval
    assert low < -0.5 * np.log(1 - 2 / np.pi) < high


def test_of_an_image_without_latent_is_0():
    found = score(lambda z, labels: image_of(0.0 * z[:, 0]))
    assert found.value == pytest.approx(0.0, abs=0.03)


def test_the_encoder_of_the_paper_learns_it_too():
    settings = {"encoder": gilbo_encoder, "learning_rate": 4e-4, "steps": 60, "samples": 1000}
    assert score(sign, **settings).value == pytest.approx(0.506, abs=0.06)


def test_of_two_latents_is_more_than_that_of_one():
    def signs(z, labels):
        rows = image_of(tf.sign(z[:, 0]))[:, :2], image_of(tf.sign(z[:, 1]))[:, 2:]
        return tf.concat(rows, 1)

    assert score(signs).value == pytest.approx(-np.log(1 - 2 / np.pi), abs=0.06)


def test_uniform_latents_in_two_halves():
    # z | sign z is uniform on a half: the best Beta on [0, 1] says less than log 2 = 0.693 of it.
    best = -np.inf
    for a in np.linspace(1, 6, 60):
        points = np.linspace(0.5, 1, 2001)[1:-1]
        best = max(best, scipy.stats.beta(a, 1.0).logpdf(points).mean())
    found = score(sign, uniform, prior=UniformLatents())
    assert found.value == pytest.approx(best, abs=0.06)
    assert found.value < np.log(2)


def test_densities_are_those_of_scipy():
    z = np.array([[0.3, -0.9]], np.float32)
    parameters = np.array([[[0.5, -1.0], [7.0, 5.0]]], np.float32)
    found = NormalLatents().log_encoder(z, parameters)[0]
    expected = scipy.stats.norm([0.5, 7.0], np.exp([-1.0, 5.0])).logpdf(z[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(NormalLatents().log_prior(z)[0], scipy.stats.norm.logpdf(z[0]), 1e-6)
    a, b = (1 + np.log1p(np.exp(parameters[0, :, i] - 5.0)) for i in (0, 1))
    expected = scipy.stats.beta(a, b, loc=-2, scale=4).logpdf(z[0])
    np.testing.assert_allclose(UniformLatents(2.0).log_encoder(z, parameters)[0], expected, 1e-4)
    np.testing.assert_allclose(UniformLatents(2.0).log_prior(z)[0], -np.log(4.0))


def test_uniform_latents_at_their_limits_have_the_density_a_millionth_inside():
    parameters = np.full((1, 2, 2), 6.0, np.float32)
    found = UniformLatents().log_encoder(np.array([[-1.0, 1.0]], np.float32), parameters)[0]
    a = 1 + np.log1p(np.exp(1.0))
    expected = scipy.stats.beta(a, a).logpdf(1e-6) - np.log(2.0)
    np.testing.assert_allclose(found, expected, atol=0.1)  # float32 knows 1 - 1e-6 to 6 %


def test_the_encoder_takes_small_images_and_its_seed():
    encoders = [gilbo_encoder((4, 4, 1), 3, seed) for seed in (0, 0, 1)]
    images = tf.ones([2, 4, 4, 1])
    first, same, other = (encoder(images).numpy() for encoder in encoders)
    assert first.shape == (2, 3, 2)
    assert (first == same).all() and (first != other).any()


def test_it_is_the_same_for_a_seed_and_labels_are_those_of_the_fakes():
    seen = set()

    def labelled(z, labels):
        seen.update(np.asarray(labels).tolist())
        return sign(z, labels)

    settings = {"steps": 3, "samples": 100, "labels": Rows.of(np.array([4, 6], np.int32))}
    assert score(labelled, **settings) == score(labelled, **settings)
    assert seen == {4, 6}


def test_what_has_no_score():
    with pytest.raises(UndefinedScore, match="diverged"):
        score(lambda z, labels: image_of(z[:, 0] * np.nan), steps=2)
    with pytest.raises(UserError, match="Gilbo.steps is 0"):
        Gilbo(steps=0)
    with pytest.raises(UserError, match="learning_rate is 0"):
        Gilbo(learning_rate=0)
    with pytest.raises(UserError, match="UniformLatents.limit is inf"):
        UniformLatents(np.inf)
    with pytest.raises(UserError, match="Gilbo.prior is @NormalLatents: .* with parentheses"):
        Gilbo(prior=NormalLatents)
    with pytest.raises(UserError, match="Gilbo.encoder is @flat: .* gives the shape .2, 3. where"):
        score(sign, encoder=flat)


def flat(image_shape, latent_dim, seed):
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(images)))
