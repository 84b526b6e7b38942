"""The residual block of compare_gan's ResNets, and its resizing of maps.

Every block has a 3x3 convolution as its shortcut, even if the shape does not change: this explains
the names and the numbers of parameters of these networks.
"""

from typing import Annotated, Any

import gin
import keras
from keras import ops

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.pooling import pooled
from compare_gan_tf.settings.signatures import Function

_NOTHING = blocks.Condition()
Upsample = Annotated[
    Any, Function(name="", like="a function that makes a layer such as @nearest", classes=True)
]


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ZeroInsertion(keras.layers.Layer):
    """[n, h, w, c] -> [n, 2h, 2w, c] with out[2i, 2j] = x[i, j] and 0 elsewhere."""

    def call(self, x):
        height, width, channels = x.shape[1:]
        x = ops.reshape(x, (-1, height, 1, width, 1, channels))
        x = ops.pad(x, [(0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)])
        return ops.reshape(x, (-1, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, 2 * height, 2 * width, channels


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class BilinearDoubling(keras.layers.Layer):
    """[n, h, w, c] -> [n, 2h, 2w, c], bilinear between pixel centres, constant beyond the borders.

    Along an axis out[2i] = x[i - 1] / 4 + 3 x[i] / 4 and out[2i + 1] = 3 x[i] / 4 + x[i + 1] / 4.
    """

    def call(self, x):
        for axis in (1, 2):
            x = _doubled(x, axis)
        return x

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, 2 * height, 2 * width, channels


def _doubled(x, axis: int):
    """x twice as long along this axis."""
    shape = x.shape
    rest = [slice(None)] * axis
    before = ops.concatenate([x[(*rest, slice(0, 1))], x[(*rest, slice(0, -1))]], axis)
    behind = ops.concatenate([x[(*rest, slice(1, None))], x[(*rest, slice(-1, None))]], axis)
    pairs = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * behind], axis + 1)
    return ops.reshape(pairs, (-1, *shape[1:axis], 2 * shape[axis], *shape[axis + 1 :]))


@gin.configurable(module="residual")
def bilinear(*, name: str | None = None):
    """Doubles the sides bilinearly, as mimicry and PyTorch do, for `upsample=`."""
    return BilinearDoubling(name=name)


@gin.configurable(module="residual")
def nearest(*, name: str | None = None):
    """Doubles the sides by repeating each pixel, for the `upsample=` of an architecture."""
    return keras.layers.UpSampling2D(2, interpolation="nearest", name=name)


@gin.configurable(module="residual")
def zero_insertion(*, name: str | None = None):
    """Doubles the sides by inserting zeros ("bed of nails"), as compare_gan, for `upsample=`."""
    return ZeroInsertion(name=name)


def average_pool(*, name: str | None = None):
    """Halves the sides, rounded up, by the mean of 2x2 pixels."""
    return keras.layers.AveragePooling2D(2, 2, "same", name=name)


def block(
    x,
    filters: int,
    *,
    name: str,
    norm,
    kernel_norm=None,
    condition=_NOTHING,
    upsample=None,
    downsample=None,
    shortcut_kernel: int = 3,
    first_relu: bool = True,
):
    """shortcut(x) + conv(relu(norm(conv(relu(norm(x)))))), convolutions 3x3.

    Args:
      x: [n, h, w, c].
      filters: channels of the result.
      name: prefix of the names of its layers.
      norm: makes the two normalisations.
      kernel_norm: reparameterises the three kernels; None for none.
      condition: what the normalisations may depend on.
      upsample: makes the layer before the first convolution and before the shortcut's, or None.
      downsample: makes the layer after the last convolution and after the shortcut's, or None.
      shortcut_kernel: side of the shortcut's kernel.
      first_relu: whether there is a first ReLU; use False if x are images in [-1, 1].
    """
    shortcut = resized(x, upsample, f"{name}_shortcut_up")
    shortcut = blocks.conv(
        filters, shortcut_kernel, kernel_norm=kernel_norm, name=f"{name}_shortcut"
    )(shortcut)
    shortcut = resized(shortcut, downsample, f"{name}_shortcut_down")
    x = blocks.normalise(norm, x, name=f"{name}_norm0", condition=condition)
    x = keras.layers.ReLU(name=f"{name}_relu0")(x) if first_relu else x
    x = resized(x, upsample, f"{name}_up")
    x = blocks.conv(filters, 3, kernel_norm=kernel_norm, name=f"{name}_conv0")(x)
    x = blocks.normalise(norm, x, name=f"{name}_norm1", condition=condition)
    x = keras.layers.ReLU(name=f"{name}_relu1")(x)
    x = blocks.conv(filters, 3, kernel_norm=kernel_norm, name=f"{name}_conv1")(x)
    x = resized(x, downsample, f"{name}_down")
    return keras.layers.Add(name=f"{name}_sum")([shortcut, x])


def resized(x, make, name: str):
    """make(name=name)(x), where `make` makes a layer that resizes maps; x itself for None."""
    return make(name=name)(x) if make else x


def first_maps(z, size: tuple[int, int], filters: int, *, kernel_norm=None):
    """A dense layer from z to maps [n, *size, filters]."""
    height, width = size
    x = blocks.dense(height * width * filters, kernel_norm=kernel_norm, name="dense")(z)
    return keras.layers.Reshape((height, width, filters), name="maps")(x)


def to_images(x, channels: int, *, kernel_norm=None):
    """A convolution 3x3 and a sigmoid to images [n, H, W, channels] in [-1, 1]."""
    return blocks.sigmoid_images(
        blocks.conv(channels, 3, kernel_norm=kernel_norm, name="out_conv")(x)
    )


def last_activation(x, *, norm, condition=_NOTHING):
    """A normalisation and a ReLU, at the end of a generator."""
    x = blocks.normalise(norm, x, name="out_norm", condition=condition)
    return keras.layers.ReLU(name="out_relu")(x)


def pooled_features(x, pooling):
    """pooling(relu(x)): [n, h, w, c] -> [n, c]."""
    return pooled(keras.layers.ReLU(name="out_relu")(x), pooling)
