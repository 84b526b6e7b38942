"""Trains each discrete game for three steps; run by test_discrete_replicas.py, on one and two
replicas.

Usage: discrete_replicas.py OUTPUT.npz
"""

import functools
import sys

import numpy as np
import replicas
import strategies

from compare_gan_tf import GAN, latents
from compare_gan_tf.architectures import mlp, text_networks
from compare_gan_tf.data import Split
from compare_gan_tf.gan import alphabets
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import DiscreteBoundarySeeking, discrete
from compare_gan_tf.testing import games

PALETTE = np.array([[0], [80], [255]], np.uint8)
MLP = {
    "generator": functools.partial(mlp.generator, units=6, depth=1, norm=batch_norm),
    "discriminator": functools.partial(mlp.discriminator, units=6, depth=1),
}
TEXT = {
    "generator": functools.partial(text_networks.generator, width=4, depth=1),
    "discriminator": functools.partial(text_networks.discriminator, width=4, depth=1),
}
# {alphabet: (its class, shape of the data, symbols, networks)}
KINDS = {
    "bits": (alphabets.Bits, (3, 3, 1), None, MLP),
    "colours": (alphabets.Colours, (2, 3, 1), PALETTE, MLP),
    "characters": (alphabets.Characters, (4,), (" ", "a", "b"), TEXT),
}
CASES = {
    "importance": ("bits", discrete.importance),
    "reinforce": ("colours", discrete.reinforce),
    "maligan": ("characters", discrete.maligan),
}


def make(name: str) -> GAN:
    """The GAN of a case, with SGD."""
    kind, estimator = CASES[name]
    alphabet, shape, symbols, networks = KINDS[kind]
    return GAN(
        shape,
        seed=5,
        **networks,
        alphabet=alphabet(),
        symbols=symbols,
        objectives=[DiscreteBoundarySeeking(estimator=estimator, samples=3, log_z_decay=0.5)],
        latents=latents.Normal(3),
        g_optimizer=games.sgd(),
        d_optimizer=games.sgd(),
        ema_decay=0.5,
    )


def data(name: str) -> Split:
    """37 samples at random."""
    kind, _ = CASES[name]
    _, shape, _, _ = KINDS[kind]
    codes = np.random.default_rng(0).integers(0, 3, [37, *shape]).astype(np.uint8)
    return Split(PALETTE[codes[..., 0]] if kind == "colours" else codes)


def main():
    def train(strategy, name):
        return replicas.train(strategy, functools.partial(make, name), data(name))

    strategies.write(sys.argv[1], {name: name for name in CASES}, train)


if __name__ == "__main__":
    main()
