"""For D(x) = <w, x> + |x|^2 / 2 the gradient that G gets is known in NumPy's float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import update
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import (
    Adversarial,
    GradientNormaliser,
    LogitCentring,
    Relativistic,
    Samples,
    Scored,
    TopK,
    losses,
    relativistic,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game
from compare_gan_tf.testing import small_gan

RNG = np.random.default_rng(0)
N, SHAPE = 6, (2, 2, 1)
ELEMENTS = 4
W = RNG.normal(size=SHAPE)
REAL, FAKE = RNG.normal(size=[2, N, *SHAPE])


def score(images):
    gradient = tf.constant(W, images.dtype) + images
    axes = [1, 2, 3]
    logits = tf.reduce_sum(tf.constant(W, images.dtype) * images + 0.5 * images**2, axes)
    return Scored(images, logits, logits[:, None], gradient)


def logits(images):
    return np.sum(W * images + 0.5 * images**2, (1, 2, 3))


def game(step=0):
    return Game(random.Noise(0, step, 0), update.gather, tf.constant(step, tf.int64))


def moved(objective, fakes, step=0):
    """(values, gradient of their mean by the fakes) of G's term."""
    real, fakes = (tf.constant(images, tf.float32) for images in (REAL, fakes))
    with tf.GradientTape() as tape:
        tape.watch(fakes)
        scored = {"real": score(real), "fake": score(fakes)}
        (term,) = objective.generator(game(step), Samples(real, None, None, None, fakes), scored)
        value = tf.reduce_mean(term.values)
    return term.values.numpy(), tape.gradient(value, fakes).numpy()


def objective(inner=None, **settings):
    made = GradientNormaliser(inner, **settings)
    made.build_for(small_gan([losses.hinge]))
    return made


def sigma(x):
    return 1 / (1 + np.exp(-x))


# {objective: (values of each fake, derivative by its logit)}, functions of (r, f)
INNER = {
    "paired": (
        lambda: Relativistic(weight=3.0),
        lambda r, f: (3 * np.log1p(np.exp(r - f)), -3 * sigma(r - f)),
    ),
    "hinge": (lambda: Adversarial(losses.hinge), lambda r, f: (-f, -np.ones(N))),
    "average": (
        lambda: Relativistic(relativistic.average, relativistic.squared),
        lambda r, f: (
            (f - r.mean() - 1) ** 2 + (f.mean() - r - 1) ** 2,
            2 * (f - r.mean() - 1) + np.mean(2 * (f.mean() - r - 1)),
        ),
    ),
}


@pytest.mark.parametrize("name", INNER)
def test_gs_gradient_is_divided_by_the_average_of_its_length(name):
    make, formula = INNER[name]
    made, square = objective(make(), decay=0.9, weight=2.0), 0.0
    for step, fakes in enumerate((FAKE, 0.5 * FAKE - 1.0)):
        values, found = moved(made, fakes, step)
        expected, slope = formula(logits(REAL), logits(fakes))
        gradient = slope[:, None, None, None] * (W + fakes)  # of the loss of each sample
        square = 0.9 * square + 0.1 * np.mean(np.sum(gradient**2, (1, 2, 3)))
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(made.square, square, rtol=1e-5)
        scaled = gradient / np.sqrt(ELEMENTS * square) / N
        np.testing.assert_allclose(found, scaled, rtol=1e-4, atol=1e-6)


def test_without_an_average_the_scale_of_d_does_not_matter():
    plain, large = (
        moved(objective(Adversarial(losses.wasserstein, weight=weight), decay=0.0), FAKE)[1]
        for weight in (1.0, 1000.0)
    )
    np.testing.assert_allclose(large, plain, rtol=1e-5)
    lengths = np.sum(np.square(N * plain), (1, 2, 3))
    np.testing.assert_allclose(np.mean(lengths), 1 / ELEMENTS, rtol=1e-5)


def test_d_pays_what_the_other_objective_asks_for():
    made, inner = objective(Relativistic(weight=3.0), weight=2.0), Relativistic()
    real, fakes = (tf.constant(images, tf.float32) for images in (REAL, FAKE))
    samples = Samples(real, None, None, None, fakes)
    scored = {"real": score(real), "fake": score(fakes)}
    (term,), (plain,) = (one.discriminator(game(), samples, scored) for one in (made, inner))
    np.testing.assert_array_equal(term.values, plain.values)
    assert update.factor_of(made, term, 0) == 3.0
    assert not made.views(DISCRIMINATOR, game(), samples)["fake"].needs_gradient
    assert made.views(GENERATOR, game(), samples)["fake"].needs_gradient
    assert made.generator_needs_real and not GradientNormaliser(Adversarial()).generator_needs_real


def test_centring_is_the_square_of_the_sum_of_a_pair():
    made = LogitCentring()
    real, fakes = (tf.constant(images, tf.float32) for images in (REAL, FAKE))
    samples = Samples(real, None, None, None, fakes)
    scored = {"real": score(real), "fake": score(fakes)}
    (term,) = made.discriminator(game(), samples, scored)
    np.testing.assert_allclose(term.values, (logits(REAL) + logits(FAKE)) ** 2, rtol=1e-5)
    assert made.weight == 0.01 and made.views(GENERATOR, game(), samples) == {}


def test_it_pulls_the_mean_of_the_logits_to_zero():
    """RpGAN's loss leaves the mean of the logits where it is; the penalty does not."""

    def mean(*more):
        keras.utils.set_random_seed(0)
        gan = small_gan([Relativistic(), *more], ema_decay=None)
        last = gan.discriminator.layers[-1]
        biases = [w for w in gan.discriminator.trainable_variables if w.shape == (1,)]
        biases[-1].assign([3.0])
        rng = np.random.default_rng(0)
        images = tf.constant(rng.uniform(-1, 1, [8, 4, 4, 1]), tf.float32)
        for step in range(20):
            now = {"step": tf.constant(step, tf.int64), "substep": 0}
            update.update(gan, DISCRIMINATOR, images, tf.zeros([8], tf.int32), **now)
        assert last is gan.discriminator.layers[-1]
        inputs = {"images": images, "labels": tf.zeros([8], tf.int32)}
        given = {name: inputs[name] for name in gan.discriminator.input}
        return float(np.mean(gan.discriminator(given, training=False)["logits"]))

    assert abs(mean(LogitCentring(weight=1.0))) < 0.5 * abs(mean())


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match=r"GradientNormaliser.objective is .*TopK"):
        GradientNormaliser(TopK())
    with pytest.raises(UserError, match="has batch statistics: take another norm"):
        small_gan([GradientNormaliser()], d_norm=batch_norm)
