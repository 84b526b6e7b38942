"""Multi-layer perceptrons, for points in the plane and for small images."""

import math

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.layers import no_norm


def _dense(units: int, *, kernel_norm=None, name: str):
    layer = keras.layers.Dense(units, kernel_initializer="glorot_uniform", name=name)
    return kernel_norm(layer) if kernel_norm else layer


def _with_labels(x, num_classes):
    """Appends one-hot labels to x; returns the longer x and the extra inputs."""
    if not num_classes:
        return x, {}
    labels = blocks.label_input()
    codes = keras.layers.CategoryEncoding(num_classes, output_mode="one_hot")(labels)
    return keras.layers.Concatenate()([x, codes]), {"labels": labels}


@gin.configurable(module="mlp")
def generator(sample_shape, latent_dim, num_classes=None, *, units=128, depth=2, norm=no_norm):
    """`depth` dense layers of ReLUs; linear output for points, tanh for images.

    Args:
      sample_shape: (D,) or (height, width, channels).
      latent_dim: of z.
      num_classes: of the labels appended one-hot to z, or None.
      units: of each hidden layer.
      depth: number of hidden layers.
      norm: makes the normalisation after each hidden layer.
    """
    z = blocks.latent_input(latent_dim)
    x, labels = _with_labels(z, num_classes)
    for index in range(depth):
        x = norm(name=f"norm{index}")(_dense(units, name=f"dense{index}")(x))
        x = keras.layers.ReLU()(x)
    x = _dense(math.prod(sample_shape), name="out")(x)
    activation = "tanh" if len(sample_shape) == 3 else "linear"
    x = keras.layers.Activation(activation)(keras.layers.Reshape(sample_shape)(x))
    return keras.Model({"z": z, **labels}, x, name="generator")


@gin.configurable(module="mlp")
def discriminator(
    sample_shape, num_classes=None, *, units=128, depth=2, norm=no_norm, kernel_norm=None
):
    """`depth` dense layers of leaky ReLUs (0.2).

    Args:
      sample_shape: (D,) or (height, width, channels).
      num_classes: of the labels appended one-hot to the sample, or None.
      units: of each hidden layer.
      depth: number of hidden layers.
      norm: makes the normalisation after each hidden layer.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
    """
    images = blocks.image_input(sample_shape)
    x, labels = _with_labels(keras.layers.Flatten()(images), num_classes)
    for index in range(depth):
        x = _dense(units, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = keras.layers.LeakyReLU(0.2)(norm(name=f"norm{index}")(x))
    return blocks.discriminator_model({"images": images, **labels}, x, kernel_norm=kernel_norm)
