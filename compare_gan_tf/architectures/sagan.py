"""SAGAN (Zhang et al., 2019): residual players with attention, spectral norm in both.

At 128 px the layers are those of the authors' code, with attention at 32 px ("feat32" of their
table 1). At 32 and 64 px layers and attention are StudioGAN's, whose SNGAN is the same without
attention: with `attention = ()` and 10 classes at 32 px G has 4.30 million parameters and D 1.06
million, with 1000 classes at 128 px 42.0 and 39.4 million. At 48 px, from maps of 6x6, layers are
mimicry's, whose ResNets (Lee and Town, 2020) are these without attention and with
`discriminator.narrow = True`, and at 64 px with `discriminator.halvings = 5`.

With labels G's norm is `conditional_batch_norm`; its kernels are under spectral norm, as in
StudioGAN, if `conditional_batch_norm.kernel_norm` is bound to `@spectral_norm`.
"""

import gin

from compare_gan_tf.architectures import biggan_blocks, blocks
from compare_gan_tf.architectures.biggan_attention import Attention
from compare_gan_tf.architectures.biggan_blocks import Shortcut, learned_shortcut, published
from compare_gan_tf.architectures.biggan_kernels import ORTHOGONAL, Kernels
from compare_gan_tf.architectures.biggan_stacks import Widths, doubling_blocks, halving_blocks
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.pooling import Pooling, total
from compare_gan_tf.architectures.residual import Upsample, nearest
from compare_gan_tf.architectures.shapes import SquareShape
from compare_gan_tf.layers import batch_norm, conditional_batch_norm, no_norm, spectral_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, Index, checked

_PROJECTION = Projection()
_GENERATORS = {
    32: Widths((4, 4, 4, 4), (16,)),
    48: Widths((8, 4, 2, 1)),
    64: Widths((16, 8, 4, 2, 1), (32,)),
    128: Widths((16, 16, 8, 4, 2, 1), (32,)),
}
_DISCRIMINATORS = {
    32: Widths((2, 2, 2, 2), ("B1",), 2),
    48: Widths((1, 2, 4, 8, 16), (), 4),
    64: Widths((1, 2, 4, 8, 16), (32,), 4),
    128: Widths((1, 2, 4, 8, 16, 16), (32,), 5),
}


@gin.configurable(module="sagan")
@checked(name="sagan.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    ch: Count = 64,
    norm: blocks.Norm | None = None,
    final_norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = spectral_norm,
    kernel_initializer=ORTHOGONAL,
    residual_initializer=None,
    upsample: Upsample = nearest,
    attention: Attention = None,
):
    """A dense layer, residual blocks that double the sides; norm, ReLU, convolution, tanh.

    Args:
      sample_shape: (side, side, channels), of 32, 48, 64 or 128 px.
      latent_dim: of z. Published: 128.
      num_classes: of the labels, or None. They go one-hot beside z to the dense layer unless
        `norm` uses them.
      ch: channels of which all others are multiples.
      norm: makes the normalisations, two a block; None for `conditional_batch_norm`, or
        `batch_norm` without classes.
      final_norm: makes the last normalisation.
      kernel_norm: reparameterises every kernel; None for none.
      kernel_initializer: of every kernel but the norms', a name or a configuration that Keras
        knows, or an initializer.
      residual_initializer: of the 3x3 kernels of the blocks; None for `kernel_initializer`.
      upsample: doubles the sides: `nearest`, `bilinear` or `zero_insertion`.
      attention: the blocks that attention follows: names, such as "B3", or sides of their maps,
        such as 32, or a tuple of several; () for none; None for 32, but 16 for images of 32 px, and
        none for images of 48 px.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = published(_GENERATORS, side, "sagan.generator")
    kernels = Kernels(kernel_initializer, kernel_norm, residual_initializer)
    norm = norm or (conditional_batch_norm if num_classes else batch_norm)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    first, *widths = (ch * multiple for multiple in default.multiples)
    x = blocks.first_input(*condition, norm)
    x = doubling_blocks(
        biggan_blocks.first_maps(x, first, kernels=kernels, side=side >> len(widths)),
        widths,
        conditions=[condition] * len(widths),
        kernels=kernels,
        norm=norm,
        upsample=upsample,
        attention=default.attention if attention is None else attention,
        architecture="sagan.generator",
    )
    images = biggan_blocks.to_images(
        x, sample_shape[2], kernels=kernels, norm=final_norm, condition=condition
    )
    return blocks.generator_model(inputs, images)


@gin.configurable(module="sagan")
@checked(name="sagan.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    ch: Count = 64,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = spectral_norm,
    kernel_initializer=ORTHOGONAL,
    residual_initializer=None,
    shortcut: Shortcut = learned_shortcut,
    attention: Attention = None,
    conditioning: Conditioning = _PROJECTION,
    halvings: Index | None = None,
    narrow: bool = False,
    relu_shortcut: bool = False,
    pooling: Pooling = total,
):
    """Residual blocks, the first of which halve the sides; ReLU, pooling.

    Args:
      sample_shape: (side, side, channels), of 32, 48, 64 or 128 px.
      num_classes: of the labels, or None.
      ch: channels of which all others are multiples.
      norm: makes the normalisations, two a block.
      kernel_norm: reparameterises every kernel; None for none.
      kernel_initializer: of every kernel but the conditioning's, a name or a configuration that
        Keras knows, or an initializer.
      residual_initializer: of the 3x3 kernels of the blocks; None for `kernel_initializer`.
      shortcut: of blocks that keep the number of channels, see `biggan.discriminator`.
      attention: as in `generator`; a side means the last block with maps of that side;
        None for 32, behind B1, at 16, in images of 32 px, and for none in those of 48 px.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
      halvings: number of first blocks that halve the sides; None for 2 at 32 px, and all but
        the last at others.
      narrow: whether the first convolution of each block but B1 keeps the number of channels, as in
        mimicry and in the code of Miyato and Koyama (2018).
      relu_shortcut: whether the shortcuts of all blocks but B1 take relu(x), as in StudioGAN and
        mimicry, whose ReLUs work in place.
      pooling: of the last maps, see `pooling`; published: `sum`.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    side = sample_shape[0]
    default = published(_DISCRIMINATORS, side, "sagan.discriminator")
    kernels = Kernels(kernel_initializer, kernel_norm, residual_initializer)
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = halving_blocks(
        x,
        [ch * multiple for multiple in default.multiples],
        default.halvings if halvings is None else halvings,
        kernels=kernels,
        norm=norm,
        shortcut=shortcut,
        attention=default.attention if attention is None else attention,
        first_relu=False,
        architecture="sagan.discriminator",
        narrow=narrow,
        relu_shortcut=relu_shortcut,
    )
    return biggan_blocks.discriminator_model(
        inputs, x, labels, kernels=kernels, conditioning=conditioning, pooling=pooling
    )
