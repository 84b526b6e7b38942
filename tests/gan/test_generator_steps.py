"""k updates of D and g of G make a training step (Goodfellow et al., 2014, algorithm 1)."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import Adversarial, Relativistic
from compare_gan_tf.optimizers.schedules import linear_decay


class NotedNormal(latents.Normal):
    """Notes the z that it gives."""

    def __init__(self):
        super().__init__(2)
        self.drawn = []

    def sample(self, num, seed, truncation=0.0):
        self.drawn.append(super().sample(num, seed, truncation))
        return self.drawn[-1]


def make(objective=Adversarial, **settings):
    tf.keras.utils.set_random_seed(0)
    settings = {
        "g_optimizer": optimizers.sgd(learning_rate=0.1),
        "d_optimizer": optimizers.sgd(learning_rate=0.1),
        "latents": NotedNormal(),
        **settings,
    }
    players = {
        player: functools.partial(getattr(mlp, player), units=4, depth=1)
        for player in ("generator", "discriminator")
    }
    return GAN((2,), objectives=[objective()], **players, **settings)


def batch(gan):
    points = np.random.default_rng(0).normal(size=[8, gan.slices, 2])
    return tf.constant(points, tf.float32), None


@pytest.mark.parametrize(("d_steps", "g_steps"), [(1, 1), (3, 1), (1, 5), (2, 3)])
def test_each_player_makes_its_updates_on_fresh_noise(d_steps, g_steps):
    gan = make(d_steps=d_steps, g_steps=g_steps)
    gan.latents.drawn.clear()
    for _ in range(2):
        gan.train_step(batch(gan))
    assert int(gan.d_optimizer.iterations) == 2 * d_steps
    assert int(gan.g_optimizer.iterations) == 2 * g_steps
    assert gan.current_step == 2
    drawn = {z.numpy().tobytes() for z in gan.latents.drawn}
    assert len(drawn) == len(gan.latents.drawn) == 2 * (d_steps + g_steps)


def test_updates_of_g_follow_one_another():
    """With D at rest and the same z throughout, four in one training step are those of four."""
    ends = []
    for g_steps, steps in ((4, 1), (1, 4)):
        gan = make(g_steps=g_steps, d_optimizer=optimizers.sgd(learning_rate=0.0))
        z = tf.constant(np.random.default_rng(1).normal(size=[8, 2]), tf.float32)
        gan.latents.sample = lambda num, seed, truncation=0.0, z=z: z
        for _ in range(steps):
            gan.train_step(batch(gan))
        ends.append([variable.numpy() for variable in gan.generator.trainable_variables])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("reuse", "slices"), [(False, 5), (True, 2)])
def test_reals_for_every_update_of_g_that_needs_them(reuse, slices):
    gan = make(Relativistic, d_steps=2, g_steps=3, reuse_last_batch=reuse)
    assert gan.slices == slices
    gan.latents.drawn.clear()
    gan.train_step(batch(gan))
    drawn = [z.numpy().tobytes() for z in gan.latents.drawn]
    assert len(drawn) == len(set(drawn)) == (4 if reuse else 5)  # one pass of G for two updates


def test_schedules_of_g_count_training_steps():
    rate = linear_decay(start=1.0, steps=4)
    gan = make(g_steps=3, g_optimizer=optimizers.sgd(learning_rate=rate))
    for _ in range(2):
        gan.train_step(batch(gan))
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(0.5)


@pytest.mark.parametrize("g_steps", [0, 1.5, 1024])
def test_other_numbers_are_refused(g_steps):
    with pytest.raises(UserError, match=rf"GAN.g_steps is {g_steps}: it must be a whole number"):
        make(g_steps=g_steps)
