"""For a linear G, z W, the length is |W y|, and its penalty is known in NumPy's float64."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import update
from compare_gan_tf.objectives import PathLength, Samples
from compare_gan_tf.objectives.base import GENERATOR, Game
from compare_gan_tf.testing import small_gan

RNG = np.random.default_rng(0)
N, DIM, SHAPE = 8, 3, (4, 2, 2)
WEIGHTS = RNG.normal(size=[DIM, 16])
Z = tf.constant(RNG.normal(size=[N, DIM]), tf.float32)
SAMPLES = Samples(None, None, Z, None, None)


def noise(step=5):
    return random.Noise(0, step, 0)


def game(weights, step=5):
    def generate(z, labels):
        return tf.reshape(z @ weights, [-1, *SHAPE])

    return Game(noise(step), update.gather, tf.constant(step, tf.int64), generate=generate)


def objective(**settings):
    made = PathLength(**settings)
    made.build_for(None)
    return made


def lengths(number, weights=WEIGHTS, step=5):
    """In NumPy, by the draw of y that the objective has."""
    uniform = noise(step).uniform("path_length/y", [number, *SHAPE]).numpy().astype(float)
    y = scipy.special.ndtri(uniform).reshape(number, -1) / np.sqrt(4 * 2)
    return np.linalg.norm(y @ weights.T, axis=1)


@pytest.mark.parametrize("one_in", [1, 2])
def test_the_penalty_of_a_linear_generator(one_in):
    made = objective(one_in=one_in, decay=0.9)
    made.average.assign(0.5)
    term, average = made.generator(game(tf.constant(WEIGHTS, tf.float32)), SAMPLES, {})
    expected = lengths(N // one_in)
    a = 0.9 * 0.5 + 0.1 * expected.mean()
    np.testing.assert_allclose(term.values, (expected - a) ** 2, rtol=1e-4)
    np.testing.assert_allclose(made.average, a, rtol=1e-5)
    np.testing.assert_allclose(average.values, a, rtol=1e-5)
    assert update.factor_of(made, average, 0) == 0.0


def test_its_gradient_is_that_with_the_average_held_fixed():
    weights, made = tf.constant(WEIGHTS, tf.float32), objective(one_in=1, decay=0.9)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        term, _ = made.generator(game(weights), SAMPLES, {})
        value = tf.reduce_mean(term.values)
    a, step = 0.1 * lengths(N).mean(), 1e-6
    expected = np.zeros_like(WEIGHTS)
    for place in np.ndindex(*WEIGHTS.shape):
        moved = np.zeros_like(WEIGHTS)
        moved[place] = step
        up, down = (np.mean((lengths(N, WEIGHTS + s * moved) - a) ** 2) for s in (1, -1))
        expected[place] = (up - down) / (2 * step)
    np.testing.assert_allclose(tape.gradient(value, weights), expected, rtol=1e-3, atol=1e-5)


def test_the_average_moves_in_due_steps_only():
    made = objective(one_in=1, decay=0.0, every=4)
    made.generator(game(tf.constant(WEIGHTS, tf.float32), step=4), SAMPLES, {})
    assert float(made.average) == 0.0
    made.generator(game(tf.constant(WEIGHTS, tf.float32), step=3), SAMPLES, {})
    np.testing.assert_allclose(made.average, lengths(N, step=3).mean(), rtol=1e-5)


class Twice(keras.layers.Layer):
    """w -> [w, 2 w], as styles of two layers."""

    def call(self, w):
        return [tf.identity(w), 2.0 * w]


@pytest.mark.parametrize("layer", ["mapping", "styles"])
def test_a_layer_of_the_generator_may_be_w(layer):
    """Images are (w A + 2 w B): by w the Jacobian is A + 2 B, by the styles it is A and B."""
    z = keras.Input((DIM,), name="z")
    w = keras.layers.Dense(5, "tanh", name="mapping")(z)
    first, second = Twice(name="styles")(w)
    parts = keras.layers.Dense(16, name="a"), keras.layers.Dense(16, name="b")
    images = keras.layers.Add()([parts[0](first), parts[1](second)])
    generator = keras.Model({"z": z}, keras.layers.Reshape(SHAPE)(images))
    made = objective(one_in=1, layer=None)
    made.layer = layer
    ours = game(None)._replace(generator=generator)
    term, _ = made.generator(ours, SAMPLES, {})
    a, b = (part.kernel.numpy().astype(float) for part in parts)
    by_styles = np.sqrt((lengths(N, a) ** 2 + lengths(N, b) ** 2) / 2)
    expected = lengths(N, a + 2 * b) if layer == "mapping" else by_styles
    average = 0.01 * expected.mean()
    np.testing.assert_allclose(term.values, (expected - average) ** 2, rtol=1e-3)


def test_it_moves_g_and_the_average_is_a_state_of_the_run():
    keras.utils.set_random_seed(0)
    made = PathLength(weight=10.0)
    gan = small_gan([made])
    assert [variable.name for variable in made.non_trainable_variables] == ["average"]
    before = [variable.numpy() for variable in gan.generator.trainable_variables]
    images = tf.zeros([N, 4, 4, 1])
    start = tf.constant(0, tf.int64)
    update.update(gan, GENERATOR, images, tf.zeros([N], tf.int32), step=start, substep=0)
    pairs = zip(before, gan.generator.trainable_variables, strict=True)
    assert any(not np.array_equal(a, b.numpy()) for a, b in pairs)
    assert float(made.average) > 0.0


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="one_in is 3: it must divide"):
        objective(one_in=3).generator(game(tf.constant(WEIGHTS, tf.float32)), SAMPLES, {})
    with pytest.raises(UserError, match="layer is 'styles': GAN.generator has the layers"):
        small_gan([PathLength(layer="styles")])
