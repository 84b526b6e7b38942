"""The plain convolutions of StudioGAN's DCGAN, LSGAN and Geometric GAN, its backbone "deep_conv".

They are near those of `sndcgan` (Miyato et al., 2018, table 3), but D has batch norm behind every
convolution, ReLUs and a sum over pixels, its strided convolutions keep the number of channels, and
nothing is between G's dense layer and its first deconvolution. At 32 px G has 3,812,355 parameters
with latents of 128, and D 2,931,009.
"""

import gin
import keras

from compare_gan_tf.architectures import biggan_blocks, blocks
from compare_gan_tf.architectures.biggan_kernels import ORTHOGONAL, Kernels
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.pooling import Pooling, total
from compare_gan_tf.architectures.shapes import ImageShape
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.layers.channel_map import fresh
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection()
# (multiple of the width, side of the kernel, stride) of each of D's convolutions
_OF_D = ((1, 3, 1), (1, 4, 2), (2, 3, 1), (2, 4, 2), (4, 3, 1), (4, 4, 2), (8, 3, 1))


@gin.configurable(module="deep_conv")
@checked(name="deep_conv.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
):
    """A dense layer, three 4x4 deconvolutions of stride 2, a 3x3 convolution; tanh.

    Args:
      sample_shape: (height, width, channels); any sides. StudioGAN has 32 px alone.
      latent_dim: of z. Published: 128.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last hidden layer; the first has 8 times as many. Published: 64.
      norm: makes the normalisation after each deconvolution.
      kernel_norm: reparameterises every kernel; None, as published, for none.
      kernel_initializer: of every kernel but the norms', a name or a configuration that Keras
        knows, or an initializer.
    """
    *size, channels = sample_shape
    sizes = blocks.halved(size, 3)
    kernels = Kernels(kernel_initializer, kernel_norm)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    height, breadth = sizes[3]
    x = blocks.first_input(*condition, norm)
    x = kernels.dense(8 * width * height * breadth, name="dense")(x)
    x = keras.layers.Reshape((height, breadth, 8 * width))(x)
    for index, multiple in enumerate((4, 2, 1)):
        x = blocks.deconv(
            multiple * width,
            4,
            2,
            size_in=sizes[3 - index],
            size_out=sizes[2 - index],
            kernel_norm=kernel_norm,
            kernel_initializer=fresh(kernel_initializer),
            name=f"deconv{index}",
        )(x)
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = keras.layers.ReLU()(x)
    x = kernels.conv(channels, 3, name="conv")(x)
    return blocks.generator_model(inputs, keras.layers.Activation("tanh", name="images")(x))


@gin.configurable(module="deep_conv")
@checked(name="deep_conv.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
    conditioning: Conditioning = _PROJECTION,
    pooling: Pooling = total,
):
    """Seven convolutions, 3x3 of stride 1 and 4x4 of stride 2 in turn; ReLU, pooling.

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      width: channels of the first layer; the last has 8 times as many. Published: 64.
      norm: makes the normalisation after each convolution; StudioGAN has `no_norm` with a
        kernel norm.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      kernel_initializer: as in `generator`, but for the conditioning's kernels.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
      pooling: of the last maps, see `pooling`; published: `sum`.
    """
    kernels = Kernels(kernel_initializer, kernel_norm)
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    for index, (multiple, kernel, stride) in enumerate(_OF_D):
        if index:
            x = keras.layers.ReLU()(x)
        x = local_features(x) if index == len(_OF_D) - 1 else x
        x = kernels.conv(multiple * width, kernel, stride, name=f"conv{index}")(x)
        x = blocks.normalise(norm, x, name=f"norm{index}")
    return biggan_blocks.discriminator_model(
        inputs, x, labels, kernels=kernels, conditioning=conditioning, pooling=pooling
    )
