"""StyleGAN2 (Karras et al., 2020), with the labels and the CIFAR-10 variant of ADA's paper.

G maps z to w by dense layers, and a style for each layer of its synthesis is affine in w. The
synthesis begins at a trained 4x4 map; at each side from 8 px up there are two modulated 3x3
convolutions, the first of which doubles the maps, and at each side colours are added to the
filtered, doubled colours of the side before ("skip"). D has a residual block at each side. Sides of
s px have min(channel_base / s, channel_max) channels: `channel_base` is 32768 in configuration F
and 16384 in E. All learning rates are equalised.

At 1024 px, without labels, F has 30,370,060 parameters in G and 29,012,513 in D.

The CIFAR-10 variant (Karras et al., 2020, ADA, appendix D) has 2 layers in the mapping, no style
mixing, no residual connections in D and groups of 32 in the minibatch standard deviation.

As published, G's images are not bounded in training; in inference they are clipped to [-1, 1].
"""

import functools
from typing import NamedTuple

import gin
import keras

from compare_gan_tf.architectures import blocks, logits
from compare_gan_tf.architectures.conditioning import Conditioning
from compare_gan_tf.architectures.equalized import (
    EqualizedConv2D,
    EqualizedDense,
    ModulatedConv2D,
    ScaledLeakyReLU,
)
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.minibatch_std import MinibatchStd
from compare_gan_tf.architectures.r3gan_layers import ClipInInference, FilteredUpsampling
from compare_gan_tf.architectures.shapes import Layers, SquareShape, doublings
from compare_gan_tf.architectures.stylegan2_layers import (
    AddedNoise,
    LearnedConstant,
    SecondLatents,
    Styles,
    TwiceInTraining,
)
from compare_gan_tf.layers import PixelNorm
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.settings.signatures import Count, Fraction, Index, NotNegative, checked

_FIRST = 4  # px
_MAPPING_RATE = 0.01  # of learning, relative to the other layers


def _dense(x, units: int, rate: float = 1.0, *, name: str):
    """An equalised dense layer and its leaky ReLU."""
    x = EqualizedDense(units, rate, name=name)(x)
    return ScaledLeakyReLU(name=f"{name}_act")(x)


def _mapping(z, labels, width: int, depth: int):
    """w, [n, width], from normalised z, normalised embedded labels, or both behind each other."""
    parts = [] if z is None else [PixelNorm(name="unit_z")(z)]
    if labels is not None:
        embedded = EqualizedDense(width, name="embed_y")(labels)
        parts.append(PixelNorm(name="unit_y")(embedded))
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="with_labels")(parts)
    for index in range(depth):
        x = _dense(x, width, _MAPPING_RATE, name=f"mapping{index}")
    return x


@gin.register(module="stylegan2")
class MappedProjection:
    """Makes <M(y), A features> / sqrt(dim) the whole logit; M is a mapping network of the labels.

    Args:
      dim: of both vectors; None for that of the features.
      depth: of M, 8 in NVIDIA's code for all configurations.
    """

    is_whole_logit = True

    @checked
    def __init__(self, dim: Count | None = None, depth: Layers = 8):
        self.dim, self.depth = dim, depth

    def at_input(self, x, labels):
        """x: D's input does not change."""
        return x

    def at_logit(self, features, labels, kernel_norm):
        """The logit, [n, 1]."""
        dim = self.dim or features.shape[-1]
        mapped = _mapping(None, labels, dim, self.depth)
        projected = EqualizedDense(dim, name="projection")(features)
        score = keras.layers.Dot(1, name="label_score")([projected, mapped])
        return keras.layers.Rescaling(dim**-0.5, name="label_logit")(score)


_MAPPED_PROJECTION = MappedProjection()


class _Sizes(NamedTuple):
    sides: list[int]  # 4, 8, ..., px
    channels: list[int]  # of each side


def _sizes(sample_shape, channel_base: int, channel_max: int, architecture: str) -> _Sizes:
    times = doublings(sample_shape[0], 2 * _FIRST, architecture) + 1
    sides = [_FIRST << index for index in range(times + 1)]
    return _Sizes(sides, [max(1, min(channel_base // side, channel_max)) for side in sides])


@gin.configurable(module="stylegan2")
@checked(name="stylegan2.generator")
def generator(
    sample_shape: SquareShape,
    latent_dim,
    num_classes=None,
    *,
    channel_base: Count = 32768,
    channel_max: Count = 512,
    w_dim: Count = 512,
    mapping_depth: Layers = 8,
    style_mixing: Fraction = 0.9,
    truncation: NotNegative = 1.0,
    truncation_cutoff: Index | None = None,
):
    """The mapping, and a synthesis with skips; noise is added behind each 3x3 convolution.

    Args:
      sample_shape: (side, side, channels), side 8, 16, 32, ... px.
      latent_dim: of z. Published: 512.
      num_classes: of the labels, or None. Their embedding is put behind z.
      channel_base, channel_max: sides of s px have min(channel_base / s, channel_max) channels.
      w_dim: of w, of the hidden layers of the mapping and of the labels' embedding.
      mapping_depth: dense layers of the mapping. Published: 8.
      style_mixing: probability that a sample in training takes its styles from two w. NVIDIA's
        code decides, and cuts, once for a batch; the paper has samples of both kinds.
      truncation: psi, in inference alone: w becomes a + psi (w - a), a being its average in
        training; 1, as for published scores, for none.
      truncation_cutoff: number of layers that are truncated; None for all.

    Raises:
      UserError: the images have no such side.
    """
    sizes = _sizes(sample_shape, channel_base, channel_max, "stylegan2.generator")
    inputs, (z, labels) = blocks.generator_input(latent_dim, num_classes)
    with layers_in_full_precision():
        if style_mixing:
            z = SecondLatents(name="second_latents")(z)
            labels = labels if labels is None else TwiceInTraining(name="second_labels")(labels)
        w = _mapping(z, labels, w_dim, mapping_depth)
        number = 2 * len(sizes.sides)  # 1 at 4 px, then 2 each, and the last colours
        cuts = {"truncation": truncation, "cutoff": truncation_cutoff}
        styles = Styles(number, style_mixing, **cuts, name="styles")(w)
    colours = _synthesis(styles, sizes, sample_shape[2])
    return blocks.generator_model(inputs, ClipInInference(name="images")(colours))


def _synthesis(styles, sizes: _Sizes, channels: int):
    """Images [n, side, side, channels] from the list of styles [n, w_dim]."""
    x = LearnedConstant(_FIRST, sizes.channels[0], name="constant")(styles[0])
    colours = None
    for index, (side, width) in enumerate(zip(*sizes, strict=True)):
        if index:
            x = _layer(x, styles[2 * index - 1], width, up=True, name=f"b{side}_conv0")
        x = _layer(x, styles[2 * index], width, name=f"b{side}_conv1")
        # The colours have the style of the next side's first layer.
        added = _modulated(x, styles[2 * index + 1], channels, 1, False, name=f"b{side}_colours")
        colours = _sum_of(colours, added, side)
    return colours


def _modulated(x, w, units: int, kernel_size: int, demodulate: bool = True, *, up=False, name: str):
    """A modulated convolution of x [n, h, w, c], whose style [n, c] is affine in w."""
    with layers_in_full_precision():
        style = EqualizedDense(x.shape[-1], bias="ones", name=f"{name}_style")(w)
    return ModulatedConv2D(units, kernel_size, up, demodulate, name=name)([x, style])


def _layer(x, w, units: int, *, up: bool = False, name: str):
    """A modulated 3x3 convolution, noise, and a leaky ReLU."""
    x = _modulated(x, w, units, 3, up=up, name=name)
    x = AddedNoise(name=f"{name}_noise")(x)
    return ScaledLeakyReLU(name=f"{name}_act")(x)


@layers_in_full_precision()
def _sum_of(colours, added, side: int):
    """Colours of this side, and the doubled ones of the side before if there are any."""
    if colours is None:
        return added
    doubled = FilteredUpsampling(name=f"b{side}_doubled")(colours)
    return keras.layers.Add(name=f"b{side}_sum")([doubled, added])


@gin.configurable(module="stylegan2")
@checked(name="stylegan2.discriminator")
def discriminator(
    sample_shape: SquareShape,
    num_classes=None,
    *,
    channel_base: Count = 32768,
    channel_max: Count = 512,
    residual: bool = True,
    group_size: Count = 4,
    group_features: Count = 1,
    conditioning: Conditioning = _MAPPED_PROJECTION,
):
    """A 1x1 convolution, a block at each side down to 8 px, and dense layers of 4x4 pixels.

    Args:
      sample_shape: (side, side, channels), side 8, 16, 32, ... px.
      num_classes: of the labels, or None.
      channel_base, channel_max: as in `generator`.
      residual: whether the blocks have residual connections; not in the CIFAR-10 variant.
      group_size, group_features: of `MinibatchStd`.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.

    Raises:
      UserError: the images have no such side.
    """
    sizes = _sizes(sample_shape, channel_base, channel_max, "stylegan2.discriminator")
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = _conv(x, sizes.channels[-1], 1, name="from_colours")
    for index in reversed(range(1, len(sizes.sides))):
        x = _block(x, sizes.channels[index - 1], residual, name=f"b{sizes.sides[index]}")
    groups = group_size, group_features
    return _scored(inputs, local_features(x), labels, groups, conditioning)


def _conv(x, units: int, kernel_size: int, down: bool = False, *, name: str):
    """An equalised convolution and its leaky ReLU."""
    x = EqualizedConv2D(units, kernel_size, down, name=name)(x)
    return ScaledLeakyReLU(name=f"{name}_act")(x)


def _block(x, width: int, residual: bool, *, name: str):
    """[n, h, w, c] -> [n, h / 2, w / 2, width], (main path + skip) / sqrt(2) if `residual`."""
    h = _conv(x, x.shape[-1], 3, name=f"{name}_conv0")
    h = _conv(h, width, 3, down=True, name=f"{name}_conv1")
    if not residual:
        return h
    skip = EqualizedConv2D(width, 1, down=True, use_bias=False, name=f"{name}_skip")(x)
    both = keras.layers.Add(name=f"{name}_sum")([h, skip])
    return keras.layers.Rescaling(0.5**0.5, name=name)(both)


@layers_in_full_precision()
def _scored(inputs, x, labels, groups, conditioning):
    """Completes D: [n, 4, 4, c] to features [n, c] and one logit per sample."""
    width = x.shape[-1]
    x = MinibatchStd(*groups, name="minibatch_std")(x)
    x = _conv(x, width, 3, name="b4_conv")
    features = _dense(keras.layers.Flatten(name="flat")(x), width, name="features")
    logit = functools.partial(EqualizedDense, 1, name="logit")
    return logits.scored(inputs, features, labels, logit, conditioning)
