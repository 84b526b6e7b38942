"""Trains every loss and penalty for three steps; run by test_replicas.py, once per strategy.

Usage: replicas.py NUMBER_OF_REPLICAS OUTPUT.npz
"""

import functools
import sys

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.data import Split, pipeline
from compare_gan_tf.distribution import distribute
from compare_gan_tf.gan import GAN
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty, gradient_penalty, losses

LOSSES = (
    losses.non_saturating,
    losses.minimax,
    losses.wasserstein,
    losses.least_squares,
    losses.least_squares_on_probabilities,
    losses.hinge,
)
POINTS = (
    gradient_penalty.between,
    gradient_penalty.around_real,
    gradient_penalty.at_real,
    gradient_penalty.at_fake,
)
STEPS = 3


def cases():
    """{name: objectives}: each loss alone, each penalty alone with a loss, and all penalties."""
    adversarial = {loss.__name__: [Adversarial(loss)] for loss in LOSSES}
    penalties = {
        points.__name__: [Adversarial(), GradientPenalty(points, weight=1.0)] for points in POINTS
    }
    together = [GradientPenalty(points, weight=0.1, name=points.__name__) for points in POINTS]
    return adversarial | penalties | {"together": [Adversarial(losses.hinge), *together]}


def sgd():
    """It shows a wrong scale of gradients, which Adam hides."""
    return optimizers.sgd(learning_rate=0.02)


def make_gan(objectives, sample_shape=(4, 4, 1), num_classes=3, optimizer=sgd):
    """A small GAN whose players both have state: batch statistics and spectral-norm vectors."""
    return GAN(
        sample_shape,
        num_classes,
        seed=5,
        conditional=True,
        generator=functools.partial(mlp.generator, units=6, depth=1, norm=batch_norm),
        discriminator=functools.partial(
            mlp.discriminator, units=6, depth=1, norm=batch_norm, kernel_norm=spectral_norm
        ),
        objectives=objectives,
        latents=latents.Normal(3),
        d_steps=2,
        g_optimizer=optimizer(),
        d_optimizer=optimizer(),
        ema_decay=0.5,
    )


class Record(keras.callbacks.Callback):
    """Keeps every logged value."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append([float(logs[name]) for name in sorted(logs)])


def train(strategy, objectives, optimizer=sgd) -> dict[str, np.ndarray]:
    """Variables after three steps, and every log."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        gan = make_gan(objectives, optimizer=optimizer)
    gan.compile(optimizer=gan.g_optimizer)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [37, 4, 4, 1]).astype(np.uint8)
    split = Split(images, rng.integers(0, 3, 37).astype(np.int32))
    batches = functools.partial(
        pipeline.batches,
        split,
        key=9,
        batch_size=8,
        slices=gan.slices,
        start=0,
        stop=STEPS,
    )
    record = Record()
    data = distribute(strategy, batches)
    gan.fit(data, steps_per_epoch=STEPS, shuffle=False, verbose=0, callbacks=[record])
    players = gan.generator.variables + gan.discriminator.variables + gan.ema.variables
    weights = {f"{i:03d} {v.path}": v.numpy() for i, v in enumerate(players)}
    return weights | {"logs": np.array(record.values)}


def make_strategy(replicas: int):
    """The default strategy, or one over this many logical CPU devices."""
    if replicas == 1:
        return tf.distribute.get_strategy()
    logical = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


def main():
    replicas, output = int(sys.argv[1]), sys.argv[2]
    strategy, found = make_strategy(replicas), {}
    runs = {name: functools.partial(train, objectives=case) for name, case in cases().items()}
    # With a small epsilon Adam follows the rounding of gradients that are zero, as of a bias before
    # batch norm.
    adam = functools.partial(optimizers.adam, learning_rate=0.02, epsilon=0.01)
    runs["adam"] = functools.partial(train, objectives=[Adversarial()], optimizer=adam)
    for name, run in runs.items():
        found |= {f"{name}|{key}": value for key, value in run(strategy).items()}
    np.savez(output, **found)


if __name__ == "__main__":
    main()
