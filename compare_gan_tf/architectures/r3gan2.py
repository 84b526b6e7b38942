"""R3GAN2: R3GAN of magnitude-preserving layers, as in the code of its authors (no paper yet).

A block is R3GAN's: a 1x1 convolution to twice the channels, a grouped 3x3 and a 1x1 convolution
back, with leaky ReLUs between them and without normalisation. But weights are normalised (see
`r3gan2_layers`), and block i of a stage adds alpha_i F_i(x_i), alpha_i = tanh(a_i) of each channel
being 0 at first, to maps of variance v_i = 1 + sum_(j < i) alpha_j^2, where x_i are the maps over
sqrt(v_i). So maps keep the variance 1, whatever is learnt. G has noise at each block. At 32 px with
10 classes and z of dimension 64, G has 17,335,425 parameters and D 17,720,832.

Of the code of R3GAN2's ablation (R3GAN2-team, e7b6e0c) D's input of the augmentation's parameters
is left out. Theirs begins with equal embeddings of all classes, ours with drawn ones. G's images
are clipped to [-1, 1] in inference, as R3GAN's.
"""

import functools

import gin
import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.architectures import blocks, logits
from compare_gan_tf.architectures.biggan_blocks import FIRST_SIDE
from compare_gan_tf.architectures.conditioning import Conditioning
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.r3gan2_layers import (
    AppendedNoise,
    AppendedOnes,
    UnitBasis,
    UnitDense,
    UnitEmbedding,
    UnitGroupedConv2D,
    UnitLeakyReLU,
    UnitPool,
)
from compare_gan_tf.architectures.r3gan_blocks import KernelSize
from compare_gan_tf.architectures.r3gan_layers import (
    ClipInInference,
    FilteredDownsampling,
    FilteredUpsampling,
    Taps,
)
from compare_gan_tf.architectures.shapes import Blocks, SquareShape, doublings
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.settings.signatures import Count, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Stage(keras.layers.Layer):
    """Residual blocks: [n, h, w, c] of variance 1 -> the same shape and variance.

    Args:
      depth: blocks.
      expansion: of the channels inside a block.
      group_width: channels of a group of the convolutions.
      kernel_size: of the convolutions, odd.
      noisy: whether a map of noise is an input of each block.
    """

    @checked
    def __init__(
        self,
        depth: Blocks,
        expansion: Count,
        group_width: Count,
        kernel_size: KernelSize,
        noisy: bool,
        **layer,
    ):
        super().__init__(**layer)
        self.settings = {
            "depth": depth,
            "expansion": expansion,
            "group_width": group_width,
            "kernel_size": kernel_size,
            "noisy": noisy,
        }

    def build(self, input_shape):
        self.blocks, self.gains = [], []
        for index in range(self.settings["depth"]):
            shape = input_shape
            self.blocks.append(self._block(input_shape[-1]))
            for layer in self.blocks[-1]:
                if not layer.built:
                    layer.build(shape)
                shape = layer.compute_output_shape(shape)
            gain = self.add_weight(input_shape[-1:], initializer="zeros", name=f"gain{index}")
            self.gains.append(gain)

    def _block(self, width: int) -> list:
        kept = self.settings
        inside = width * kept["expansion"]
        return [
            *([AppendedNoise()] if kept["noisy"] else []),
            AppendedOnes(),
            UnitDense(inside),
            UnitLeakyReLU(),
            UnitGroupedConv2D(inside, kept["group_width"], kept["kernel_size"]),
            UnitLeakyReLU(),
            UnitDense(width),
        ]

    def call(self, x, training=False):
        variance = ops.ones(x.shape[-1], x.dtype)
        for block, gain in zip(self.blocks, self.gains, strict=True):
            alpha, h = ops.tanh(tf.convert_to_tensor(gain)), x * ops.rsqrt(variance)
            for layer in block:
                noisy = isinstance(layer, AppendedNoise)
                h = layer(h, training=training) if noisy else layer(h)
            x, variance = x + alpha * h, variance + alpha * alpha
        return x * ops.rsqrt(variance)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | self.settings


@gin.register(module="r3gan2")
class UnitProjection:
    """Makes <E y, P features> / sqrt(dim) the whole logit, E y of mean square 1.

    Args:
      embed_dim: length of both vectors; None for half of that of the features, as published.
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
        dim = self.embed_dim or features.shape[-1] // 2
        projected = UnitDense(dim, name="projection")(features)
        embedded = UnitEmbedding(dim, centred=False, name="embed_y")(labels)
        score = keras.layers.Dot(1, name="label_score")([projected, embedded])
        return keras.layers.Rescaling(dim**-0.5, name="label_scale")(score)


_PROJECTION = UnitProjection()


def _sizes(architecture, sample_shape, width, expansion, group_width) -> tuple[int, int]:
    """The number of stages, from 8 px, and the channels inside a block."""
    stages = doublings(sample_shape[0], FIRST_SIDE, architecture)
    if not stages:
        raise UserError(f"{architecture} makes images from 8 px on; take r3gan for those of 4 px")
    inside = width * expansion
    if inside % group_width:
        raise UserError(
            f"{architecture}: {inside} channels inside a block do not split into groups of"
            f" {group_width}: change width, expansion or group_width"
        )
    return stages, inside


@gin.configurable(module="r3gan2")
@checked(name="r3gan2.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 512,
    depth: Blocks = 4,
    expansion: Count = 2,
    group_width: Count = 32,
    kernel_size: KernelSize = 3,
    resampling_filter: Taps = (1, 2, 1),
    embed_dim: Count | None = None,
    noisy: bool = True,
):
    """4x4 maps linear in each group of channels, and stages from 8 px with upsampling before each.

    Args:
      sample_shape: (side, side, channels), side 8, 16, 32, ... px.
      latent_dim: of z. Published: 64.
      num_classes: of the labels, or None. Their embedding is put behind z.
      width: channels of all stages.
      depth: blocks of a stage.
      expansion: of the channels inside a block.
      group_width: channels of a group of the convolutions.
      kernel_size: of the grouped convolutions, odd.
      resampling_filter: taps, see `FilteredUpsampling`.
      embed_dim: of the labels' embedding; None for that of z.
      noisy: whether each block has noise.

    Raises:
      UserError: sizes do not fit each other.
    """
    stages, inside = _sizes("r3gan2.generator", sample_shape, width, expansion, group_width)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x, labels = condition
    if num_classes:
        embedded = UnitEmbedding(embed_dim or latent_dim, name="embed_y")(labels)
        x = keras.layers.Concatenate(name="with_labels")([x, embedded])
    x = UnitDense(inside, name="first")(AppendedOnes(name="with_one")(x))
    x = UnitBasis(inside, group_width, FIRST_SIDE, name="maps")(UnitLeakyReLU(name="first_relu")(x))
    x = UnitDense(width, name="narrow")(UnitLeakyReLU(name="maps_relu")(x))
    for index in range(stages):
        x = FilteredUpsampling(resampling_filter, name=f"stage{index}_up")(x)
        settings = (depth, expansion, group_width, kernel_size, noisy)
        x = Stage(*settings, name=f"stage{index}")(x)
    x = UnitDense(sample_shape[2], centred=False, name="to_images")(x)
    x = Gain(name="gain")(x)
    return blocks.generator_model(inputs, ClipInInference(name="images")(x))


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Gain(keras.layers.Layer):
    """x times a number that is trained, 1 at first."""

    def build(self, input_shape):
        self.gain = self.add_weight((), initializer="ones", name="gain")

    def call(self, x):
        return x * self.gain

    def compute_output_shape(self, input_shape):
        return input_shape


@gin.configurable(module="r3gan2")
@checked(name="r3gan2.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    width: Count = 512,
    depth: Blocks = 4,
    expansion: Count = 2,
    group_width: Count = 32,
    kernel_size: KernelSize = 3,
    resampling_filter: Taps = (1, 2, 1),
    conditioning: Conditioning = _PROJECTION,
):
    """A 1x1 convolution, stages with downsampling after each, and weights of 4x4 pixels.

    Args:
      sample_shape: (side, side, channels), side 8, 16, 32, ... px.
      num_classes: of the labels, or None.
      width, depth, expansion, group_width, kernel_size: as in `generator`.
      resampling_filter: taps, see `FilteredDownsampling`.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.

    Raises:
      UserError: sizes do not fit each other.
    """
    stages, inside = _sizes("r3gan2.discriminator", sample_shape, width, expansion, group_width)
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = UnitDense(width, centred=False, name="from_images")(x)
    for index in reversed(range(stages)):
        settings = (depth, expansion, group_width, kernel_size, False)
        x = Stage(*settings, name=f"stage{index}")(x)
        x = FilteredDownsampling(resampling_filter, name=f"stage{index}_down")(x)
    return _scored(inputs, local_features(x), labels, (inside, group_width), conditioning)


@layers_in_full_precision()
def _scored(inputs, x, labels, sizes, conditioning):
    """Completes D: [n, 4, 4, width] to features [n, inside] and one logit per sample."""
    inside, group_width = sizes
    x = UnitDense(inside, name="widen")(AppendedOnes(name="with_one")(x))
    x = UnitPool(inside, group_width, name="pool")(UnitLeakyReLU(name="widen_relu")(x))
    features = UnitLeakyReLU(name="features")(x)
    logit = functools.partial(UnitDense, 1, name="logit")
    return logits.scored(inputs, features, labels, logit, conditioning)
