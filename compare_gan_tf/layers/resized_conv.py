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

__all__ = ["ResizedConv2D", "plain_forms", "resized_conv"]

import contextlib
import math
import threading
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.layers.resizing import (
    BILINEAR,
    BilinearDoubling,
    ZeroInsertion,
    doubled_bilinearly,
    separable_kernel,
    with_edges,
)
from compare_gan_tf.settings.signatures import OneOf, checked

# Where the strided form is faster than what is written: {kind of device: {resizing: least side of
# the small maps}}; measured by benchmarks/resized_conv.py. Other devices are not measured.
STRIDED_WINS = {"CPU": {"nearest": 1, "zeros": 1, "bilinear": 16, "mean": 1}}

Form = Annotated[str, OneOf("auto", "plain", "strided")]
_local = threading.local()  # each replica of a strategy traces in its own thread


@contextlib.contextmanager
def plain_forms():
    """A context in which each `ResizedConv2D` computes what is written, to count its products."""
    _local.plain = True
    try:
        yield
    finally:
        _local.plain = False


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ResizedConv2D(keras.layers.Conv2D):
    """conv(up(x)) or down(conv(x)), with a SAME convolution of stride 1 and of `Conv2D`'s weights.

    Args:
      filters: channels of the result.
      kernel_size: side of the kernel.
      up: a layer that doubles the sides, or None. One that is not of `resizing` stays a layer of
        its own.
      down: `mean_halving()`, or None.
      form: "plain" computes what is written; "strided" the equal with fewer products, where there
        is one; "auto" what is faster on the kind of device at hand.
    """

    @checked
    def __init__(self, filters, kernel_size, up=None, down=None, form: Form = "auto", **conv):
        super().__init__(filters, kernel_size, **(conv | {"padding": "same"}))
        self.up, self.down, self.form = up, down, form

    @property
    def resizing(self) -> str | None:
        """The way: "nearest", "zeros", "bilinear" or "mean"; None for a layer of another way."""
        if self.down is not None:
            return "mean"
        if isinstance(self.up, keras.layers.UpSampling2D) and self.up.size == (2, 2):
            return self.up.interpolation
        return {ZeroInsertion: "zeros", BilinearDoubling: "bilinear"}.get(type(self.up))

    def build(self, input_shape):
        super().build(self.up.compute_output_shape(input_shape) if self.up else input_shape)

    def compute_output_shape(self, input_shape):
        shape = self.up.compute_output_shape(input_shape) if self.up else input_shape
        shape = super().compute_output_shape(shape)
        return self.down.compute_output_shape(shape) if self.down else shape

    def call(self, inputs):
        if self.is_strided(inputs.shape):
            x = self._strided(inputs, tf.convert_to_tensor(self.kernel))
            # Behind the resizing, for the bias is at inserted zeros, too.
            return tf.nn.bias_add(x, self.bias) if self.use_bias else x
        maps = super().call(self.up(inputs) if self.up else inputs)
        return self.down(maps) if self.down else maps

    def is_strided(self, input_shape) -> bool:
        """Whether the layer computes the strided form of maps [n, h, w, c] on this device."""
        if self.form == "plain" or getattr(_local, "plain", False):
            return False
        side, sides = self.kernel_size[0], input_shape[1:3]
        if side == 1:  # two operations exchanged: cheaper on any device
            return self.resizing is not None
        exists = {
            "nearest": side > 2,
            "zeros": side % 2 == 1,
            "bilinear": side == 3,
            "mean": all(length % 2 == 0 for length in sides),
        }.get(self.resizing, False)
        if not exists or self.form == "strided":
            return exists
        least = STRIDED_WINS.get(_device(), {}).get(self.resizing, math.inf)
        return min(sides) // (2 if self.down else 1) >= least

    def _strided(self, x, kernel):
        side = kernel.shape[0]
        if side == 1:
            x = self.down(x) if self.down else x
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
            return self.up(x) if self.up else x
        before = (side - 1) // 2  # rows of padding of a SAME convolution
        behind = side - 1 - before
        if self.resizing == "mean":
            x = _weighted_sums(x, (0.5, 0.5), (before, behind))
            return tf.nn.conv2d(x, kernel, 2, "VALID")
        if self.resizing == "zeros":  # mirrored, for then the padding is SAME
            mirrored = tf.reverse(x, [1, 2]), kernel[::-1, ::-1]
            return tf.reverse(_transposed(*mirrored, (before - 1, behind)), [1, 2])
        if self.resizing == "nearest":
            return _weighted_sums(_transposed(x, kernel, (behind - 1, before - 1)), (1.0, 1.0))
        extended = _transposed(with_edges(with_edges(x, 1), 2), kernel, (1, 1))
        return _weighted_sums(extended, BILINEAR) - _outside(x, kernel)

    def get_config(self):
        parts = {"up": self.up, "down": self.down}
        saved = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return super().get_config() | saved | {"form": self.form}

    @classmethod
    def from_config(cls, config):
        parts = {n: keras.saving.deserialize_keras_object(config[n]) for n in ("up", "down")}
        return cls(**(config | parts))


def _device() -> str:
    """The kind of the fastest device that TensorFlow sees: "TPU", "GPU" or "CPU"."""
    return next(kind for kind in ("TPU", "GPU", "CPU") if tf.config.list_logical_devices(kind))


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
def resized_conv(filters, kernel_size, *, up=None, down=None, form: Form = "auto", **conv):
    """Makes a `ResizedConv2D`, or a `keras.layers.Conv2D` if there is nothing to resize."""
    if up is None and down is None:
        return keras.layers.Conv2D(filters, kernel_size, padding="same", **conv)
    return ResizedConv2D(filters, kernel_size, up, down, form, **conv)
