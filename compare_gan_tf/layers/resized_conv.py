"""Convolutions beside a doubling or halving of the sides, computed with fewer products.

For a kernel k and the layers of `resizing` these are equal up to rounding:

  zero insertion, then k x k    = a transposed convolution of stride 2;
  nearest doubling, then k x k  = the same, then sums of 2 x 2 neighbours;
  bilinear doubling, then 3 x 3 = the same of maps extended by a pixel, then sums weighted by
                                  1/4, 3/4, 3/4, 1/4 along both sides, less what lies outside;
  k x k, then the mean of 2 x 2 = means of 2 x 2 neighbours, then a convolution of stride 2;
  1 x 1 and any of them         = 1 x 1 where the sides are small.

Each takes a quarter of the products, and 4 or 16 for every value of the sums.
"""

__all__ = ["ResizedConv2D", "resized_conv"]

import math
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.layers.resizing import (
    BILINEAR,
    BilinearDoubling,
    ZeroInsertion,
    doubled_bilinearly,
    mean_halving,
    nearest_doubling,
    separable_kernel,
    with_edges,
)
from compare_gan_tf.layers.state import has_plain_forms, is_under_xla
from compare_gan_tf.settings.signatures import Count, OneOf, checked

_LAYERS = {
    "nearest": nearest_doubling,
    "zeros": ZeroInsertion,
    "bilinear": BilinearDoubling,
    "mean": mean_halving,
}
# Where the strided form of a 3x3 kernel is faster than what is written: {kind of device:
# {resizing: least side of the small maps}}; measured by benchmarks/resized_conv.py. Other devices
# are not measured, and take the plain form.
STRIDED_WINS = {
    "CPU": {"nearest": 1, "zeros": 1, "bilinear": 16, "mean": 1},
    "CPU under XLA": {"zeros": 1},
}

_FIXED = {
    "strides": (1, 1),
    "padding": "same",
    "dilation_rate": (1, 1),
    "groups": 1,
    "activation": keras.activations.linear,
    "data_format": "channels_last",
}
Form = Annotated[str, OneOf("auto", "plain", "strided")]
Resizing = Annotated[str, OneOf(*_LAYERS)]


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ResizedConv2D(keras.layers.Conv2D):
    """A SAME convolution after a doubling of the sides, or before a halving; maps [n, h, w, c].

    Its weights are those of `keras.layers.Conv2D`, whose further arguments are initializers,
    regularizers, constraints and `use_bias`.

    Args:
      filters: channels of the result.
      kernel_size: side of the kernel.
      resizing: "nearest", "zeros" or "bilinear" doubling, or "mean" of 2 x 2 pixels.
      form: "plain" computes what is written; "strided" an equivalent form with fewer products,
        where there is one; "auto" what is faster on the kind of device at hand.

    Raises:
      UserError: there are strides, dilations, groups, an activation, or channels first.
    """

    @checked
    def __init__(self, filters, kernel_size, resizing: Resizing, form: Form = "auto", **conv):
        super().__init__(filters, kernel_size, **({"padding": "same"} | conv))
        self.resizing, self.form = resizing, form
        self.resize = _LAYERS[resizing](dtype=self.dtype_policy)
        for name, value in _FIXED.items():
            if getattr(self, name) != value:
                raise UserError(f"ResizedConv2D({name}=...) is not possible: leave it out")
        if len(set(self.kernel_size)) > 1:
            raise UserError(f"ResizedConv2D: kernel_size is {kernel_size}: give one number")

    @property
    def halves(self) -> bool:
        """Whether the sides are halved after the convolution, not doubled before it."""
        return self.resizing == "mean"

    def build(self, input_shape):
        shape = input_shape if self.halves else self.resize.compute_output_shape(input_shape)
        super().build(shape)

    def compute_output_shape(self, input_shape):
        if self.halves:
            return self.resize.compute_output_shape(super().compute_output_shape(input_shape))
        return super().compute_output_shape(self.resize.compute_output_shape(input_shape))

    def call(self, inputs):
        if self.is_strided(inputs.shape):
            x = self._strided(inputs, tf.convert_to_tensor(self.kernel))
            # After the resizing, for the bias is at inserted zeros, too.
            return tf.nn.bias_add(x, self.bias.value) if self.use_bias else x
        if self.halves:
            return self.resize(super().call(inputs))
        return super().call(self.resize(inputs))

    def is_strided(self, input_shape) -> bool:
        """Whether the layer computes the strided form of maps [n, h, w, c] on this device."""
        side, sides = self.kernel_size[0], input_shape[1:3]
        if self.form == "plain" or has_plain_forms() or None in sides:
            return False
        if side == 1:  # two operations exchanged: cheaper on any device
            return True
        exists = {
            "nearest": side > 2,
            "zeros": side % 2 == 1,
            "bilinear": side == 3,
            "mean": all(length % 2 == 0 for length in sides),
        }[self.resizing]
        if not exists or self.form == "strided":
            return exists
        least = STRIDED_WINS.get(_device(), {}).get(self.resizing, math.inf)
        return min(sides) // (2 if self.halves else 1) >= least

    def _strided(self, x, kernel):
        side = kernel.shape[0]
        if side == 1:
            x = self.resize(x) if self.halves else x
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
            return x if self.halves else self.resize(x)
        before = (side - 1) // 2  # rows of padding of a SAME convolution
        after = side - 1 - before
        if self.resizing == "mean":
            x = _weighted_sums(x, (0.5, 0.5), (before, after))
            return tf.nn.conv2d(x, kernel, 2, "VALID")
        if self.resizing == "zeros":  # mirrored, for then the padding is SAME
            mirrored = tf.reverse(x, [1, 2]), kernel[::-1, ::-1]
            return tf.reverse(_transposed(*mirrored, (before - 1, after)), [1, 2])
        if self.resizing == "nearest":
            return _weighted_sums(_transposed(x, kernel, (after - 1, before - 1)), (1.0, 1.0))
        extended = _transposed(with_edges(with_edges(x, 1), 2), kernel, (1, 1))
        return _weighted_sums(extended, BILINEAR) - _outside(x, kernel)

    def get_config(self):
        return super().get_config() | {"resizing": self.resizing, "form": self.form}


def _device() -> str:
    """The kind of the fastest device that TensorFlow sees, a key of `STRIDED_WINS`."""
    kind = next(kind for kind in ("TPU", "GPU", "CPU") if tf.config.list_logical_devices(kind))
    return f"{kind} under XLA" if is_under_xla() else kind


def _transposed(x, kernel, cropped):
    """The SAME convolution of x [n, h, w, c] with zeros between its pixels, and beyond its borders.

    All (h - 1) 2 + k rows and as many columns, less `cropped` ones at their (beginning, end).
    """
    number, *sides, _ = x.shape
    whole = sum(cropped)
    sides = [2 * length - 2 + kernel.shape[0] - whole for length in sides]
    # oneDNN, three times as fast, does not take explicit paddings.
    halves = cropped == (whole // 2, whole - whole // 2) and whole >= kernel.shape[0] - 2
    named = "SAME" if halves else "VALID" if not whole else None
    padding = named or [[0, 0], cropped, cropped, [0, 0]]
    adjoint = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
    shape = [number or tf.shape(x)[0], *sides, kernel.shape[3]]
    return tf.nn.conv2d_transpose(x, adjoint, shape, 2, padding)


def _weighted_sums(x, weights, padding=(0, 0)):
    """Sums of neighbours of x [n, h, w, c] with these weights along both sides, each channel alone.

    `padding` is the number of zeros (before, behind) each side.
    """
    kernel = separable_kernel(weights, x.shape[3], x.dtype)
    padding = [[0, 0], padding, padding, [0, 0]] if any(padding) else "VALID"
    return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], padding)


def _outside(x, kernel):
    """What a 3x3 kernel makes, beyond the borders, of the extension of doubled x [n, h, w, c].

    A SAME convolution has zeros there. The result is 0 but in the first and last rows and columns.
    """
    _, height, width, _ = x.shape
    sides = [x[:, :1], x[:, height - 1 :], x[:, :, :1], x[:, :, width - 1 :]]
    top, bottom, left, right = map(doubled_bilinearly, sides)  # each twice
    top, bottom = (with_edges(row[:, :1], 2) for row in (top, bottom))  # [n, 1, 2w + 2, c]
    top = tf.nn.conv2d(top, kernel[:1], 1, "VALID")
    bottom = tf.nn.conv2d(bottom, kernel[2:], 1, "VALID")
    left = tf.nn.conv2d(left[:, :, :1], kernel[:, :1], 1, "SAME")
    right = tf.nn.conv2d(right[:, :, :1], kernel[:, 2:], 1, "SAME")
    rows = _apart(top, bottom, 1, 2 * height)
    return rows + _apart(left, right, 2, 2 * width)


def _apart(first, last, axis: int, length: int):
    """The first and the last slice along an axis of this length, with zeros between."""
    paddings = [[0, 0]] * 4
    paddings[axis] = [0, length - 2]
    return tf.concat([tf.pad(first, paddings), last], axis)


@gin.configurable(module="layers")
@checked
def resized_conv(
    filters,
    kernel_size: Count,
    *,
    up=None,
    down=None,
    kernel_norm=None,
    form: Form = "auto",
    name: str,
    **conv,
):
    """Makes a function of maps [n, h, w, c]: a SAME convolution, with resizings around it.

    Args:
      filters: channels of the result.
      kernel_size: side of the kernel.
      up: makes the layer before the convolution, such as `nearest_doubling`, or None.
      down: makes the layer after the convolution, such as `mean_halving`, or None.
      kernel_norm: reparameterises the kernel; None for none.
      form: see `ResizedConv2D`, which the resizings that it knows become. Others stay layers.
      name: of the convolution, and the beginning of those of the resizings.
      **conv: further arguments of `keras.layers.Conv2D`.
    """
    up, down = up and up(name=f"{name}_up"), down and down(name=f"{name}_down")
    resizing = None
    if up is None or down is None:
        resizing = _known(up, ("nearest", "zeros", "bilinear")) or _known(down, ("mean",))
    if resizing:
        layer = ResizedConv2D(filters, kernel_size, resizing, form, name=name, **conv)
        return reparameterised(layer, kernel_norm)
    layer = keras.layers.Conv2D(filters, kernel_size, padding="same", name=name, **conv)
    layer = reparameterised(layer, kernel_norm)
    if up is None and down is None:
        return layer

    def resized(x):
        x = layer(x if up is None else up(x))
        return x if down is None else down(x)

    return resized


def _known(layer, kinds) -> str | None:
    """The one of these kinds of resizing that a layer is, in every setting; None for no layer."""
    for kind in kinds:
        known = _LAYERS[kind]()
        if type(layer) is type(known) and _settings(layer) == _settings(known):
            return kind
    return None


def _settings(layer) -> dict:
    config = layer.get_config()
    return {name: value for name, value in config.items() if name not in ("name", "dtype")}
