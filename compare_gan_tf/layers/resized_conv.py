"""Convolutions beside a doubling or halving of the sides, computed with fewer products.

For a kernel k and the layers of `resizing` these are equal up to rounding:

  nearest doubling, then k x k     = a transposed convolution of stride 2, (k + 1) x (k + 1);
  zero insertion, then k x k       = a transposed convolution of stride 2, k x k;
  k x k, then the mean of 2 x 2    = a convolution of stride 2, (k + 1) x (k + 1);
  any doubling, then 1 x 1         = 1 x 1, then the doubling.

With k = 3 they take 4/9, 1/4, 4/9 and 1/4 of the products.
"""

__all__ = ["ResizedConv2D", "plain_forms", "resized_conv"]

import contextlib
import threading
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.layers.resizing import BilinearDoubling, ZeroInsertion
from compare_gan_tf.settings.signatures import OneOf, checked

# Where one strided operation is faster than two, by the kind of device; measured by
# benchmarks/resized_conv.py. On other devices the form is plain, for nothing is measured there.
FUSED_WINS = {"CPU": ("nearest", "zeros", "mean")}

Form = Annotated[str, OneOf("auto", "plain", "fused")]
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
      form: "plain" computes what is written; "fused" the equal with fewer products, where there is
        one; "auto" what is faster on the kind of device at hand.
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
        if self.is_fused(inputs.shape):
            return self._fused(inputs)
        maps = super().call(self.up(inputs) if self.up else inputs)
        return self.down(maps) if self.down else maps

    def is_fused(self, input_shape) -> bool:
        """Whether the layer computes the fused form for maps [n, h, w, c] on this device."""
        if self.form == "plain" or getattr(_local, "plain", False):
            return False
        side = self.kernel_size[0]
        if side == 1:  # an exchange of two operations, cheaper on any device
            return self.resizing is not None
        exists = {
            "nearest": side % 2 == 1,
            "zeros": side % 2 == 1,
            "mean": all(length % 2 == 0 for length in input_shape[1:3]),
        }.get(self.resizing, False)
        return exists and (self.form == "fused" or self.resizing in FUSED_WINS.get(_device(), ()))

    def _fused(self, x):
        kernel = tf.convert_to_tensor(self.kernel)
        if kernel.shape[0] == 1:
            x = self.down(x) if self.down else x
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
            x = self.up(x) if self.up else x
        elif self.resizing == "mean":
            x = tf.nn.conv2d(x, 0.25 * _sum_of_shifts(kernel), 2, "SAME")
        elif self.resizing == "nearest":
            x = _transposed(x, _sum_of_shifts(_adjoint(kernel)), "SAME")
        else:
            before = kernel.shape[0] // 2
            rows = [before, before - 1]
            x = _transposed(x, _adjoint(kernel), [[0, 0], rows, rows, [0, 0]])
        # Behind the doubling, for the bias is at the inserted zeros, too.
        return tf.nn.bias_add(x, self.bias) if self.use_bias else x

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


def _adjoint(kernel):
    """The kernel [k, k, out, in] of the transposed convolution that correlates with `kernel`."""
    return tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])


def _sum_of_shifts(kernel):
    """The sum of [k, k, ...], moved by 0 or 1 row and 0 or 1 column, as [k + 1, k + 1, ...]."""
    ends = [[0, 0], [0, 0]]
    kernel = tf.pad(kernel, [[0, 1], [0, 0], *ends]) + tf.pad(kernel, [[1, 0], [0, 0], *ends])
    return tf.pad(kernel, [[0, 0], [0, 1], *ends]) + tf.pad(kernel, [[0, 0], [1, 0], *ends])


def _transposed(x, kernel, padding):
    """A transposed convolution of stride 2 from maps [n, h, w, c] to [n, 2h, 2w, filters]."""
    number, height, width, _ = x.shape
    shape = [number or tf.shape(x)[0], 2 * height, 2 * width, kernel.shape[2]]
    return tf.nn.conv2d_transpose(x, kernel, shape, 2, padding)


@gin.configurable(module="layers")
@checked
def resized_conv(filters, kernel_size, *, up=None, down=None, form: Form = "auto", **conv):
    """Makes a `ResizedConv2D`, or a `keras.layers.Conv2D` if there is nothing to resize."""
    if up is None and down is None:
        return keras.layers.Conv2D(filters, kernel_size, padding="same", **conv)
    return ResizedConv2D(filters, kernel_size, up, down, form, **conv)
