"""The ResNets for CIFAR-10 of the spectral normalisation paper (Miyato et al., 2018, table 4).

As in compare_gan, whose shortcuts are convolutions 3x3 and whose upsampling is `zero_insertion`.
"""

import functools
from typing import Annotated

import gin
import keras
from keras import ops

from compare_gan_tf.architectures import blocks, residual
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.pooling import Pooling, mean
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import Images, ImageShape
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.layers.resizing import mean_halving
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection({"class_name": "RandomNormal", "config": {"stddev": 0.02}})
_BLOCKS = 3
SampleShape = Annotated[tuple[int, ...], Images(factor=2 ** (_BLOCKS - 1))]


@gin.configurable(module="resnet_cifar")
@checked(name="resnet_cifar.generator")
def generator(
    sample_shape: SampleShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 256,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    upsample: Upsample = nearest,
    shortcut_kernel: Count = 3,
    hierarchical_z: bool = False,
    embed_z: bool = False,
    embed_y: bool = False,
):
    """A dense layer, three residual blocks that double the sides; norm, ReLU, convolution, sigmoid.

    Args:
      sample_shape: (height, width, channels), sides multiples of 8; published for 32 x 32. Where
        they are multiples of 4 alone, as 28 x 28, the first block does not double them.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended to z, unless `norm` uses them.
      width: channels of all layers. Published: 256.
      norm: makes the normalisations, two a block and the last.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      upsample: doubles the sides: `nearest`, or `zero_insertion` as in compare_gan.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.
      hierarchical_z: splits z into four parts. The dense layer takes the first part. The norms of
        block i take part i: as z, and, concatenated with the labels, as labels. The last norm takes
        the whole z and the labels.
      embed_z: passes z through a dense layer as wide as z first.
      embed_y: passes labels, if there are any, through a dense layer as wide as z.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    *size, channels = sample_shape
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    condition = _embedded(condition, embed_z, embed_y, kernel_norm)
    first_z, parts = condition.z, [condition] * _BLOCKS
    if hierarchical_z:
        _require_parts(latent_dim, norm)
        first_z, parts = _hierarchy(condition)
    x = blocks.first_input(first_z, condition.labels, norm)
    doublings = _BLOCKS if all(side % 2**_BLOCKS == 0 for side in size) else _BLOCKS - 1
    size = [side // 2**doublings for side in size]
    x = residual.first_maps(x, size, width, kernel_norm=kernel_norm)
    for index, part in enumerate(parts):
        x = residual.block(
            x,
            width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            condition=part,
            upsample=upsample if index >= _BLOCKS - doublings else None,
            shortcut_kernel=shortcut_kernel,
        )
    x = residual.last_activation(x, norm=norm, condition=condition)
    images = residual.to_images(x, channels, kernel_norm=kernel_norm)
    return blocks.generator_model(inputs, images)


def _embedded(condition, embed_z: bool, embed_y: bool, kernel_norm):
    """The condition with z and labels put through dense layers as wide as z, where asked."""
    z, labels = condition
    dense = functools.partial(blocks.dense, z.shape[-1], kernel_norm=kernel_norm)
    return blocks.Condition(
        dense(name="embed_z")(z) if embed_z else z,
        dense(name="embed_y")(labels) if embed_y and labels is not None else labels,
    )


def _require_parts(latent_dim: int, norm):
    """Raises UserError where z cannot be split, or nothing would take its parts."""
    if latent_dim % (_BLOCKS + 1):
        raise UserError(
            f"resnet_cifar.generator.hierarchical_z splits z in {_BLOCKS + 1}, but its dimension "
            f"is {latent_dim}: make it a multiple of {_BLOCKS + 1}"
        )
    if not blocks.conditions(norm):
        raise UserError(
            "resnet_cifar.generator.hierarchical_z gives parts of z to the norms, but "
            "resnet_cifar.generator.norm takes none: take conditional_batch_norm or "
            "self_modulation, or set hierarchical_z = False"
        )


def _hierarchy(condition):
    """(the z of the first layer, the condition of each block)."""
    first, *parts = ops.split(condition.z, _BLOCKS + 1, axis=1)
    if condition.labels is None:
        return first, [blocks.Condition(part) for part in parts]
    return first, [
        blocks.Condition(
            part,
            keras.layers.Concatenate(name=f"block{index}_condition")([part, condition.labels]),
        )
        for index, part in enumerate(parts)
    ]


@gin.configurable(module="resnet_cifar")
@checked(name="resnet_cifar.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 128,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    shortcut_kernel: Count = 3,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = True,
    pooling: Pooling = mean,
):
    """Four residual blocks, the first two of which halve the sides; ReLU, pooling.

    Args:
      sample_shape: (height, width, channels); any sides, published for 32 x 32.
      num_classes: of the labels, or None.
      width: channels of all layers. Published: 128.
      norm: makes the normalisations, two a block.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      shortcut_kernel: side of the shortcuts' kernels; 3 as in compare_gan.
      conditioning: how D uses the labels, see `conditioning`; a projection with kernel
        N(0, 0.02), as compare_gan's project_y. None for no labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan; else in [-1, 1], and
        the first block begins without a ReLU.
      pooling: of the last maps, see `pooling`; `mean` as in compare_gan.
    """
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    for index, downsample in enumerate((mean_halving, mean_halving, None, None)):
        x = local_features(x) if index == 3 else x
        x = residual.block(
            x,
            width,
            name=f"block{index}",
            norm=norm,
            kernel_norm=kernel_norm,
            downsample=downsample,
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
