"""Trains in mixed precision, and skips updates, on one and two replicas; run by test_precision.py.

Usage: precision_replicas.py OUTPUT.npz
"""

import functools
import sys

import keras
import numpy as np
import strategies
import tensorflow as tf

from compare_gan_tf.architectures import mlp
from compare_gan_tf.gan import GAN, loss_scale
from compare_gan_tf.gan.update import all_reduce_sum
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty
from compare_gan_tf.optimizers import sgd

CASES = {
    "none overflows": (1.0, 1.0),
    "one overflows": (1.0, np.inf),
    "mixed_float16": None,
    "mixed_bfloat16": None,
}
BATCH = 8


def train(strategy, case) -> dict[str, np.ndarray]:
    return skipped(strategy, CASES[case]) if CASES[case] else of_steps(strategy, case)


def skipped(strategy, gradients) -> dict[str, np.ndarray]:
    """Every replica's weight and scale after one update by the sum of the replicas' gradients."""
    with strategy.scope():
        weight, scale = keras.Variable(0.0), loss_scale.LossScale("generator")
        optimizer = sgd(learning_rate=1.0)
        optimizer.build([weight])

    def update():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        found = [tf.constant(gradients)[replica] * scale.scale.value]
        finite = all_reduce_sum(loss_scale.not_finite(found)) == 0.0
        scale.apply(optimizer, scale.unscaled(found), [weight], finite)

    tf.function(lambda: strategy.run(update), autograph=False)()
    local = {"weights": weight.value, "scales": scale.scale.value}
    return {
        name: np.stack([one.numpy() for one in strategy.experimental_local_results(value)])
        for name, value in local.items()
    }


def of_steps(strategy, precision: str) -> dict[str, np.ndarray]:
    """The variables after two steps."""
    keras.utils.clear_session()  # names count anew
    keras.utils.set_random_seed(0)
    with strategy.scope():
        gan = GAN(
            (4, 4, 1),
            seed=1,
            generator=functools.partial(mlp.generator, units=5, depth=1, norm=batch_norm),
            discriminator=functools.partial(
                mlp.discriminator, units=5, depth=1, kernel_norm=spectral_norm
            ),
            objectives=[Adversarial(), GradientPenalty()],
            latents=Normal(3),
            g_optimizer=sgd(learning_rate=0.1, clip_norm=0.5),
            d_optimizer=sgd(learning_rate=0.1),
            precision=precision,
        )
    for scale in filter(None, gan.loss_scales.values()):
        scale.scale.assign(64.0)  # at which no replica's gradients leave the range of float16
    images = np.random.default_rng(0).integers(0, 256, [BATCH, gan.slices, 4, 4, 1])
    size = BATCH // strategy.num_replicas_in_sync

    def rows(context):
        start = context.replica_id_in_sync_group * size
        return tf.constant(images[start : start + size].astype(np.uint8))

    @functools.partial(tf.function, autograph=False)
    def step(batch):
        return strategy.run(lambda images: gan.train_step((images,)), args=(batch,))

    batch = strategy.experimental_distribute_values_from_function(rows)
    for _ in range(2):
        step(batch)
    return {variable.path: variable.numpy() for variable in gan.variables}


if __name__ == "__main__":
    strategies.write(sys.argv[1], {name: name for name in CASES}, train)
