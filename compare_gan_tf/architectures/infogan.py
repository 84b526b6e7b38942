"""The networks of InfoGAN's MNIST experiment (Chen et al., 2016, table 1), as in compare_gan."""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.shapes import ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, checked

_SLOPE = 0.2
_PROJECTION = Projection()


@gin.configurable(module="infogan")
@checked(name="infogan.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
):
    """Two dense layers, two 4x4 deconvolutions of stride 2; leaky ReLU 0.2, sigmoid.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last hidden layer; the deepest map has 2 times, the first dense layer
        16 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer; those of the dense layers are of flat
        vectors.
      kernel_norm: reparameterises every kernel; None, as published, for none.
    """
    *size, channels = sample_shape
    sizes = blocks.halved(size, 2)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    height, breadth = sizes[2]
    x = blocks.first_input(*condition, norm)
    for index, units in enumerate((16 * width, 2 * width * height * breadth)):
        x = blocks.dense(units, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = keras.layers.LeakyReLU(_SLOPE)(x)
    x = keras.layers.Reshape((height, breadth, 2 * width))(x)
    x = blocks.deconv(
        width,
        4,
        2,
        size_in=sizes[2],
        size_out=sizes[1],
        kernel_norm=kernel_norm,
        name="deconv0",
    )(x)
    x = blocks.normalise(norm, x, name="norm2", condition=condition)
    x = blocks.deconv(
        channels,
        4,
        2,
        size_in=sizes[1],
        size_out=sizes[0],
        kernel_norm=kernel_norm,
        name="deconv1",
    )(keras.layers.LeakyReLU(_SLOPE)(x))
    return blocks.generator_model(inputs, blocks.sigmoid_images(x))


@gin.configurable(module="infogan")
@checked(name="infogan.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = True,
):
    """Two 4x4 convolutions of stride 2, a dense layer; leaky ReLU 0.2.

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      width: channels of the first layer; the second has 2 times, the dense layer 16 times as many.
        Published: 64.
      norm: makes the normalisation of every layer but the first.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None, as in compare_gan, for no
        labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan, and not in [-1, 1].
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    x = blocks.conv(width, 4, 2, kernel_norm=kernel_norm, name="conv0")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(x)
    x = blocks.conv(2 * width, 4, 2, kernel_norm=kernel_norm, name="conv1")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name="norm1"))
    x = keras.layers.Flatten()(local_features(x))
    x = blocks.dense(16 * width, kernel_norm=kernel_norm, name="dense2")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name="norm2"))
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
