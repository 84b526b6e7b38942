"""Layers that double or halve the sides of maps [n, h, w, c]."""

__all__ = ["BilinearDoubling", "ZeroInsertion", "mean_halving", "nearest_doubling"]

import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.layers.state import is_under_xla

BILINEAR = (0.25, 0.75, 0.75, 0.25)  # weights of a pixel in the doubled ones around it


class _Doubling(keras.layers.Layer):
    """Base of layers [n, h, w, c] -> [n, 2h, 2w, c]."""

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, 2 * height, 2 * width, channels


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ZeroInsertion(_Doubling):
    """[n, h, w, c] -> [n, 2h, 2w, c] with out[2i, 2j] = x[i, j] and 0 elsewhere."""

    def call(self, x):
        height, width, channels = x.shape[1:]
        x = ops.reshape(x, (-1, height, 1, width, 1, channels))
        x = ops.pad(x, [(0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)])
        return ops.reshape(x, (-1, 2 * height, 2 * width, channels))


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class BilinearDoubling(_Doubling):
    """[n, h, w, c] -> [n, 2h, 2w, c], bilinear between pixel centres, constant beyond the borders.

    Along an axis out[2i] = x[i - 1] / 4 + 3 x[i] / 4 and out[2i + 1] = 3 x[i] / 4 + x[i + 1] / 4.
    """

    def call(self, x):
        return doubled_bilinearly(x)


def doubled_bilinearly(x):
    """See `BilinearDoubling`."""
    if is_under_xla():  # whose transposed convolutions of each channel alone are slow
        return _doubled_along(_doubled_along(x, 1), 2)
    number, height, width, channels = x.shape
    kernel = separable_kernel(BILINEAR, channels, x.dtype)
    shape = [number or tf.shape(x)[0], 2 * height, 2 * width, channels]
    crops = [[0, 0], [3, 3], [3, 3], [0, 0]]
    extended = with_edges(with_edges(x, 1), 2)
    return tf.nn.depthwise_conv2d_backprop_input(shape, kernel, extended, [1, 2, 2, 1], crops)


def _doubled_along(x, axis: int):
    extended = with_edges(x, axis)
    before, behind = (
        tf.gather(extended, tf.range(first, first + x.shape[axis]), axis=axis) for first in (0, 2)
    )
    pairs = tf.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * behind], axis + 1)
    sides = [2 * side if at == axis else side for at, side in enumerate(x.shape)]
    return tf.reshape(pairs, [-1, *sides[1:]])


def separable_kernel(weights, channels: int, dtype):
    """The kernel [k, k, c, 1] of sums of k x k pixels with these k weights along both sides."""
    weights = tf.constant(weights, dtype)
    return tf.tile((weights[:, None] * weights)[:, :, None, None], [1, 1, channels, 1])


def with_edges(x, axis: int):
    """x with its first and its last slice along this axis twice."""
    first, last = (tf.gather(x, [index], axis=axis) for index in (0, x.shape[axis] - 1))
    return tf.concat([first, x, last], axis)


def nearest_doubling(**layer):
    """Makes a layer that repeats each pixel 2 x 2 times; for the arguments see Keras' `Layer`."""
    return keras.layers.UpSampling2D(2, interpolation="nearest", **layer)


def mean_halving(**layer):
    """Makes a layer of the mean of 2 x 2 pixels, fewer at the end of an odd side."""
    return keras.layers.AveragePooling2D(2, 2, "same", **layer)
