"""Trains a small StyleGAN2 on one and two replicas; run by test_stylegan2.py.

Usage: stylegan2_replicas.py OUTPUT.npz
"""

import functools
import sys

import keras
import numpy as np
import strategies
import tensorflow as tf

from compare_gan_tf import GAN, Normal, optimizers
from compare_gan_tf.architectures import stylegan2
from compare_gan_tf.objectives import Adversarial, losses

BATCH = 8
NARROW = {"channel_base": 32, "channel_max": 4}


def train(strategy, networks) -> dict[str, np.ndarray]:
    """The variables of both players after three steps of SGD."""
    keras.utils.clear_session()  # names count anew
    keras.utils.set_random_seed(0)
    with strategy.scope():
        gan = GAN(
            (8, 8, 1),
            generator=functools.partial(networks.generator, **NARROW, w_dim=5, mapping_depth=2),
            discriminator=functools.partial(networks.discriminator, **NARROW),
            latents=Normal(4),
            objectives=[Adversarial(losses.non_saturating)],
            g_optimizer=optimizers.sgd(learning_rate=0.1),
            d_optimizer=optimizers.sgd(learning_rate=0.1),
        )
    for layer in gan.generator.layers:
        if hasattr(layer, "strength"):
            layer.strength.assign(1.0)
    images = np.random.default_rng(0).integers(256, size=(3 * BATCH, 8, 8, 1), dtype=np.uint8)
    stream = tf.data.Dataset.from_tensor_slices(images).batch(BATCH, drop_remainder=True)
    gan.fit(stream, verbose=0)
    assert gan.current_step == 3
    players = {"g": gan.generator, "d": gan.discriminator}
    return {f"{k} {v.path}": v.numpy() for k, player in players.items() for v in player.variables}


if __name__ == "__main__":
    strategies.write(sys.argv[1], {"stylegan2": stylegan2}, train)
