"""Prints by how many MB two steps of a deep GAN raise the peak memory.

Usage: remat_memory.py plain|recomputed|accumulated
"""

import sys

import high_water
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import GAN
from compare_gan_tf.objectives import losses

DEPTH, BATCH, SHAPE = 16, 32, (32, 32, 3)


def blocks(x):
    for _ in range(DEPTH):
        x = keras.layers.ReLU()(keras.layers.Conv2D(32, 3, padding="same")(x))
    return x


def main() -> None:
    z, images = keras.Input((16,)), keras.Input(SHAPE)
    maps = keras.layers.Reshape((32, 32, 4))(keras.layers.Dense(4096)(z))
    samples = keras.layers.Conv2D(3, 1, activation="tanh")(blocks(maps))
    logits = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(blocks(images)))
    gan = GAN(
        generator=keras.Model(z, samples),
        discriminator=keras.Model(images, logits),
        objectives=losses.non_saturating,
        remat=sys.argv[1] == "recomputed",
        accumulation=4 if sys.argv[1] == "accumulated" else 1,
    )
    reals = np.zeros((BATCH, gan.slices, *SHAPE), np.uint8)
    step = tf.function(lambda: gan.train_step((reals, None)), autograph=False)
    step.get_concrete_function()
    before = high_water.mebibytes()
    for _ in range(2):
        step()
    print(high_water.mebibytes() - before)


if __name__ == "__main__":
    main()
