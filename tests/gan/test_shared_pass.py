"""Under `reuse_last_batch` G's pass is computed once for D's last and G's first update."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but

from compare_gan_tf import GAN, latents, optimizers
from compare_gan_tf.architectures import maxout, mlp
from compare_gan_tf.augment import DiffAugment
from compare_gan_tf.layers import batch_norm, no_norm, spectral_norm
from compare_gan_tf.objectives import (
    Adversarial,
    GradientPenalty,
    LatentConsistency,
    Relativistic,
)

SHAPE = (4, 4, 1)
CASES = {
    "plain": {},
    "five updates of D": {"d_steps": 5},
    "two updates of each": {"d_steps": 2, "g_steps": 2},
    "with reals in G's update": {"objectives": [Relativistic], "d_steps": 2},
    "with a penalty": {"objectives": [Adversarial, GradientPenalty]},
    "batch norm in both": {"g_norm": batch_norm, "d_norm": batch_norm, "d_steps": 2},
    "labels": {"conditional": True, "num_classes": 3, "g_norm": batch_norm},
    "augmentation": {"augment": DiffAugment},
    "an objective that generates": {"objectives": [Adversarial, LatentConsistency], "d_steps": 2},
    "moving average": {"ema_decay": 0.9, "g_norm": batch_norm},
}


def dropout_generator(sample_shape, latent_dim, num_classes=None):
    z = keras.Input((latent_dim,), name="z")
    x = maxout.Dropout(0.5, seed=3)(keras.layers.Dense(8, activation="relu")(z))
    x = keras.layers.Dense(16, activation="tanh")(x)
    return keras.Model({"z": z}, keras.layers.Reshape(SHAPE)(x))


class NotedNormal(latents.Normal):
    """Counts the draws of z."""

    draws = 0

    def sample(self, num, seed, truncation=0.0):
        self.draws += 1
        return super().sample(num, seed, truncation)


def make(objectives=(Adversarial,), g_norm=no_norm, d_norm=no_norm, **settings):
    keras.utils.set_random_seed(0)
    players = {
        "generator": functools.partial(mlp.generator, units=6, depth=1, norm=g_norm),
        "discriminator": functools.partial(mlp.discriminator, units=6, depth=1, norm=d_norm),
    }
    if "augment" in settings:
        settings["augment"] = settings["augment"]()
    return GAN(
        SHAPE,
        objectives=[kind() for kind in objectives],
        latents=NotedNormal(3),
        g_optimizer=optimizers.sgd(learning_rate=0.1),
        d_optimizer=optimizers.sgd(learning_rate=0.1),
        reuse_last_batch=True,
        **players,
        **settings,
    )


def trained(gan, steps=3, graph=True):
    step = tf.function(gan.train_step, autograph=False) if graph else gan.train_step
    rng = np.random.default_rng(1)
    for _ in range(steps):
        images = rng.integers(0, 256, (8, gan.slices, *SHAPE), np.uint8)
        labels = rng.integers(0, 3, (8, gan.slices), np.int32) if gan.num_classes else None
        logs = step((tf.constant(images), None if labels is None else tf.constant(labels)))
    averages = gan.ema.variables if gan.uses_ema else []
    variables = [*gan.generator.variables, *gan.discriminator.variables, *averages]
    return logs, [variable.numpy() for variable in variables]


@pytest.mark.parametrize("graph", slow_but([True, False], True))
@pytest.mark.parametrize("case", CASES)
def test_the_result_is_that_of_two_passes(case, graph, monkeypatch):
    assert make(**CASES[case]).shares_pass
    logs, weights = trained(make(**CASES[case]), graph=graph)
    monkeypatch.setattr(GAN, "shares_pass", False)
    expected_logs, expected = trained(make(**CASES[case]), graph=graph)
    for name, value in expected_logs.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    for found, value in zip(weights, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("d_steps", "g_steps"), [(1, 1), (5, 1), (2, 3)])
def test_one_pass_less_is_computed(d_steps, g_steps):
    gan = make(d_steps=d_steps, g_steps=g_steps)
    gan.latents.draws = 0
    trained(gan, steps=1, graph=False)  # in a graph updates of one kind are traced once
    assert gan.latents.draws == d_steps + g_steps - 1


def test_spectral_norm_and_dropout_in_g_take_two_passes():
    """A pass that moves vectors, or masks, differs from D's pass, or moves them for D's others."""
    normed = functools.partial(mlp.generator, units=6, depth=1, kernel_norm=spectral_norm)
    for generator in (normed, dropout_generator):
        players = {"generator": generator, "discriminator": mlp.discriminator}
        gan = GAN(SHAPE, objectives=[Adversarial()], reuse_last_batch=True, **players)
        assert not gan.shares_pass
