"""compare_gan's resnet5, the ResNet19 of the GAN landscape paper (Kurach et al., 2019).

After the ResNet for 64 x 64 images of Gulrajani et al. (2017). compare_gan's upsampling is
`zero_insertion`.
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
_DOUBLINGS = {4 * 2**doublings: doublings for doublings in range(6)}  # by the side of the images
SampleShape = Annotated[tuple[int, ...], Images(sides=_DOUBLINGS)]


@gin.configurable(module="resnet5")
@checked(name="resnet5.generator")
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
    """Dense to 4 x 4, five residual blocks; norm, ReLU, convolution, sigmoid.

    The first blocks double the sides, as many as needed; the numbers of parameters do not depend
    on the sides.

    Args:
      sample_shape: (height, width, channels), squares of 4, 8, 16, 32, 64 or 128; published for
        32 to 128.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last block; the dense layer makes 8 times as many. Published: 64.
      norm: makes the normalisations, two a block and the last.
      kernel_norm: reparameterises kernels, e.g. `spectral_norm`; None for none.
      kernel_norm_at_ends: whether also that of the dense layer and of the last convolution; not
        in compare_gan.
      upsample: doubles the sides: `nearest`, or `zero_insertion` as in compare_gan.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.

    Raises:
      UserError: other sides.
    """
    side, _, channels = sample_shape
    ends = kernel_norm if kernel_norm_at_ends else None
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, norm)
    x = residual.first_maps(x, (4, 4), 8 * width, kernel_norm=ends)
    for index, multiple in enumerate((8, 4, 4, 2, 1)):
        x = residual.block(
            x,
            multiple * width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            condition=condition,
            upsample=upsample if index < _DOUBLINGS[side] else None,
            shortcut_kernel=shortcut_kernel,
        )
    x = residual.last_activation(x, norm=norm, condition=condition)
    return blocks.generator_model(inputs, residual.to_images(x, channels, kernel_norm=ends))


@gin.configurable(module="resnet5")
@checked(name="resnet5.discriminator")
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
    """Six residual blocks that halve the sides; ReLU, pooling.

    Args:
      sample_shape: (height, width, channels); any sides, published for 32 to 128. A side of 1
        stays.
      num_classes: of the labels, or None.
      width: channels of the first block; the last has 8 times as many. Published: 64.
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
    for index, multiple in enumerate((1, 2, 4, 4, 8, 8)):
        x = local_features(x) if index == 5 else x
        x = residual.block(
            x,
            multiple * width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            downsample=mean_halving,
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
