"""The networks of the first GAN's MNIST experiment (Goodfellow et al., 2014, and its code)."""

import math
from typing import Annotated

import gin
import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Concatenation, Conditioning
from compare_gan_tf.architectures.noise import NoiseLayer
from compare_gan_tf.architectures.shapes import ImageShape, Layers
from compare_gan_tf.layers import no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.settings.signatures import Count, Number, checked

_CONCATENATION = Concatenation()
Rate = Annotated[float, Number(least=0, below=1)]


def _uniform(limit: float):
    return keras.initializers.RandomUniform(-limit, limit)


def _dense(units: int, limit: float, *, kernel_norm=None, name: str):
    """A dense layer, kernel U(-limit, limit), bias 0."""
    layer = keras.layers.Dense(units, kernel_initializer=_uniform(limit), name=name)
    return reparameterised(layer, kernel_norm)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class MaxPieces(keras.layers.Layer):
    """[n, units * pieces] -> [n, units], the maximum of each unit's `pieces` inputs."""

    def __init__(self, pieces: int, **layer):
        super().__init__(**layer)
        self.pieces = pieces

    def call(self, x):
        return ops.max(ops.reshape(x, (-1, x.shape[-1] // self.pieces, self.pieces)), -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return super().get_config() | {"pieces": self.pieces}


def maxout(x, units: int, pieces: int, *, limit=0.005, kernel_norm=None, name: str):
    """max over j of (x W_ij + b_ij), [n, units] (Goodfellow et al., 2013, eq. 1)."""
    x = _dense(units * pieces, limit, kernel_norm=kernel_norm, name=f"{name}_pieces")(x)
    return MaxPieces(pieces, name=name)(x)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Dropout(NoiseLayer):
    """In training, x / (1 - rate) or, with probability `rate`, 0; in inference x.

    Args:
      rate: in [0, 1).
      seed: of the masks, see `NoiseLayer`.
    """

    @checked
    def __init__(self, rate: Rate, seed: int | None = None, **layer):
        super().__init__(seed, **layer)
        self.rate = rate

    def call(self, x, training=False):
        if not training or not self.rate:
            return x
        bits = self.draw(tf.shape(x)[0], x.shape[1:], _bits)
        kept = tf.cast(bits >= int(self.rate * 2**32), x.dtype)
        self.count()
        return x * kept / (1.0 - self.rate)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"rate": self.rate}


def _bits(shape, seed):
    """Random bits uint32 of `shape`, by Philox: the same with and without XLA."""
    return tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )


@gin.configurable(module="maxout")
@checked(name="maxout.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    units: Count = 1200,
    depth: Layers = 2,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
):
    """`depth` dense layers of ReLUs, then a sigmoid mapped to (-1, 1).

    The published z is uniform on [-sqrt 3, sqrt 3]^100, and kernels are U(-0.05, 0.05). The initial
    biases of the last layer are 0. The published ones are the logits of the data's mean image,
    which is not known when a network is built.

    Args:
      sample_shape: (height, width, channels).
      latent_dim: of z; published 100.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      units: of each hidden layer. Published: 1200.
      depth: number of hidden layers. Published: 2.
      norm: makes the normalisation after each hidden layer; none published.
      kernel_norm: reparameterises every kernel; None, as published, for none.
    """
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, norm)
    for index in range(depth):
        x = _dense(units, 0.05, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = keras.layers.ReLU()(x)
    x = _dense(math.prod(sample_shape), 0.05, kernel_norm=kernel_norm, name="out")(x)
    x = keras.layers.Reshape(sample_shape)(x)
    return blocks.generator_model(inputs, blocks.sigmoid_images(x))


@gin.configurable(module="maxout")
@checked(name="maxout.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    units: Count = 240,
    pieces: Count = 5,
    depth: Layers = 2,
    input_dropout: Rate = 0.2,
    dropout: Rate = 0.5,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _CONCATENATION,
):
    """`depth` maxout layers on images in [0, 1], with dropout in front of every layer.

    Kernels are U(-0.005, 0.005).

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      units: of each maxout layer. Published: 240.
      pieces: number of linear functions in the maximum of a unit. Published: 5.
      depth: number of maxout layers. Published: 2.
      input_dropout: share of pixels that are dropped. Published: 0.2; 0 for none.
      dropout: share of units that are dropped. Published: 0.5; 0 for none.
      norm: makes the normalisation after each maxout layer; none published.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, flatten=True, unit_interval=True
    )
    x = Dropout(input_dropout, name="input_dropout")(x)
    for index in range(depth):
        x = maxout(x, units, pieces, kernel_norm=kernel_norm, name=f"maxout{index}")
        x = blocks.normalise(norm, x, name=f"norm{index}")
        x = Dropout(dropout, name=f"dropout{index}")(x)
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
