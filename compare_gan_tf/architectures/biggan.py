"""BigGAN (Brock et al., 2019, appendix B), with the sizes of compare_gan.

At 128 px, with 1000 classes and z of dimension 120, G has 70,433,988 parameters and D 87,982,370,
as in compare_gan and in the authors' PyTorch code. As in the authors' code, blocks of D that keep
the number of channels have a shortcut, upsampling repeats pixels, D sees images in [-1, 1], and the
gain of batch norm is centred at 1. For compare_gan's exact networks bind
`generator.upsample = @zero_insertion`, `discriminator.shortcut = @no_shortcut`,
`discriminator.unit_interval = True` and `conditional_batch_norm.centred = False`.

The published networks have spectral norm on all kernels except those of the embeddings (bind both
players' `kernel_norm` and `conditional_batch_norm.kernel_norm` to `@spectral_norm`), and all
initial kernels are orthogonal (bind `conditional_batch_norm.initializer = "orthogonal"`).
"""

import gin
import keras
from keras import ops

from compare_gan_tf.architectures import biggan_blocks, blocks
from compare_gan_tf.architectures.biggan_attention import Attention
from compare_gan_tf.architectures.biggan_blocks import Shortcut, identity_shortcut, published
from compare_gan_tf.architectures.biggan_kernels import ORTHOGONAL, Kernels
from compare_gan_tf.architectures.biggan_stacks import (
    Widths,
    doubling_blocks,
    halving_blocks,
    require_doublings,
)
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.pooling import Pooling, total
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import SquareShape
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm, conditional_batch_norm, no_norm, self_modulation
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, Counts, Index, checked

_PROJECTION = Projection()
_GENERATORS = {
    32: Widths((4, 4, 4, 4)),
    64: Widths((16, 16, 8, 4, 2), ("B4",)),
    128: Widths((16, 16, 8, 4, 2, 1), ("B4",)),
    256: Widths((16, 16, 8, 8, 4, 2, 1), ("B5",)),
    512: Widths((16, 16, 8, 8, 4, 2, 1, 1), ("B4",)),
}
_DISCRIMINATORS = {
    32: Widths((2, 2, 2, 2), ("B1",)),
    64: Widths((2, 4, 8, 16, 16), ("B1",)),
    128: Widths((1, 2, 4, 8, 16, 16), ("B1",)),
    256: Widths((1, 2, 4, 8, 8, 16, 16), ("B2",)),
    512: Widths((1, 1, 2, 4, 8, 8, 16, 16), ("B3",)),
}


@gin.configurable(module="biggan")
@checked(name="biggan.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    ch: Count = 96,
    multiples: Counts | None = None,
    norm: blocks.Norm | None = None,
    final_norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
    upsample: Upsample = nearest,
    attention: Attention = None,
    hierarchical_z: bool = True,
    embed_z: bool = False,
    embed_y: bool = True,
    embed_y_dim: Count = 128,
    embed_bias: bool = False,
):
    """A dense layer, residual blocks that double the sides from 4; norm, ReLU, convolution, tanh.

    Args:
      sample_shape: (side, side, channels); published for 32, 64, 128, 256 and 512 px.
      latent_dim: of z. Published: 120 at 128 px, 140 at 256, 160 at 512.
      num_classes: of the labels, or None. Unless `norm` uses them, they go beside z to the dense
        layer.
      ch: channels of which all others are multiples.
      multiples: of `ch`, of the first maps and of each block's; None for the published ones.
      norm: makes the normalisations, two a block; None for `conditional_batch_norm`, or
        `self_modulation` without classes.
      final_norm: makes the last normalisation.
      kernel_norm: reparameterises every kernel but the embeddings', e.g. `spectral_norm`; None for
        none.
      kernel_initializer: of every kernel but the norms', a name that Keras knows or an initializer.
      upsample: doubles the sides: `nearest`, or `zero_insertion` as in compare_gan.
      attention: the blocks that attention follows: names, such as "B4", or sides of their maps,
        such as 64, or a tuple of several; () for none; None for compare_gan's, which at 256 px is
        after the maps of 128 px, and at 32 px none. The authors have 64.
      hierarchical_z: splits z into one part more than there are blocks. The dense layer takes the
        first part. The norms of a block take one of the others: as z, and, concatenated with the
        labels, as labels. If False, all take the whole z.
      embed_z: passes z through a dense layer as wide as z first.
      embed_y: passes labels, if there are any, through a dense layer of `embed_y_dim` units.
      embed_y_dim: see `embed_y`.
      embed_bias: whether these two layers have a bias.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = Widths(multiples) if multiples else published(_GENERATORS, side, "biggan.generator")
    require_doublings(default.multiples, side, "biggan.generator")
    first, *widths = (ch * multiple for multiple in default.multiples)
    kernels = Kernels(kernel_initializer, kernel_norm)
    norm = norm or default_norm(num_classes)
    inputs, (z, labels) = blocks.generator_input(latent_dim, num_classes)
    embeddings = kernels._replace(norm=None)
    if embed_z:
        z = embeddings.dense(latent_dim, bias=embed_bias, name="embed_z")(z)
    if embed_y and num_classes:
        labels = embeddings.dense(embed_y_dim, bias=embed_bias, name="embed_y")(labels)
    whole = blocks.Condition(z, labels)
    first_z, conditions = z, [whole] * len(widths)
    if hierarchical_z:
        first_z, conditions = _hierarchy(whole, len(widths), norm)
    x = blocks.first_input(first_z, labels, norm)
    x = biggan_blocks.first_maps(x, first, kernels=kernels)
    x = doubling_blocks(
        x,
        widths,
        conditions=conditions,
        kernels=kernels,
        norm=norm,
        upsample=upsample,
        attention=default.attention if attention is None else attention,
        architecture="biggan.generator",
    )
    images = biggan_blocks.to_images(
        x, sample_shape[2], kernels=kernels, norm=final_norm, condition=whole
    )
    return blocks.generator_model(inputs, images)


def default_norm(num_classes):
    """The default norm of BigGAN's generators: by labels if there are classes, else by z."""
    return conditional_batch_norm if num_classes else self_modulation


def _hierarchy(whole: blocks.Condition, count: int, norm):
    """(the z of the first layer, the condition of each block)."""
    if whole.z.shape[-1] % (count + 1):
        raise UserError(
            f"biggan.generator.hierarchical_z splits z in {count + 1}, but its dimension is "
            f"{whole.z.shape[-1]}: make it a multiple of {count + 1}, or hierarchical_z = False"
        )
    asked = blocks.conditions(norm)
    if not asked:
        raise UserError(
            "biggan.generator.hierarchical_z gives parts of z to the norms, but "
            "biggan.generator.norm takes none: take conditional_batch_norm or self_modulation, or "
            "set hierarchical_z = False"
        )
    first, *parts = ops.split(whole.z, count + 1, axis=1)
    if whole.labels is None or "z" in asked:  # a norm that takes both has z once
        return first, [blocks.Condition(part, whole.labels) for part in parts]
    joined = [
        keras.layers.Concatenate(name=f"B{index + 1}_condition")([part, whole.labels])
        for index, part in enumerate(parts)
    ]
    return first, [blocks.Condition(labels=labels) for labels in joined]


@gin.configurable(module="biggan")
@checked(name="biggan.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    ch: Count = 96,
    multiples: Counts | None = None,
    halvings: Index | None = None,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    kernel_initializer=ORTHOGONAL,
    shortcut: Shortcut = identity_shortcut,
    attention: Attention = None,
    conditioning: Conditioning = _PROJECTION,
    unit_interval: bool = False,
    relu_shortcut: bool = False,
    pooling: Pooling = total,
):
    """Residual blocks, all but the last of which halve the sides; ReLU, pooling.

    Args:
      sample_shape: (side, side, channels); published for 32, 64, 128, 256 and 512 px.
      num_classes: of the labels, or None.
      ch: channels of which all others are multiples.
      multiples: of `ch`, of each block's maps; None for the published ones.
      halvings: number of first blocks that halve the sides; None for all but the last one. At 32 px
        the authors, and StudioGAN, have 2.
      norm: makes the normalisations, two a block.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      kernel_initializer: of every kernel but the conditioning's, a name that Keras knows or an
        initializer.
      shortcut: of blocks that keep the number of channels: `identity_shortcut`;
        `learned_shortcut`, with which blocks that halve the sides have weights there, as the
        authors' at 256 px and above, and StudioGAN's at 32; or `no_shortcut`, as in compare_gan.
      attention: as in `generator`; a side means the last block with maps of that side.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
      unit_interval: whether D sees images in [0, 1] and B1 begins with a ReLU, as in compare_gan;
        else D sees images in [-1, 1], and B1 begins without a ReLU.
      relu_shortcut: as in `sagan.discriminator`.
      pooling: of the last maps, see `pooling`; published: `sum`.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = (
        Widths(multiples) if multiples else published(_DISCRIMINATORS, side, "biggan.discriminator")
    )
    kernels = Kernels(kernel_initializer, kernel_norm)
    inputs, x, labels = blocks.discriminator_input(
        sample_shape, num_classes, conditioning, unit_interval=unit_interval
    )
    x = halving_blocks(
        x,
        [ch * multiple for multiple in default.multiples],
        len(default.multiples) - 1 if halvings is None else halvings,
        kernels=kernels,
        norm=norm,
        shortcut=shortcut,
        attention=default.attention if attention is None else attention,
        first_relu=unit_interval,
        architecture="biggan.discriminator",
        relu_shortcut=relu_shortcut,
    )
    return biggan_blocks.discriminator_model(
        inputs, x, labels, kernels=kernels, conditioning=conditioning, pooling=pooling
    )
