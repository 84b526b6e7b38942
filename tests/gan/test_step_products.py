"""Multiply-adds of a training step against numbers worked out by hand."""

import functools

import keras
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, Normal
from compare_gan_tf.architectures import mlp
from compare_gan_tf.gan import step_products
from compare_gan_tf.objectives import Adversarial, GradientPenalty

BATCH, SIDE, DIM, UNITS = 6, 4, 3, 5
OF_G = [DIM * UNITS, UNITS * SIDE * SIDE]  # multiply-adds of each layer
OF_D = [SIDE * SIDE * UNITS, UNITS]


def make(**settings):
    return GAN(
        (SIDE, SIDE, 1),
        generator=functools.partial(mlp.generator, units=UNITS, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=UNITS, depth=1),
        latents=Normal(DIM),
        **{"objectives": [Adversarial()], **settings},
    )


def traced(gan):
    batch = tf.TensorSpec([BATCH, gan.slices, *gan.sample_shape], tf.uint8)
    with step_products.counted(gan) as found:
        tf.function(lambda data: gan.train_step((data,)), autograph=False).get_concrete_function(
            batch
        )
    assert "train_step" not in vars(gan)
    return dict(found)


def of_update_of_d():
    # G and D forward, D for its weights, and D for the inputs of all layers but the first.
    return BATCH * (sum(OF_G) + 2 * (2 * sum(OF_D) + OF_D[1]))


def of_update_of_g():
    # Both forward, D for its inputs, G for its weights and the inputs of all layers but the first.
    return BATCH * (2 * sum(OF_G) + 2 * sum(OF_D) + OF_G[1])


@pytest.mark.parametrize("d_steps", [1, 3])
def test_a_step_has_the_passes_of_its_updates(d_steps):
    expected = d_steps * of_update_of_d() + of_update_of_g()
    assert traced(make(d_steps=d_steps)) == {"float32": expected}


def test_a_penalty_that_is_due_now_and_then_counts_as_when_it_is_due():
    def counts(every):
        penalty = GradientPenalty(weight=1.0, every=every)
        return traced(make(objectives=[Adversarial(), penalty]))["float32"]

    plain = traced(make())["float32"]
    assert counts(1) > plain
    # A lazy term has a pass of its own for its points, which the reals cannot share.
    assert counts(4) == counts(4 * 4) > plain


def gradients_of(layer, shape):
    """The products of a layer, of its kernel's gradient and of its inputs' gradient."""

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.square(layer(x)))
        return tape.gradient(y, [x, layer.trainable_variables[0].value])

    layer.build((2, *shape))
    function = tf.function(run, autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec((2, *shape))).graph
    return step_products.products(graph)["float32"]


@pytest.mark.parametrize(
    ("layer", "shape", "products"),
    [
        (keras.layers.Conv2D(8, 3, padding="same"), (6, 5, 4), 30 * 9 * 4 * 8),
        (keras.layers.Conv2D(8, 4, 2, padding="same"), (7, 6, 3), 12 * 16 * 3 * 8),
        (keras.layers.Conv2DTranspose(8, 4, 2, padding="same"), (3, 5, 6), 15 * 16 * 6 * 8),
        (keras.layers.DepthwiseConv2D(3, depth_multiplier=2), (5, 5, 4), 9 * 9 * 8),
        (keras.layers.Conv3D(8, 2), (3, 4, 5, 2), 24 * 8 * 2 * 8),
        (keras.layers.Dense(7), (5,), 5 * 7),
    ],
)
def test_both_gradients_of_a_layer_have_its_products(layer, shape, products):
    assert gradients_of(layer, shape) == 3 * 2 * products  # of two samples


def test_of_a_condition_the_larger_branch_counts():
    def run(x):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: x @ x @ x, lambda: x @ x)

    graph = tf.function(run).get_concrete_function(tf.TensorSpec([4, 4], tf.float16)).graph
    assert step_products.products(graph) == {"float16": 2 * 4**3}
