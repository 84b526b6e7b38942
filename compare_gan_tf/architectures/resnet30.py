"""compare_gan's resnet30: thirty residual blocks and five that change the size, for 128 x 128.

After the deep ResNet of Gulrajani et al. (2017). compare_gan's upsampling is `zero_insertion`.
"""

import functools
from typing import Annotated

import gin

from compare_gan_tf.architectures import blocks, residual
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import Blocks, Images, ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.layers.resizing import mean_halving
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection()
_STAGES = 6  # of `depth` blocks each, between them five that change the size
SampleShape = Annotated[tuple[int, ...], Images(factor=2 ** (_STAGES - 1))]


@gin.configurable(module="resnet30")
@checked(name="resnet30.generator")
def generator(
    sample_shape: SampleShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 16,
    depth: Blocks = 5,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_norm_at_ends: bool = True,
    upsample: Upsample = nearest,
    shortcut_kernel: Count = 3,
):
    """A dense layer, six stages of residual blocks with a doubling of the sides between; sigmoid.

    After the last block there is only a convolution, without norm and ReLU.

    Args:
      sample_shape: (height, width, channels), sides multiples of 32; published for 128 x 128.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last stage; the first has 32 times as many. Published: 16.
      depth: blocks of a stage. Published: 5.
      norm: makes the normalisations, two a block.
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
    size = [side // 2 ** (_STAGES - 1) for side in size]
    x = residual.first_maps(x, size, 2 ** (_STAGES - 1) * width, kernel_norm=ends)
    block = functools.partial(
        residual.block,
        norm=norm,
        kernel_norm=kernel_norm,
        condition=condition,
        shortcut_kernel=shortcut_kernel,
    )
    for stage in range(_STAGES):
        filters = 2 ** (_STAGES - 1 - stage) * width
        if stage:
            x = block(x, filters, name=f"stage{stage}_resize", upsample=upsample)
        for index in range(depth):
            x = block(x, filters, name=f"stage{stage}_block{index}")
    return blocks.generator_model(inputs, residual.to_images(x, channels, kernel_norm=ends))


@gin.configurable(module="resnet30")
@checked(name="resnet30.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 16,
    depth: Blocks = 5,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    kernel_norm_at_start: bool = False,
    shortcut_kernel: Count = 3,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = True,
):
    """A convolution, six stages of residual blocks with a halving of the sides between.

    Args:
      sample_shape: (height, width, channels); any sides, published for 128 x 128.
      num_classes: of the labels, or None.
      width: channels of the first stage; the last has 32 times as many. Published: 16.
      depth: blocks of a stage. Published: 5.
      norm: makes the normalisations, two a block.
      kernel_norm: reparameterises kernels, e.g. `spectral_norm`; None for none.
      kernel_norm_at_start: whether also that of the first convolution; not in compare_gan.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.
      conditioning: how D uses the labels, see `conditioning`; None, as in compare_gan, for no
        labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan, and not in [-1, 1].
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    start = kernel_norm if kernel_norm_at_start else None
    x = blocks.conv(width, 3, kernel_norm=start, name="in_conv")(x)
    block = functools.partial(
        residual.block, norm=norm, kernel_norm=kernel_norm, shortcut_kernel=shortcut_kernel
    )
    for stage in range(_STAGES):
        filters = 2**stage * width
        if stage:
            x = block(x, filters, name=f"stage{stage}_resize", downsample=mean_halving)
        x = local_features(x) if stage == _STAGES - 1 else x
        for index in range(depth):
            x = block(x, filters, name=f"stage{stage}_block{index}")
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
