"""Augmentations in a GAN: lazy penalties behind them, and what they tell the logs."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN
from compare_gan_tf.architectures import mlp
from compare_gan_tf.augment import ADA, APA, Adaptive, Chain, Constant, DiffAugment
from compare_gan_tf.augment.geometry import integer_translation
from compare_gan_tf.augment.pixels import pick
from compare_gan_tf.augment.transforms import translation
from compare_gan_tf.objectives import Adversarial, GradientPenalty, gradient_penalty
from compare_gan_tf.optimizers import sgd

BATCH = 4


def make(augment, *, every=2):
    settings = {"units": 4, "depth": 1}
    lazy = GradientPenalty(gradient_penalty.at_real, target=0.0, every=every)
    return GAN(
        (8, 8, 1),
        generator=functools.partial(mlp.generator, **settings),
        discriminator=functools.partial(mlp.discriminator, **settings),
        objectives=[Adversarial(), lazy],
        augment=augment,
        g_optimizer=sgd(),
        d_optimizer=sgd(),
    )


def batch(gan):
    rng = np.random.default_rng(0)
    return (rng.integers(0, 256, [BATCH, gan.slices, 8, 8, 1]).astype(np.uint8),)


AUGMENTATIONS = {
    "diffaugment": lambda: DiffAugment(transforms=(translation,)),
    "ada": lambda: ADA([integer_translation], colours=[], controller=Constant(0.8)),
}


@pytest.mark.parametrize("name", [
    "ada", pytest.param("diffaugment", marks=pytest.mark.slow)
])  # fmt: skip
def test_xla_compiles_a_lazy_penalty_behind_pixels_that_move(name):
    """As `fit` does: the compiled step is within a function that is not."""
    gan = make(AUGMENTATIONS[name]())
    step = tf.function(gan.train_step, jit_compile=True, autograph=False)
    whole = tf.function(lambda data: step(data))
    data = batch(gan)
    found = [float(whole(data)["discriminator/gradient_penalty"]) for _ in range(2)]
    assert found[0] == 0.0 < found[1]


def test_picked_pixels_have_the_gradients_of_a_gather_of_any_order():
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=[3, 2, 4, 2]).astype(np.float32))
    place = rng.integers(0, 8, [3, 2, 4]).astype(np.int32)
    matrix = np.eye(8, dtype=np.float32)[place.reshape(3, 8)]  # [n, to, from]

    def by_matrix(at):
        return tf.reshape(tf.matmul(matrix, tf.reshape(at, [3, 8, 2])), at.shape)

    def orders(function):
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as inner:
                inner.watch(images)
                moved = function(images)
                value = tf.reduce_sum(moved**3)
            slope = inner.gradient(value, images)
            penalty = tf.reduce_sum(slope**2)
        return moved, slope, outer.gradient(penalty, images)

    for ours, expected in zip(orders(lambda at: pick(at, place)), orders(by_matrix), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_p_is_in_the_logs_as_it_is_after_the_step():
    chain = Chain([APA(Adaptive(speed=8.0, interval=1, p=0.5)), ADA(controller=Constant(0.25))])
    for augment, names in ((ADA(), ["augment/p"]), (chain, ["augment/0/p", "augment/1/p"])):
        gan = make(augment, every=1)
        logs = gan.train_step(batch(gan))
        assert [name for name in logs if name.startswith("augment/")] == names
    assert float(logs["augment/0/p"]) == float(chain.augmentations[0].controller.p) != 0.5
    assert float(logs["augment/1/p"]) == 0.25
