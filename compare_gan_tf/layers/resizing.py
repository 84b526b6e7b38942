"""Layers that double or halve the sides of maps [n, h, w, c]."""

__all__ = ["BilinearDoubling", "ZeroInsertion", "mean_halving", "nearest_doubling"]

import keras
from keras import ops


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
        for axis in (1, 2):
            x = _doubled(x, axis)
        return x


def _doubled(x, axis: int):
    """x twice as long along this axis."""
    shape = x.shape
    rest = [slice(None)] * axis
    before = ops.concatenate([x[(*rest, slice(0, 1))], x[(*rest, slice(0, -1))]], axis)
    behind = ops.concatenate([x[(*rest, slice(1, None))], x[(*rest, slice(-1, None))]], axis)
    pairs = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * behind], axis + 1)
    return ops.reshape(pairs, (-1, *shape[1:axis], 2 * shape[axis], *shape[axis + 1 :]))


def nearest_doubling(**layer):
    """Makes a layer that repeats each pixel 2 x 2 times; for the arguments see Keras' `Layer`."""
    return keras.layers.UpSampling2D(2, interpolation="nearest", **layer)


def mean_halving(**layer):
    """Makes a layer of the mean of 2 x 2 pixels, fewer at the end of an odd side."""
    return keras.layers.AveragePooling2D(2, 2, "same", **layer)
