"""Layers of R3GAN that Keras lacks: grouped convolutions, filtered resampling, a learned map."""

from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Number, Several, checked


class _Filter:
    def check(self, name: str, taps: tuple[float, ...]) -> None:
        """Refuses taps without a middle one, or of sum 0; `name` is that of the setting."""
        if len(taps) % 2 == 0 or sum(taps) == 0:
            raise UserError(
                f"{name} is {tuple(taps)}: it must be an odd number of taps, whose sum is not 0"
            )


Taps = Annotated[tuple[float, ...], Several(Number()), _Filter()]


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class GroupedConv2D(keras.layers.Conv2D):
    """Keras' `Conv2D` with groups and bias, SAME and stride 1, which learns on the CPU too.

    TensorFlow has no gradients of grouped convolutions there; see `grouped_convolution`.
    """

    def call(self, inputs):
        maps = grouped_convolution(inputs, tf.convert_to_tensor(self.kernel), self.groups)
        # A bias added to these maps as they are would be fused with the convolution, and fused
        # ones have no groups on the CPU.
        by_group = ops.reshape(maps, (-1, *maps.shape[1:3], self.groups, self._filters_a_group()))
        biased = by_group + ops.reshape(self.bias, (self.groups, self._filters_a_group()))
        return ops.reshape(biased, (-1, *maps.shape[1:]))

    def _filters_a_group(self):
        return self.filters // self.groups


def grouped_convolution(x, kernel, groups: int):
    """x [n, h, w, g i], kernel [k, k, i, g o] of odd k -> [n, h, w, g o], group by group, SAME.

    Gradients of all orders are there on every device: that by x is a grouped convolution again, and
    that by the kernel a product of matrices for each of its k k places.
    """

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradients(upstream):
            return convolve(upstream, _adjoint(kernel, groups)), _kernel_gradient(
                x, upstream, kernel.shape, groups
            )

        return tf.nn.conv2d(x, kernel, 1, "SAME"), gradients

    return convolve(x, kernel)


def _adjoint(kernel, groups):
    """The kernel of the adjoint map: turned by 180 degrees, inputs and outputs exchanged."""
    side, _, inputs, outputs = kernel.shape
    kernel = tf.reshape(kernel[::-1, ::-1], (side, side, inputs, groups, outputs // groups))
    kernel = tf.transpose(kernel, (0, 1, 4, 3, 2))
    return tf.reshape(kernel, (side, side, outputs // groups, groups * inputs))


def _kernel_gradient(x, upstream, shape, groups):
    """The sum over samples and pixels of x, moved, times the upstream gradient: [k, k, i, g o]."""
    side, _, inputs, _ = shape
    height, width = x.shape[1:3]
    edge = side // 2
    x = _groups_first(tf.pad(x, [(0, 0), (edge, edge), (edge, edge), (0, 0)]), groups)
    upstream = _rows(_groups_first(upstream, groups))
    moved = [
        tf.matmul(
            _rows(x[:, :, row : row + height, column : column + width]), upstream, transpose_a=True
        )
        for row in range(side)
        for column in range(side)
    ]  # each [g, i, o]
    return tf.reshape(tf.transpose(tf.stack(moved), (0, 2, 1, 3)), shape)


def _groups_first(x, groups):
    """[n, h, w, g c] -> [g, n, h, w, c]."""
    x = tf.reshape(x, (-1, *x.shape[1:3], groups, x.shape[-1] // groups))
    return tf.transpose(x, (3, 0, 1, 2, 4))


def _rows(x):
    """[g, n, h, w, c] -> [g, n h w, c]."""
    return tf.reshape(x, (x.shape[0], -1, x.shape[-1]))


class _Resampling(keras.layers.Layer):
    """What the two resamplings have alike: the filter taps * [1, 1], of sum 1, on each axis."""

    @checked
    def __init__(self, taps: Taps = (1, 2, 1), **layer):
        super().__init__(**layer)
        self.taps = tuple(taps)
        self.filter = np.convolve(taps, (1, 1)) / (2.0 * sum(taps))
        self.radius = len(taps) // 2

    def get_config(self):
        return super().get_config() | {"taps": self.taps}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class FilteredDownsampling(_Resampling):
    """[n, h, w, c] -> [n, h / 2, w / 2, c] for even h and w, filtered; 0 beyond the borders."""

    def call(self, x):
        edge, channels = (self.radius, self.radius), x.shape[-1]
        kernel = np.outer(self.filter, self.filter)[:, :, None, None]
        kernel = ops.convert_to_tensor(np.repeat(kernel, channels, 2), x.dtype)
        x = ops.pad(x, [(0, 0), edge, edge, (0, 0)])
        return ops.depthwise_conv(x, kernel, strides=2, padding="valid")

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, height // 2, width // 2, channels


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class FilteredUpsampling(_Resampling):
    """[n, h, w, c] -> [n, 2h, 2w, c]: zeros put in, then filtered with gain 4; 0 beyond borders.

    Taps [1, 2, 1] are bilinear interpolation. The four phases of the result are convolutions of x
    with every second tap.
    """

    def call(self, x):
        height, width, channels = x.shape[1:]
        phases = self._phases()  # [k, 2]
        kernel = np.einsum("ap,bq->abpq", phases, phases).reshape(len(phases), len(phases), 1, 4)
        kernel = ops.convert_to_tensor(np.repeat(kernel, channels, 2), x.dtype)
        x = ops.depthwise_conv(x, kernel, padding="same")
        x = ops.reshape(x, (-1, height, width, channels, 2, 2))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
        return ops.reshape(x, (-1, 2 * height, 2 * width, channels))

    def _phases(self):
        """Weight of x[m + d] in result[2m + phase], at [d + reach, phase], float64."""
        reach = (self.radius + 1) // 2
        phases = np.zeros((2 * reach + 1, 2))
        for offset in range(-reach, reach + 1):
            for phase in range(2):
                tap = phase + self.radius - 2 * offset
                if 0 <= tap < len(self.filter):
                    phases[offset + reach, phase] = 2.0 * self.filter[tap]
        return phases

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, 2 * height, 2 * width, channels


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class LearnedMap(keras.layers.Layer):
    """Gains [n, c] -> gains * map [n, side, side, c]; the map is trained and starts at N(0, 1)."""

    def __init__(self, side: int = 4, **layer):
        super().__init__(**layer)
        self.side = side

    def build(self, input_shape):
        normal = keras.initializers.RandomNormal(stddev=1.0)
        shape = (self.side, self.side, input_shape[-1])
        self.map = self.add_weight(shape=shape, initializer=normal, name="map")

    def call(self, gains):
        return gains[:, None, None, :] * self.map

    def compute_output_shape(self, input_shape):
        n, channels = input_shape
        return n, self.side, self.side, channels

    def get_config(self):
        return super().get_config() | {"side": self.side}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ClipInInference(keras.layers.Layer):
    """x in training, x clipped to [-1, 1] in inference."""

    def call(self, x, training=False):
        return x if training else ops.clip(x, -1.0, 1.0)
