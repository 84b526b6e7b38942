"""Layers with equalised learning rates, and StyleGAN2's filtered and modulated convolutions.

A kernel is trained as N(0, 1) and multiplied at run time by 1 / sqrt(fan_in) (Karras et al., 2018,
section 4.1), so that Adam's steps are relative to the same size in every layer.
"""

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.layers.precision import widened
from compare_gan_tf.settings import keras_insides

FILTER = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0  # low-pass, of sum 1 (Karras et al., 2020)
_SMALL = 1e-8
_CLAMP = 256.0


class _Equalized(keras.layers.Layer):
    """What these layers share: a kernel [..., fan, units], its factor, and a bias [units]."""

    def __init__(self, units: int, use_bias: bool = True, **layer):
        super().__init__(**layer)
        self.units, self.use_bias = units, use_bias

    def _add(self, shape, rate: float = 1.0, bias: str = "zeros"):
        initial = keras.initializers.RandomNormal(stddev=1.0 / rate)
        self.kernel = self.add_weight(shape=shape, initializer=initial, name="kernel")
        self.factor = rate / float(np.prod(shape[:-1])) ** 0.5
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=shape[-1:], initializer=bias, name="bias")

    def get_config(self):
        return super().get_config() | {"units": self.units, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class EqualizedDense(_Equalized):
    """x [n, c] -> x W rate / sqrt(c) + b rate, [n, units]; W starts at N(0, 1 / rate^2).

    Args:
      units: of the result.
      rate: of learning, relative to other layers; 0.01 in a mapping network.
      bias: the initializer of b, a name that Keras knows.
      use_bias: whether there is b.
    """

    def __init__(self, units: int, rate: float = 1.0, bias: str = "zeros", **layer):
        super().__init__(units, **layer)
        self.rate, self.initial_bias = rate, bias

    def build(self, input_shape):
        self._add((input_shape[-1], self.units), self.rate, self.initial_bias)

    def call(self, x):
        x = tf.matmul(x, self.kernel * self.factor)
        return x if self.bias is None else x + self.bias * self.rate

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return super().get_config() | {"rate": self.rate, "bias": self.initial_bias}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class EqualizedConv2D(_Equalized):
    """A SAME convolution of an odd kernel; with `down`, of filtered maps at every second pixel.

    [n, h, w, c] -> [n, h, w, units] or, with `down`, [n, h / 2, w / 2, units] of even sides. Both
    the filter and the convolution see zeros beyond the borders of x, and the convolution sees what
    the filter makes there.
    """

    def __init__(self, units: int, kernel_size: int, down: bool = False, **layer):
        super().__init__(units, **layer)
        self.kernel_size, self.down = kernel_size, down

    def build(self, input_shape):
        self._add((self.kernel_size, self.kernel_size, input_shape[-1], self.units))

    def call(self, x):
        kernel = tf.convert_to_tensor(self.kernel * self.factor)
        if self.down:
            edge = self.kernel_size // 2 + 1
            x = tf.nn.conv2d(filtered(x, (edge, edge)), kernel, 2, "VALID")
        else:
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
        return x if self.bias is None else x + self.bias

    def compute_output_shape(self, input_shape):
        n, height, width, _ = input_shape
        step = 2 if self.down else 1
        return n, height // step, width // step, self.units

    def get_config(self):
        return super().get_config() | {"kernel_size": self.kernel_size, "down": self.down}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ModulatedConv2D(_Equalized):
    """A convolution whose kernel depends on a style (Karras et al., 2020, eq. 1 and 3).

    [x [n, h, w, i], s [n, i]] -> [n, h, w, o], or [n, 2h, 2w, o] with `up`. The kernel of a sample
    is w'_ijk = s_i w_ijk, for inputs i, outputs j and places k; with `demodulate` it is
    w''_ijk = w'_ijk / sqrt(sum over i and k of w'_ijk^2 + 1e-8). The result is computed as
    convolution(x s) / sqrt(...), with one kernel for all samples; the root is in full precision.
    With `up` zeros are put between pixels, and the result of the 3x3 convolution is filtered with
    gain 4; there the kernel is mirrored, as in the transposed convolution that computes it.

    Args:
      units: o.
      kernel_size: odd; 3 with `up`.
      up: whether the sides are doubled.
      demodulate: whether kernels are normalised.
    """

    def __init__(
        self, units: int, kernel_size: int, up: bool = False, demodulate: bool = True, **layer
    ):
        super().__init__(units, **layer)
        self.kernel_size, self.up, self.demodulate = kernel_size, up, demodulate

    def build(self, input_shape):
        shape, _ = input_shape
        self._add((self.kernel_size, self.kernel_size, shape[-1], self.units))

    def call(self, inputs):
        x, styles = inputs
        with keras_insides.without_autocast():
            kernel = tf.convert_to_tensor(self.kernel) * self.factor
            styles, gains = self._modulation(kernel, widened(self, styles))
        styles, gains, kernel = (tf.cast(one, x.dtype) for one in (styles, gains, kernel))
        x = self._convolved(x * styles[:, None, None], kernel) * gains[:, None, None]
        return x if self.bias is None else x + self.bias

    def _modulation(self, kernel, styles):
        """(factors [n, i] before the convolution, factors [n, o] after it)."""
        if not self.demodulate:
            return styles, tf.ones_like(styles[:, :1])
        # In float16 maps times large styles would overflow, so the largest one is applied later.
        largest = tf.stop_gradient(tf.reduce_max(tf.abs(styles), 1, keepdims=True)) + _SMALL
        squares = tf.matmul(tf.square(styles), tf.reduce_sum(tf.square(kernel), [0, 1]))
        return styles / largest, largest * tf.math.rsqrt(squares + _SMALL)

    def _convolved(self, x, kernel):
        if not self.up:
            return tf.nn.conv2d(x, kernel, 1, "SAME")
        _, height, width, _ = x.shape
        shape = [tf.shape(x)[0], 2 * height + 1, 2 * width + 1, self.units]
        x = tf.nn.conv2d_transpose(x, tf.transpose(kernel, (0, 1, 3, 2)), shape, 2, "VALID")
        return filtered(x, (1, 1), gain=4.0)

    def compute_output_shape(self, input_shape):
        (n, height, width, _), _ = input_shape
        times = 2 if self.up else 1
        return n, times * height, times * width, self.units

    def get_config(self):
        own = ("kernel_size", "up", "demodulate")
        return super().get_config() | {name: getattr(self, name) for name in own}


def filtered(x, padding, gain: float = 1.0):
    """`FILTER` along both sides of x [n, h, w, c], after so many zeros (before, behind) each."""
    kernel = np.outer(FILTER, FILTER)[:, :, None, None] * gain
    kernel = tf.constant(np.repeat(kernel, x.shape[-1], 2), x.dtype)
    x = tf.pad(x, [(0, 0), padding, padding, (0, 0)])
    return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "VALID")


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ScaledLeakyReLU(keras.layers.Layer):
    """sqrt(2) x for x > 0, else 0.2 sqrt(2) x; in float16 cut to [-256, 256], as in ADA's paper."""

    def call(self, x):
        x = tf.nn.leaky_relu(x, 0.2) * 2.0**0.5
        return tf.clip_by_value(x, -_CLAMP, _CLAMP) if x.dtype == tf.float16 else x

    def compute_output_shape(self, input_shape):
        return input_shape
