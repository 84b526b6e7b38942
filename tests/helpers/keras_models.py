"""Keras models of 4 x 4 images, in the forms that users write them in."""

import keras
import numpy as np
from keras import layers

from compare_gan_tf import GAN, optimizers
from compare_gan_tf.objectives import losses

SHAPE = (4, 4, 1)


def g_layers(end="tanh"):
    return [layers.Dense(12), layers.BatchNormalization(), layers.ReLU(),
            layers.Dense(16, activation=end), layers.Reshape(SHAPE)]  # fmt: skip


def d_layers(end=None):
    return [layers.Flatten(), layers.Dense(12), layers.LeakyReLU(), layers.Dropout(0.3),
            layers.Dense(1, activation=end)]  # fmt: skip


def sequential(parts, *shape):
    return keras.Sequential([keras.Input(shape), *parts] if shape else parts)


def functional(parts, *shape):
    x = first = keras.Input(shape)
    for layer in parts:
        x = layer(x)
    return keras.Model(first, x)


class Subclass(keras.Model):
    def __init__(self, kind="g", **model):
        super().__init__(**model)
        self.kind = kind
        self.parts = g_layers() if kind == "g" else d_layers()

    def get_config(self):
        return super().get_config() | {"kind": self.kind}

    def call(self, x, training=False):
        for layer in self.parts:
            x = layer(x, training=training) if isinstance(layer, layers.Dropout) else layer(x)
        return x


def built(model, *shape):
    model(np.zeros((2, *shape), np.float32))
    return model


def gan(generator, discriminator, **settings):
    defaults = dict(objectives=losses.hinge, g_optimizer=optimizers.adam(learning_rate=1e-2),
                    d_optimizer=optimizers.adam(learning_rate=1e-2))  # fmt: skip
    keras.utils.set_random_seed(0)
    return GAN(generator=generator, discriminator=discriminator, **defaults | settings)


def pair():
    return sequential(g_layers(), 3), sequential(d_layers(), *SHAPE)


GENERATORS = {
    "sequential": lambda: sequential(g_layers(), 3),
    "sequential called": lambda: built(sequential(g_layers()), 3),
    "functional": lambda: functional(g_layers(), 3),
    "subclass called": lambda: built(Subclass(), 3),
}
DISCRIMINATORS = {
    "sequential": lambda: sequential(d_layers(), *SHAPE),
    "sequential not built": lambda: sequential(d_layers()),
    "functional": lambda: functional(d_layers(), *SHAPE),
    "subclass": lambda: Subclass("d"),
    "subclass called": lambda: built(Subclass("d"), *SHAPE),
    "logits [n]": lambda: functional([*d_layers(), layers.Reshape(())], *SHAPE),
}


class Conditional(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed, self.out = layers.Embedding(4, 3), layers.Dense(16, activation="tanh")

    def call(self, z, labels):
        x = self.out(keras.ops.concatenate([z, self.embed(labels)], -1))
        return keras.ops.reshape(x, (-1, *SHAPE))
