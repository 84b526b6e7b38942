"""The ResNets for STL-10 of the spectral normalisation paper (Miyato et al., 2018, table 5).

As in compare_gan, whose shortcuts are convolutions 3x3 and whose upsampling is `zero_insertion`.
"""

from typing import Annotated

import gin

from compare_gan_tf.architectures import blocks, residual
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.pooling import Pooling, mean
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import Images, ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.layers.resizing import mean_halving
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection()
_BLOCKS = 3  # of G, each of which doubles the sides
SampleShape = Annotated[tuple[int, ...], Images(factor=2**_BLOCKS)]


@gin.configurable(module="resnet_stl")
@checked(name="resnet_stl.generator")
def generator(
    sample_shape: SampleShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_norm_at_ends: bool = True,
    upsample: Upsample = nearest,
    shortcut_kernel: Count = 3,
):
    """A dense layer, three residual blocks that double the sides; norm, ReLU, convolution, sigmoid.

    Args:
      sample_shape: (height, width, channels), sides multiples of 8; published for 48 x 48.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last block; the dense layer makes 8 times as many. Published: 64.
      norm: makes the normalisations, two a block and the last.
      kernel_norm: reparameterises kernels, e.g. `spectral_norm`; None for none.
      kernel_norm_at_ends: whether also that of the dense layer and of the last convolution; not
        in compare_gan.
      upsample: doubles the sides: `nearest`, or `zero_insertion` as in compare_gan.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.
    """
    *size, channels = sample_shape
    ends = kernel_norm if kernel_norm_at_ends else None
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, norm)
    size = [side // 2**_BLOCKS for side in size]
    x = residual.first_maps(x, size, 8 * width, kernel_norm=ends)
    for index, multiple in enumerate((4, 2, 1)):
        x = residual.block(
            x,
            multiple * width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            condition=condition,
            upsample=upsample,
            shortcut_kernel=shortcut_kernel,
        )
    x = residual.last_activation(x, norm=norm, condition=condition)
    return blocks.generator_model(inputs, residual.to_images(x, channels, kernel_norm=ends))


@gin.configurable(module="resnet_stl")
@checked(name="resnet_stl.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    shortcut_kernel: Count = 3,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = True,
    pooling: Pooling = mean,
):
    """Five residual blocks, all but the last of which halve the sides; ReLU, pooling.

    Args:
      sample_shape: (height, width, channels); any sides, published for 48 x 48.
      num_classes: of the labels, or None.
      width: channels of the first block; the last has 16 times as many. Published: 64.
      norm: makes the normalisations, two a block.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.
      conditioning: how D uses the labels, see `conditioning`; None, as in compare_gan, for no
        labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan; else in [-1, 1], and
        the first block begins without a ReLU.
      pooling: of the last maps, see `pooling`; `mean` as in compare_gan.
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    for index, multiple in enumerate((1, 2, 4, 8, 16)):
        x = local_features(x) if index == 4 else x
        x = residual.block(
            x,
            multiple * width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            downsample=mean_halving if index < 4 else None,
            shortcut_kernel=shortcut_kernel,
            first_relu=unit_interval or index > 0,
        )
    return blocks.discriminator_model(
        inputs,
        residual.pooled_features(x, pooling),
        kernel_norm=kernel_norm,
        conditioning=conditioning,
        labels=labels,
    )
