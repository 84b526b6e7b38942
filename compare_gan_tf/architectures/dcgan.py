"""DCGAN (Radford et al., 2016) with compare_gan's layer sizes."""

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


@gin.configurable(module="dcgan")
@checked(name="dcgan.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
):
    """A dense layer, then four 5x5 deconvolutions of stride 2; tanh.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last hidden layer; the first has 8 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer.
      kernel_norm: reparameterises every kernel; None, as published, for none.
    """
    *size, channels = sample_shape
    sizes = blocks.halved(size, 4)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    height, breadth = sizes[4]
    x = blocks.first_input(*condition, norm)
    x = blocks.dense(8 * width * height * breadth, kernel_norm=kernel_norm, name="dense")(x)
    x = keras.layers.Reshape((height, breadth, 8 * width))(x)
    for index, filters in enumerate((4 * width, 2 * width, width, channels)):
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = blocks.deconv(
            filters,
            5,
            2,
            size_in=sizes[4 - index],
            size_out=sizes[3 - index],
            kernel_norm=kernel_norm,
            name=f"deconv{index + 1}",
        )(keras.layers.ReLU()(x))
    return blocks.generator_model(inputs, keras.layers.Activation("tanh", name="images")(x))


@gin.configurable(module="dcgan")
@checked(name="dcgan.discriminator")
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
    """Four 5x5 convolutions of stride 2; leaky ReLU 0.2.

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      width: channels of the first layer; the last has 8 times as many. Published: 64.
      norm: makes the normalisation of every layer but the first.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None, as in compare_gan, for no
        labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan, and not in [-1, 1].
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    for index, multiple in enumerate((1, 2, 4, 8)):
        x = local_features(x) if index == 3 else x
        x = blocks.conv(multiple * width, 5, 2, kernel_norm=kernel_norm, name=f"conv{index}")(x)
        if index:
            x = blocks.normalise(norm, x, name=f"norm{index}")
        x = keras.layers.LeakyReLU(_SLOPE)(x)
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
