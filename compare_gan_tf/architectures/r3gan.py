"""R3GAN (Huang et al., 2024, "config E" of their table 2; sizes of the authors' presets).

Both players are stages of residual blocks, one stage per resolution. A block is a 1x1 convolution
to twice the channels, a grouped 3x3 and a 1x1 convolution back, with leaky ReLUs (0.2) between them
and without normalisation. The last kernel of a block is initially 0; the others are
N(0, gain^2 / fan_in) with gain sqrt(2 / (1 + 0.2^2)) L^(-1/4) for L blocks in a player: the rule of
fix-up (Zhang et al., 2019, section 3) for three linear layers. At 256 px without labels, with z of
dimension 64, G has 23,057,952 parameters and D 23,009,568; at 32 px with 10 classes 20,781,952 and
21,280,512.

As published, G's images are not bounded in training; in inference they are clipped to [-1, 1].
"""

import functools

import gin
import keras

from compare_gan_tf.architectures import blocks, logits
from compare_gan_tf.architectures.biggan_blocks import FIRST_SIDE
from compare_gan_tf.architectures.conditioning import Conditioning
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.r3gan_blocks import KernelSize, Stages, conv, dense
from compare_gan_tf.architectures.r3gan_layers import (
    ClipInInference,
    FilteredDownsampling,
    FilteredUpsampling,
    LearnedMap,
    Taps,
)
from compare_gan_tf.architectures.shapes import Blocks, SquareShape, doublings
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.settings.signatures import Count, Counts, checked


@gin.register(module="r3gan")
class InnerProduct:
    """Makes <E y, P features> the whole logit, without an unconditional term.

    Args:
      embed_dim: length of both vectors; None for that of the features.
    """

    is_whole_logit = True

    @checked
    def __init__(self, embed_dim: Count | None = None):
        self.embed_dim = embed_dim

    def at_input(self, x, labels):
        """x: D's input does not change."""
        return x

    def at_logit(self, features, labels, kernel_norm):
        """The logit, [n, 1]."""
        dim = self.embed_dim or features.shape[-1]
        projected = dense(dim, kernel_norm=kernel_norm, name="projection")(features)
        embedded = dense(dim, gain=dim**-0.5, kernel_norm=kernel_norm, name="embed_y")(labels)
        return keras.layers.Dot(1, name="label_score")([projected, embedded])


_INNER_PRODUCT = InnerProduct()


@gin.configurable(module="r3gan")
@checked(name="r3gan.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    widths: Counts | None = None,
    cardinalities: Counts | None = None,
    depth: Blocks = 2,
    expansion: Count = 2,
    kernel_size: KernelSize = 3,
    resampling_filter: Taps = (1, 2, 1),
    embed_dim: Count | None = None,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
):
    """A learned 4x4 map with gains linear in z, then stages with upsampling between them.

    Args:
      sample_shape: (side, side, channels), side 4, 8, 16, ... px.
      latent_dim: of z. Published: 64.
      num_classes: of the labels, or None. Their embedding is put behind z.
      widths: channels of the stages from 4 px up; None for 768 up to 32 px, then half as many at
        each doubling, as published for all but ImageNet, which has 1536 in all stages.
      cardinalities: groups of the stages' 3x3 convolutions; None for one for each 8 of `widths`,
        as published for all but ImageNet, which has 96.
      depth: blocks a stage.
      expansion: of the channels inside a block.
      kernel_size: of the grouped convolutions, odd.
      resampling_filter: taps, see `FilteredUpsampling`.
      embed_dim: of the labels' embedding; None for that of z.
      norm: makes a normalisation in front of each leaky ReLU.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none. With it the
        last kernels of the blocks start like the others, since there is no norming zeros.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    stages = Stages(
        "r3gan.generator",
        _widths(sample_shape, widths, "r3gan.generator"),
        cardinalities,
        depth,
        expansion,
        kernel_size,
        norm,
        kernel_norm,
    )
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x, labels = condition
    if num_classes:
        embedded = dense(embed_dim or latent_dim, kernel_norm=kernel_norm, name="embed_y")(labels)
        x = keras.layers.Concatenate(name="with_labels")([x, embedded])
    x = dense(stages.widths[0], kernel_norm=kernel_norm, name="gains")(x)
    x = LearnedMap(FIRST_SIDE, name="maps")(x)
    for index, width in enumerate(stages.widths):
        if x.shape[-1] != width:
            x = conv(width, kernel_norm=kernel_norm, name=f"stage{index}_widen")(x)
        if index:
            x = FilteredUpsampling(resampling_filter, name=f"stage{index}_up")(x)
        x = stages.run(x, index, condition)
    x = conv(sample_shape[2], kernel_norm=kernel_norm, name="to_images")(x)
    return blocks.generator_model(inputs, ClipInInference(name="images")(x))


def _widths(sample_shape, widths, architecture: str) -> tuple[int, ...]:
    """Channels of each stage, from 4 px up."""
    side = sample_shape[0]
    times = doublings(side, FIRST_SIDE, architecture)
    if widths is None:
        return tuple(min(768, 768 * 32 // (FIRST_SIDE << i)) for i in range(times + 1))
    if len(widths) != times + 1:
        raise UserError(
            f"{architecture}.widths has {len(widths)} numbers, but images of {side} px need "
            f"{times + 1}: one for 4 px and one for each doubling"
        )
    return tuple(widths)


@gin.configurable(module="r3gan")
@checked(name="r3gan.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    widths: Counts | None = None,
    cardinalities: Counts | None = None,
    depth: Blocks = 2,
    expansion: Count = 2,
    kernel_size: KernelSize = 3,
    resampling_filter: Taps = (1, 2, 1),
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _INNER_PRODUCT,
):
    """A 1x1 convolution, stages with downsampling between them, learned weights of 4x4 pixels.

    Args:
      sample_shape: (side, side, channels), side 4, 8, 16, ... px.
      num_classes: of the labels, or None.
      widths, cardinalities, depth, expansion, kernel_size: as in `generator`, also from 4 px up.
      resampling_filter: taps, see `FilteredDownsampling`.
      norm: makes a normalisation in front of each leaky ReLU.
      kernel_norm: as in `generator`.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.

    Raises:
      UserError: sizes or options do not fit each other.
    """
    stages = Stages(
        "r3gan.discriminator",
        _widths(sample_shape, widths, "r3gan.discriminator"),
        cardinalities,
        depth,
        expansion,
        kernel_size,
        norm,
        kernel_norm,
    )
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = conv(stages.widths[-1], kernel_norm=kernel_norm, name="from_images")(x)
    for index in reversed(range(len(stages.widths))):
        x = stages.run(x if index else local_features(x), index)
        if index:
            x = FilteredDownsampling(resampling_filter, name=f"stage{index}_down")(x)
            width = stages.widths[index - 1]
            if x.shape[-1] != width:
                x = conv(width, kernel_norm=kernel_norm, name=f"stage{index}_widen")(x)
    return _scored(inputs, x, labels, kernel_norm, conditioning)


@layers_in_full_precision()
def _scored(inputs, x, labels, kernel_norm, conditioning):
    """Completes D: [n, 4, 4, c] to features [n, c] and one logit per sample."""
    pool = keras.layers.DepthwiseConv2D(
        FIRST_SIDE,
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomNormal(stddev=1 / FIRST_SIDE),
        name="pool",
    )
    pooled = reparameterised(pool, kernel_norm)(x)
    features = keras.layers.Flatten(name="features")(pooled)
    logit = functools.partial(dense, 1, kernel_norm=kernel_norm, name="logit")
    return logits.scored(inputs, features, labels, logit, conditioning, kernel_norm)
