"""FastGAN (Liu et al., 2021), for small sets of images, published at 256, 512 and 1024 px.

G doubles maps from 4 px on by convolutions with gated linear units. Maps of 64 px and more are
multiplied, channel by channel, by gates made of maps of a sixteenth of their side ("skip-layer
excitation", their eq. 1), as are those of D's main path. D has a second path, from images of
128 px. Each path ends in 5 x 5 scores of patches; the logit is their mean. `PatchHinge` and
`Reconstruction` are its objectives, which read the scores and the maps.

32, 64 and 128 px are ours: the blocks of larger sides are left out, and D's second path takes
images of half the side.

The published G has a second output, of 128 px, which D's second path takes for fakes; here that
path takes every second, fourth or eighth pixel of fakes, as it does of reals.
"""

from typing import Annotated

import gin
import keras
from keras import ops

from compare_gan_tf.architectures import blocks, logits
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import LOCAL_FEATURES
from compare_gan_tf.architectures.shapes import Images
from compare_gan_tf.architectures.stylegan2_layers import AddedNoise
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.settings.signatures import Count, checked

Shape = Annotated[tuple[int, ...], Images(sides=(32, 64, 128, 256, 512, 1024))]
# Channels at a side, in units of the width.
_OF_G = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
_OF_D = {8: 16, 16: 8, 32: 4, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
_GATED = {64: 4, 128: 8, 256: 16, 512: 32}  # {side: the side of the maps that its gates are of}
_TWO_CONVOLUTIONS = (8, 32, 128, 512)  # sides of G
_SIDES = (128, 64, 32, 16, 8)  # px of D's maps
_SMALL = 128  # px of D's second path, or half the side of the images
_PROJECTION = Projection()
_NO_CONDITION = blocks.Condition()


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class GatedLinear(keras.layers.Layer):
    """[..., 2c] -> a sigmoid(b), [..., c], a and b being the halves of the channels."""

    def call(self, x):
        a, b = ops.split(x, 2, -1)
        return a * ops.sigmoid(b)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // 2)


class _Parts:
    """The blocks of one player, with its norms."""

    def __init__(self, norm, kernel_norm, condition=_NO_CONDITION):
        self.norm, self.kernel_norm, self.condition = norm, kernel_norm, condition

    def conv(self, x, units: int, size: int, stride: int = 1, padding: str = "same", *, name: str):
        """A convolution without bias."""
        layer = keras.layers.Conv2D(
            units,
            size,
            stride,
            padding,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            name=name,
        )
        return reparameterised(layer, self.kernel_norm)(x)

    def normalised(self, x, name: str):
        return blocks.normalise(self.norm, x, name=f"{name}_norm", condition=self.condition)

    def gated(self, x, units: int, *, name: str, noise: bool = False):
        """A 3x3 convolution, noise, a norm and gated linear units."""
        x = self.conv(x, 2 * units, 3, name=name)
        x = AddedNoise(name=f"{name}_noise")(x) if noise else x
        return GatedLinear(name=f"{name}_glu")(self.normalised(x, name))

    def rectified(self, x, units: int, size: int, stride: int = 1, *, name: str):
        """A convolution, a norm and a leaky ReLU."""
        x = self.normalised(self.conv(x, units, size, stride, name=name), name)
        return keras.layers.LeakyReLU(0.2, name=f"{name}_relu")(x)

    def excited(self, x, small, *, name: str):
        """x times sigmoid gates of the maps `small`, pooled to 4x4: eq. 1."""
        with layers_in_full_precision():  # sums of up to 64 x 64 values
            pooled = keras.layers.AveragePooling2D(small.shape[1] // 4, name=f"{name}_pool")(small)
        h = self.conv(pooled, x.shape[-1], 4, padding="valid", name=f"{name}_conv0")
        h = keras.layers.Activation("silu", name=f"{name}_silu")(h)
        h = self.conv(h, x.shape[-1], 1, name=f"{name}_conv1")
        gates = keras.layers.Activation("sigmoid", name=f"{name}_gates")(h)
        return keras.layers.Multiply(name=name)([x, gates])

    def halved(self, x, units: int, *, name: str):
        """The mean of two convolutions, the first of stride 2, and of pooling and a convolution."""
        h = self.rectified(x, units, 4, 2, name=f"{name}_conv0")
        h = self.rectified(h, units, 3, name=f"{name}_conv1")
        pooled = keras.layers.AveragePooling2D(2, name=f"{name}_pool")(x)
        direct = self.rectified(pooled, units, 1, name=f"{name}_direct")
        return keras.layers.Average(name=name)([h, direct])


def _channels(table: dict, side: int, width: int) -> int:
    return max(1, int(table[side] * width))


@gin.configurable(module="fastgan")
@checked(name="fastgan.generator")
def generator(
    sample_shape: Shape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = spectral_norm,
):
    """A dense layer to 4x4, doublings with gated convolutions and excitations, and a tanh.

    Args:
      sample_shape: (side, side, channels), side 32, 64, 128, 256, 512 or 1024 px.
      latent_dim: of z. Published: 256.
      num_classes: of the labels, or None, as published. They are appended one-hot to z, unless
        `norm` uses them.
      width: channels at 128 px; 16 times as many at 4 px.
      norm: makes the normalisation after each convolution.
      kernel_norm: reparameterises every kernel; None for none.

    Raises:
      UserError: the images have another side.
    """
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    parts = _Parts(norm, kernel_norm, condition)
    units = _channels(_OF_G, 4, width)
    settings = {"kernel_norm": kernel_norm, "biased": False, "name": "b4"}
    x = blocks.dense(16 * 2 * units, **settings)(blocks.first_input(*condition, norm))
    x = parts.normalised(keras.layers.Reshape((4, 4, 2 * units), name="b4_maps")(x), "b4")
    maps = {4: GatedLinear(name="b4_glu")(x)}
    for side in (side for side in _OF_G if 4 < side <= sample_shape[0]):
        units, two = _channels(_OF_G, side, width), side in _TWO_CONVOLUTIONS
        x = keras.layers.UpSampling2D(2, name=f"b{side}_up")(maps[side // 2])
        x = parts.gated(x, units, noise=two, name=f"b{side}_conv0")
        x = parts.gated(x, units, noise=True, name=f"b{side}_conv1") if two else x
        if side in _GATED:
            x = parts.excited(x, maps[_GATED[side]], name=f"b{side}_excited")
        maps[side] = x
    x = parts.conv(maps[sample_shape[0]], sample_shape[2], 3, name="to_images")
    return blocks.generator_model(inputs, keras.layers.Activation("tanh", name="images")(x))


@gin.configurable(module="fastgan")
@checked(name="fastgan.discriminator")
def discriminator(
    sample_shape: Shape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = spectral_norm,
    conditioning: Conditioning = _PROJECTION,
):
    """Two paths to 8x8 maps, and 5 x 5 scores of patches at the end of each.

    It offers to objectives "patches", the 50 scores; "seen", the images as D takes them; and the
    maps "whole_maps" and "part_maps" of the main path, of 8 and 16 px, and "small_maps" of 8 px.

    Args:
      sample_shape: (side, side, channels), side 32, 64, 128, 256, 512 or 1024 px.
      num_classes: of the labels, or None, as published.
      width: channels at 128 px.
      norm: makes the normalisation after each convolution but the first of a path.
      kernel_norm: reparameterises every kernel; None for none.
      conditioning: how D uses the labels, see `conditioning`, added to each patch's score; None
        for no labels.

    Raises:
      UserError: the images have another side.
    """
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    seen = keras.layers.Identity(name="seen")(inputs["images"])
    parts = _Parts(norm, kernel_norm)
    whole = _main_path(parts, x if labels is not None else seen, width)
    small = _second_path(parts, seen, width)
    return _scored(parts, inputs, (whole, small), labels, (kernel_norm, conditioning), width)


def _main_path(parts, x, width: int):
    """Images to maps of 8 px."""

    def units(side):
        return _channels(_OF_D, side, width)

    first = min(256, x.shape[1])
    if x.shape[1] == 1024:
        x = parts.conv(x, units(1024), 4, 2, name="from_1024")
        x = keras.layers.LeakyReLU(0.2, name="from_1024_relu")(x)
        x = parts.rectified(x, units(512), 4, 2, name="from_512")
    else:
        size, stride = (3, 1) if x.shape[1] == first else (4, 2)
        x = parts.conv(x, units(2 * first), size, stride, name="from_images")
        x = keras.layers.LeakyReLU(0.2, name="from_images_relu")(x)
    maps = {first: x}
    for side in (side for side in _SIDES if side < first):
        x = parts.halved(x, units(2 * side), name=f"b{side}")
        if 8 * side in maps:
            x = parts.excited(x, maps[8 * side], name=f"b{side}_excited")
        if side in (16, 8):
            name = "part_maps" if side == 16 else "whole_maps"
            x = keras.layers.Identity(name=name)(x)
        maps[side] = x
    return x


def _second_path(parts, images, width: int):
    """Every k-th pixel of images, of 128 px or half their side, to maps of 8 px."""
    first = min(_SMALL, images.shape[1] // 2)
    x = keras.layers.AveragePooling2D(1, images.shape[1] // first, name="small")(images)
    for index, side in enumerate(side for side in _SIDES if side < first):
        units, name = _channels(_OF_D, 4 * side, width), f"small_conv{index}"
        if index == 0:
            x = keras.layers.LeakyReLU(0.2, name=f"{name}_relu")(
                parts.conv(x, units, 4, 2, name=name)
            )
        else:
            x = parts.rectified(x, units, 4, 2, name=name)
    return keras.layers.Identity(name="small_maps")(x)


@layers_in_full_precision()
def _scored(parts, inputs, paths, labels, settings, width: int):
    """Completes D: maps of 8 px of both paths to the scores of patches, and their mean."""
    kernel_norm, conditioning = settings
    whole, small = paths
    x = keras.layers.Identity(name=LOCAL_FEATURES)(whole)
    h = parts.rectified(x, _channels(_OF_D, 8, width), 1, name="scores_conv")
    scores = [
        parts.conv(h, 1, 4, padding="valid", name="scores"),
        parts.conv(small, 1, 4, padding="valid", name="small_scores"),
    ]
    flat = [keras.layers.Flatten(name=f"flat{i}")(one) for i, one in enumerate(scores)]
    patches = keras.layers.Concatenate(name="all_patches")(flat)
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    addend, further = logits.added_to_logit(conditioning, features, labels, kernel_norm)
    if addend is not None:
        patches = keras.layers.Add(name="with_label_score")([patches, addend])
    patches = keras.layers.Identity(name="patches")(patches)
    mean = ops.mean(patches, 1, keepdims=True)
    return logits.assembled(inputs, features, mean, None, further)
