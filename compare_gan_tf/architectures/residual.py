"""The residual block of compare_gan's ResNets, and its resizing of maps.

Every block has a 3x3 convolution as its shortcut, even if the shape does not change: this explains
the names and the numbers of parameters of these networks.
"""

import functools
from typing import Annotated, Any

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.pooling import pooled
from compare_gan_tf.layers import resizing
from compare_gan_tf.settings.signatures import Function

_NOTHING = blocks.Condition()
Upsample = Annotated[
    Any, Function(name="", like="a function that makes a layer such as @nearest", classes=True)
]


@gin.configurable(module="residual")
def bilinear(*, name: str | None = None):
    """Doubles the sides bilinearly, as mimicry and PyTorch do, for `upsample=`."""
    return resizing.BilinearDoubling(name=name)


@gin.configurable(module="residual")
def nearest(*, name: str | None = None):
    """Doubles the sides by repeating each pixel, for the `upsample=` of an architecture."""
    return resizing.nearest_doubling(name=name)


@gin.configurable(module="residual")
def zero_insertion(*, name: str | None = None):
    """Doubles the sides by inserting zeros ("bed of nails"), as compare_gan, for `upsample=`."""
    return resizing.ZeroInsertion(name=name)


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
      upsample: makes the layer that doubles the sides before the first convolution and before the
        shortcut's, or None.
      downsample: makes the layer that halves them after the last convolution and after the
        shortcut's, or None.
      shortcut_kernel: side of the shortcut's kernel.
      first_relu: whether there is a first ReLU; use False if x are images in [-1, 1].
    """
    conv = functools.partial(blocks.conv, filters, kernel_norm=kernel_norm)
    shortcut = conv(shortcut_kernel, up=upsample, down=downsample, name=f"{name}_shortcut")(x)
    x = blocks.normalise(norm, x, name=f"{name}_norm0", condition=condition)
    x = keras.layers.ReLU(name=f"{name}_relu0")(x) if first_relu else x
    x = conv(3, up=upsample, name=f"{name}_conv0")(x)
    x = blocks.normalise(norm, x, name=f"{name}_norm1", condition=condition)
    x = keras.layers.ReLU(name=f"{name}_relu1")(x)
    x = conv(3, down=downsample, name=f"{name}_conv1")(x)
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
