"""SNDCGAN of the spectral normalisation paper (Miyato et al., 2018, table 3), as in compare_gan."""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.layers import batch_norm

_SLOPE = 0.1


@gin.configurable(module="sndcgan")
def generator(sample_shape, latent_dim, num_classes=None, *, width=64, norm=batch_norm):
    """Dense, three deconvolutions 4x4 of stride 2, one 3x3; tanh.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: must be None.
      width: channels of the last hidden layer; the first has 8 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer.
    """
    blocks.require_images(sample_shape, "sndcgan.generator")
    blocks.require_unconditional(num_classes, "sndcgan.generator")
    *size, channels = sample_shape
    sizes = blocks.halved(size, 3)
    z = blocks.latent_input(latent_dim)
    height, breadth = sizes[3]
    x = blocks.dense(8 * width * height * breadth, name="dense")(z)
    x = keras.layers.ReLU()(norm(name="norm0")(x))
    x = keras.layers.Reshape((height, breadth, 8 * width))(x)
    for index, multiple in enumerate((4, 2, 1), start=1):
        x = blocks.deconv(
            multiple * width,
            4,
            2,
            size_in=sizes[4 - index],
            size_out=sizes[3 - index],
            name=f"deconv{index}",
        )(x)
        x = keras.layers.ReLU()(norm(name=f"norm{index}")(x))
    x = blocks.deconv(channels, 3, 1, size_in=size, size_out=size, name="deconv4")(x)
    images = keras.layers.Activation("tanh", name="images")(x)
    return keras.Model({"z": z}, images, name="generator")


@gin.configurable(module="sndcgan")
def discriminator(sample_shape, num_classes=None, *, width=64, kernel_norm=None):
    """Seven convolutions, 3x3 of stride 1 and 4x4 of stride 2 in turn; leaky ReLU 0.1.

    Args:
      sample_shape: (height, width, channels).
      num_classes: must be None.
      width: channels of the first layer; the last have 8 times as many. Published: 64.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
    """
    blocks.require_images(sample_shape, "sndcgan.discriminator")
    blocks.require_unconditional(num_classes, "sndcgan.discriminator")
    x = images = blocks.image_input(sample_shape)
    layers = [(1, 3, 1), (2, 4, 2), (2, 3, 1), (4, 4, 2), (4, 3, 1), (8, 4, 2), (8, 3, 1)]
    for index, (multiple, kernel, stride) in enumerate(layers):
        x = blocks.conv(
            multiple * width, kernel, stride, kernel_norm=kernel_norm, name=f"conv{index}"
        )(x)
        x = keras.layers.LeakyReLU(_SLOPE)(x)
    return blocks.discriminator_model({"images": images}, x, kernel_norm=kernel_norm)
