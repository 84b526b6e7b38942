"""BigGAN-deep (Brock et al., 2019, appendix B.2), with the sizes of compare_gan.

At 128 px, with 1000 classes and z of dimension 128, G has 50,244,484 parameters and D 34,590,210.
There are twice as many blocks as in BigGAN, each with a bottleneck of a quarter of the channels.
Shortcuts have no weights, except for channels that a block of D adds. D sums over pixels, as in
compare_gan and in the authors' code. Each norm takes the whole z, concatenated with the embedded
label.

See `biggan` for spectral norm and orthogonal kernels in the norms.
"""

import gin
import keras

from compare_gan_tf.architectures import biggan_blocks, blocks
from compare_gan_tf.architectures.biggan import default_norm
from compare_gan_tf.architectures.biggan_attention import Attention, attended_blocks
from compare_gan_tf.architectures.biggan_blocks import FIRST_SIDE, published
from compare_gan_tf.architectures.biggan_deep_block import deep_block
from compare_gan_tf.architectures.biggan_kernels import ORTHOGONAL, Kernels
from compare_gan_tf.architectures.biggan_stacks import Widths, attention_behind
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.pooling import Pooling, total
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import SquareShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.layers.resizing import mean_halving
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection()
_GENERATORS = {  # of the first maps, and of each block's: every second block doubles the sides
    32: Widths(8 * (4,)),
    64: Widths(4 * (16,) + 2 * (8,) + (4, 4, 2), (64,)),
    128: Widths(4 * (16,) + 2 * (8,) + (4, 4, 2, 2, 1), (64,)),
    256: Widths(4 * (16,) + 4 * (8,) + (4, 4, 2, 2, 1), (64,)),
    512: Widths(4 * (16,) + 4 * (8,) + (4, 4, 2, 2, 1, 1, 1), (64,)),
}
_DISCRIMINATORS = {  # of the first convolution, and of each block's: every second block halves
    32: Widths(8 * (2,)),
    64: Widths((2, 4, 4) + 2 * (8,) + 4 * (16,)),
    128: Widths((1, 2, 2, 4, 4) + 2 * (8,) + 4 * (16,), (64,)),
    256: Widths((1, 2, 2, 4, 4) + 4 * (8,) + 4 * (16,), (64,)),
    512: Widths((1, 1, 1, 2, 2, 4, 4) + 4 * (8,) + 4 * (16,), (64,)),
}


@gin.configurable(module="biggan_deep")
@checked(name="biggan_deep.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    ch: Count = 128,
    norm: blocks.Norm | None = None,
    final_norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
    upsample: Upsample = nearest,
    attention: Attention = None,
    embed_y: bool = True,
    embed_y_dim: Count = 128,
    final_filters: Count | None = None,
):
    """A dense layer of z and labels, blocks, of which B2, B4, ... double the sides from 4; tanh.

    Args:
      sample_shape: (side, side, channels), of 32, 64, 128, 256 or 512 px.
      latent_dim: of z. Published: 128.
      num_classes: of the labels, or None.
      ch: channels of which all others are multiples.
      norm: makes the normalisations, four a block; None for `conditional_batch_norm`, or
        `self_modulation` without classes. Those that take labels, or z, get z with the labels
        behind it; one that takes both gets each once.
      final_norm: makes the last normalisation.
      kernel_norm: reparameterises every kernel but the embedding's, e.g. `spectral_norm`; None for
        none.
      kernel_initializer: of every kernel but the norms', a name that Keras knows or an initializer.
      upsample: doubles the sides: `nearest`, or `zero_insertion` as in compare_gan.
      attention: the blocks that attention follows: names, such as "B8", or sides of their maps,
        such as 64, which means the first block with such maps, or a tuple of several; () for none;
        None for 64 if there are such maps.
      embed_y: passes labels, if there are any, through a dense layer without bias.
      embed_y_dim: units of that layer.
      final_filters: channels of the last convolution, if not those of the images; the first ones
        are the images. 128 is compare_gan's `experimental_fast_conv_to_rgb`.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = published(_GENERATORS, side, "biggan_deep.generator")
    kernels = Kernels(kernel_initializer, kernel_norm)
    norm = norm or default_norm(num_classes)
    inputs, (z, labels) = blocks.generator_input(latent_dim, num_classes)
    if embed_y and num_classes:
        embedding = kernels._replace(norm=None)
        labels = embedding.dense(embed_y_dim, bias=False, name="embed_y")(labels)
    joined, condition = _joined(z, labels, norm)
    first, *widths = (ch * multiple for multiple in default.multiples)
    x = biggan_blocks.first_maps(joined, first, kernels=kernels)
    x = _blocks(
        x,
        widths,
        [{} if index % 2 == 0 else {"upsample": upsample} for index in range(len(widths))],
        [FIRST_SIDE * 2 ** ((index + 1) // 2) for index in range(len(widths))],
        attention=default.attention if attention is None else attention,
        last=False,
        option="biggan_deep.generator.attention",
        kernels=kernels,
        norm=norm,
        condition=condition,
    )
    images = biggan_blocks.to_images(
        x,
        sample_shape[2],
        kernels=kernels,
        norm=final_norm,
        condition=condition,
        filters=final_filters,
    )
    return blocks.generator_model(inputs, images)


def _joined(z, labels, norm):
    """(z concatenated with the labels, the condition of the norms)."""
    if labels is None:
        return z, blocks.Condition(z)
    joined = keras.layers.Concatenate(name="condition")([z, labels])
    if {"z", "labels"} <= set(blocks.conditions(norm)):
        return joined, blocks.Condition(z, labels)
    return joined, blocks.Condition(joined, joined)


def _blocks(x, widths, resizing, sides, *, attention, last, option, kernels, marked=False, **block):
    """Blocks B1, B2, ... and the attention that follows some of them.

    Args:
      x: [n, h, w, c].
      widths: channels, one a block.
      resizing: what of `upsample` and `downsample` each block has, by name.
      sides: of the maps that each makes.
      attention, last, option: see `attended_blocks`.
      kernels: makes the convolutions.
      marked: whether the maps that the last block takes are D's `local_features`.
      **block: all other options of `deep_block`.
    """
    names = [f"B{index + 1}" for index in range(len(widths))]
    sides = dict(zip(names, sides, strict=True))
    attended = attended_blocks(attention, sides, last=last, option=option)
    for name, width, resize in zip(names, widths, resizing, strict=True):
        x = local_features(x) if marked and name == names[-1] else x
        x = deep_block(x, width, name=name, kernels=kernels, **resize, **block)
        x = attention_behind(x, name, attended, kernels)
    return x


@gin.configurable(module="biggan_deep")
@checked(name="biggan_deep.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    ch: Count = 128,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
    attention: Attention = None,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = False,
    pooling: Pooling = total,
):
    """A convolution, blocks, of which B1, B3, ... halve the sides; ReLU, pooling.

    Args:
      sample_shape: (side, side, channels), of 32, 64, 128, 256 or 512 px.
      num_classes: of the labels, or None.
      ch: channels of which all others are multiples.
      norm: makes the normalisations, four a block.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      kernel_initializer: of every kernel but the conditioning's, a name that Keras knows or an
        initializer.
      attention: as in `generator`, but a side means the last block with maps of that side.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
      unit_interval: whether D sees images in [0, 1], as in compare_gan, else in [-1, 1].
      pooling: of the last maps, see `pooling`; published: `sum`.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = published(_DISCRIMINATORS, side, "biggan_deep.discriminator")
    kernels = Kernels(kernel_initializer, kernel_norm)
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    first, *widths = (ch * multiple for multiple in default.multiples)
    x = _blocks(
        kernels.conv(first, 3, name="initial_conv")(x),
        widths,
        [{"downsample": mean_halving} if index % 2 == 0 else {} for index in range(len(widths))],
        [side // 2 ** (index // 2 + 1) for index in range(len(widths))],
        attention=default.attention if attention is None else attention,
        last=True,
        marked=True,
        option="biggan_deep.discriminator.attention",
        kernels=kernels,
        norm=norm,
    )
    return biggan_blocks.discriminator_model(
        inputs, x, labels, kernels=kernels, conditioning=conditioning, pooling=pooling
    )
