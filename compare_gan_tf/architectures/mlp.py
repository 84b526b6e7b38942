"""Multi-layer perceptrons, for points in the plane and for small images."""

import math

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Concatenation, Conditioning
from compare_gan_tf.architectures.shapes import Layers
from compare_gan_tf.layers import no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.settings.signatures import Count, checked

_CONCATENATION = Concatenation()


def _dense(units: int, *, kernel_norm=None, name: str):
    layer = keras.layers.Dense(units, kernel_initializer="glorot_uniform", name=name)
    return reparameterised(layer, kernel_norm)


@gin.configurable(module="mlp")
@checked(name="mlp.generator")
def generator(
    sample_shape,
    latent_dim,
    num_classes=None,
    *,
    units: Count = 128,
    depth: Layers = 2,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
):
    """`depth` dense layers of ReLUs; linear output for points, tanh for images.

    Args:
      sample_shape: (D,) or (height, width, channels).
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      units: of each hidden layer.
      depth: number of hidden layers.
      norm: makes the normalisation after each hidden layer.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
    """
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, norm)
    for index in range(depth):
        x = _dense(units, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = keras.layers.ReLU()(x)
    x = _dense(math.prod(sample_shape), kernel_norm=kernel_norm, name="out")(x)
    activation = "tanh" if len(sample_shape) == 3 else "linear"
    x = keras.layers.Activation(activation)(keras.layers.Reshape(sample_shape)(x))
    return blocks.generator_model(inputs, x)


@gin.configurable(module="mlp")
@checked(name="mlp.discriminator")
def discriminator(
    sample_shape,
    num_classes=None,
    *,
    units: Count = 128,
    depth: Layers = 2,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _CONCATENATION,
):
    """`depth` dense layers of leaky ReLUs (0.2).

    Args:
      sample_shape: (D,) or (height, width, channels).
      num_classes: of the labels, or None.
      units: of each hidden layer.
      depth: number of hidden layers.
      norm: makes the normalisation after each hidden layer.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, flatten=True
    )
    for index in range(depth):
        x = _dense(units, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = keras.layers.LeakyReLU(0.2)(blocks.normalise(norm, x, name=f"norm{index}"))
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
