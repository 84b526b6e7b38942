"""SNDCGAN of the spectral normalisation paper (Miyato et al., 2018, table 3), as in compare_gan."""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.shapes import ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, checked

_SLOPE = 0.1
_PROJECTION = Projection()


@gin.configurable(module="sndcgan")
@checked(name="sndcgan.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
):
    """A dense layer, three 4x4 deconvolutions of stride 2, one 3x3; tanh.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last hidden layer; the first has 8 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer; that of the first is of flat vectors
        [n, 8 width h w].
      kernel_norm: reparameterises every kernel; None, as published, for none.
    """
    *size, channels = sample_shape
    sizes = blocks.halved(size, 3)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    height, breadth = sizes[3]
    x = blocks.first_input(*condition, norm)
    x = blocks.dense(8 * width * height * breadth, kernel_norm=kernel_norm, name="dense")(x)
    x = keras.layers.ReLU()(blocks.normalise(norm, x, name="norm0", condition=condition))
    x = keras.layers.Reshape((height, breadth, 8 * width))(x)
    layers = [(4 * width, 4, 2), (2 * width, 4, 2), (width, 4, 2), (channels, 3, 1)]
    for index, (filters, kernel, stride) in enumerate(layers, start=1):
        x = blocks.deconv(
            filters,
            kernel,
            stride,
            size_in=sizes[max(4 - index, 0)],
            size_out=sizes[max(3 - index, 0)],
            kernel_norm=kernel_norm,
            name=f"deconv{index}",
        )(x)
        if index < len(layers):
            x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
            x = keras.layers.ReLU()(x)
    return blocks.generator_model(inputs, keras.layers.Activation("tanh", name="images")(x))


@gin.configurable(module="sndcgan")
@checked(name="sndcgan.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _PROJECTION,
):
    """Seven convolutions, 3x3 of stride 1 and 4x4 of stride 2 in turn; leaky ReLU 0.1.

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      width: channels of the first layer; the last have 8 times as many. Published: 64.
      norm: makes the normalisation of every layer but the first; none in compare_gan.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None, as in compare_gan, for no
        labels.
    """
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    layers = [(1, 3, 1), (2, 4, 2), (2, 3, 1), (4, 4, 2), (4, 3, 1), (8, 4, 2), (8, 3, 1)]
    for index, (multiple, kernel, stride) in enumerate(layers):
        x = local_features(x) if index == len(layers) - 1 else x
        x = blocks.conv(
            multiple * width, kernel, stride, kernel_norm=kernel_norm, name=f"conv{index}"
        )(x)
        if index:
            x = blocks.normalise(norm, x, name=f"norm{index}")
        x = keras.layers.LeakyReLU(_SLOPE)(x)
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
