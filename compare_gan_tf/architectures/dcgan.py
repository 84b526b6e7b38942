"""DCGAN (Radford et al., 2016) with compare_gan's layer sizes."""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.layers import batch_norm, no_norm

_SLOPE = 0.2


@gin.configurable(module="dcgan")
def generator(sample_shape, latent_dim, num_classes=None, *, width=64, norm=batch_norm):
    """Dense, then four deconvolutions 5x5 of stride 2; tanh.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: must be None.
      width: channels of the last hidden layer; the first has 8 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer.
    """
    blocks.require_images(sample_shape, "dcgan.generator")
    blocks.require_unconditional(num_classes, "dcgan.generator")
    *size, channels = sample_shape
    sizes = blocks.halved(size, 4)
    z = blocks.latent_input(latent_dim)
    height, breadth = sizes[4]
    x = blocks.dense(8 * width * height * breadth, name="dense")(z)
    x = keras.layers.Reshape((height, breadth, 8 * width))(x)
    for index, filters in enumerate((4 * width, 2 * width, width, channels)):
        x = keras.layers.ReLU()(norm(name=f"norm{index}")(x))
        x = blocks.deconv(
            filters,
            5,
            2,
            size_in=sizes[4 - index],
            size_out=sizes[3 - index],
            name=f"deconv{index + 1}",
        )(x)
    images = keras.layers.Activation("tanh", name="images")(x)
    return keras.Model({"z": z}, images, name="generator")


@gin.configurable(module="dcgan")
def discriminator(sample_shape, num_classes=None, *, width=64, norm=no_norm, kernel_norm=None):
    """Four convolutions 5x5 of stride 2 on images in [0, 1]; leaky ReLU 0.2.

    Args:
      sample_shape: (height, width, channels).
      num_classes: must be None.
      width: channels of the first layer; the last has 8 times as many. Published: 64.
      norm: makes the normalisation of every layer but the first.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
    """
    blocks.require_images(sample_shape, "dcgan.discriminator")
    blocks.require_unconditional(num_classes, "dcgan.discriminator")
    images = blocks.image_input(sample_shape)
    x = keras.layers.Rescaling(0.5, offset=0.5, name="unit_interval")(images)
    for index, multiple in enumerate((1, 2, 4, 8)):
        x = blocks.conv(multiple * width, 5, 2, kernel_norm=kernel_norm, name=f"conv{index}")(x)
        if index:
            x = norm(name=f"norm{index}")(x)
        x = keras.layers.LeakyReLU(_SLOPE)(x)
    return blocks.discriminator_model({"images": images}, x, kernel_norm=kernel_norm)
