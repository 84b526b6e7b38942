"""R3GAN2's magnitude-preserving layers: inputs of mean square 1 give outputs of mean square 1.

They follow EDM2 (Karras et al., 2024, sections 2.2 and 2.3) as the code of R3GAN's authors has
them: the weights of each output are normalised to mean square 1 in every pass, and again after
every update ("forced weight normalization"), and divided by the root of the number of inputs that
are summed. Centred weights have mean 0, too.
"""

import math

import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.architectures.noise import NoiseLayer, normal
from compare_gan_tf.architectures.r3gan_layers import grouped_convolution
from compare_gan_tf.layers import add_state
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import Count, checked

_SLOPE = 0.2
_EPSILON = 1e-4
# 1 / sqrt(E[leaky_relu(x)^2] - E[leaky_relu(x)]^2) of x ~ N(0, 1).
_GAIN = 1 / math.sqrt(((1 + _SLOPE**2) - (1 - _SLOPE) ** 2 / math.pi) / 2)


def unit_kernel(kernel, centred: bool):
    """The weights of each output, [..., outputs], over their root mean square.

    Args:
      kernel: of any rank, the outputs last.
      centred: whether the mean of each output's weights is subtracted first.
    """
    axes = list(range(len(kernel.shape) - 1))
    if centred:
        kernel = kernel - ops.mean(kernel, axes, keepdims=True)
    return kernel / (ops.sqrt(ops.mean(ops.square(kernel), axes, keepdims=True)) + _EPSILON)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitKernel(keras.constraints.Constraint):
    """Normalises a kernel after each update, see `unit_kernel`."""

    def __init__(self, centred: bool):
        self.centred = centred

    def __call__(self, kernel):
        return unit_kernel(kernel, self.centred)

    def get_config(self):
        return {"centred": self.centred}


class _Preserving(keras.layers.Layer):
    """Base of layers with one kernel, without bias.

    Args:
      units: outputs.
      centred: whether the weights of each output have mean 0.
    """

    @checked
    def __init__(self, units: Count, centred: bool = True, **layer):
        super().__init__(**layer)
        self.units, self.centred = units, centred

    def build_kernel(self, *shape):
        """Adds the kernel of this shape, N(0, 1)."""
        self.kernel = self.add_weight(
            shape=shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            constraint=UnitKernel(self.centred),
            name="kernel",
        )

    def weights_of(self, inputs: int):
        """The kernel as it is used where so many inputs are summed."""
        with keras_insides.without_autocast():
            unit = unit_kernel(tf.convert_to_tensor(self.kernel), self.centred)
            return tf.cast(unit / math.sqrt(inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return super().get_config() | {"units": self.units, "centred": self.centred}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitDense(_Preserving):
    """[..., c] -> [..., units]; of maps, a 1x1 convolution."""

    def build(self, input_shape):
        self.build_kernel(input_shape[-1], self.units)

    def call(self, x):
        return ops.matmul(x, self.weights_of(x.shape[-1]))


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitEmbedding(_Preserving):
    """One-hot labels [n, K] -> the vectors [n, units] of their classes, of mean square 1."""

    def build(self, input_shape):
        self.build_kernel(self.units, input_shape[-1])  # a class is an output

    def call(self, labels):
        return ops.matmul(labels, ops.transpose(self.weights_of(1)))


class _Grouped(_Preserving):
    """Base of layers with groups of channels, which keep their number.

    Args:
      group_width: channels of a group.
    """

    @checked
    def __init__(self, units: Count, group_width: Count, centred: bool = True, **layer):
        super().__init__(units, centred, **layer)
        self.group_width = group_width

    def by_group(self, x):
        """[..., c] -> [..., groups, c / groups]."""
        shape = (-1, *x.shape[1:-1], x.shape[-1] // self.group_width, self.group_width)
        return ops.reshape(x, shape)

    def get_config(self):
        return super().get_config() | {"group_width": self.group_width}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitGroupedConv2D(_Grouped):
    """[n, h, w, units] -> the same shape, by a grouped convolution of odd `kernel_size`."""

    @checked
    def __init__(self, units: Count, group_width: Count, kernel_size: Count, **layer):
        super().__init__(units, group_width, **layer)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        self.build_kernel(self.kernel_size, self.kernel_size, self.group_width, self.units)

    def call(self, x):
        kernel = self.weights_of(self.kernel_size**2 * self.group_width)
        return grouped_convolution(x, kernel, self.units // self.group_width)

    def get_config(self):
        return super().get_config() | {"kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitBasis(_Grouped):
    """[n, units] -> maps [n, side, side, units] linear in each group of channels."""

    @checked
    def __init__(self, units: Count, group_width: Count, side: Count = 4, **layer):
        super().__init__(units, group_width, **layer)
        self.side = side

    def build(self, input_shape):
        self.build_kernel(self.side, self.side, self.group_width, self.units)

    def call(self, x):
        kernel = self.by_group(self.weights_of(self.group_width))  # [h, w, c, g, o]
        maps = ops.einsum("ngc,hwcgo->nhwgo", self.by_group(x), kernel)
        return ops.reshape(maps, (-1, self.side, self.side, self.units))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.side, self.side, self.units

    def get_config(self):
        return super().get_config() | {"side": self.side}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitPool(_Grouped):
    """[n, h, w, units] -> [n, units], weights of all pixels of a group of channels."""

    def build(self, input_shape):
        self.build_kernel(*input_shape[1:3], self.group_width, self.units)

    def call(self, x):
        kernel = self.weights_of(x.shape[1] * x.shape[2] * self.group_width)
        pooled = ops.einsum("nhwgc,hwcgo->ngo", self.by_group(x), self.by_group(kernel))
        return ops.reshape(pooled, (-1, self.units))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.units


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class UnitLeakyReLU(keras.layers.Layer):
    """A leaky ReLU of slope 0.2 with a gain by which inputs N(0, 1) give outputs of variance 1."""

    def call(self, x):
        return _GAIN * ops.leaky_relu(x, _SLOPE)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class AppendedOnes(keras.layers.Layer):
    """[..., c] -> [..., c + 1], the last of them 1: the weight of it is a bias."""

    def call(self, x):
        return ops.concatenate([x, ops.ones_like(x[..., :1])], -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class AppendedNoise(NoiseLayer):
    """x [n, h, w, c] -> [n, h, w, c + 1], the last of them N(0, 1).

    In training each sample has its own noise, see `NoiseLayer`; in inference all have one map,
    which is drawn once and kept.
    """

    def build(self, input_shape):
        super().build(input_shape)
        initial = keras.initializers.RandomNormal(stddev=1.0)
        shape = (*input_shape[1:3], 1)
        self.constant = add_state(self, "constant", shape=shape, initializer=initial)

    @property
    def not_averaged(self):
        """See `state.not_averaged`: the map is no weight."""
        return [self.constant]

    def call(self, x, training=False):
        if training:
            noise = self.draw(tf.shape(x)[0], (*x.shape[1:3], 1), normal)
            self.count()
        else:
            noise = tf.convert_to_tensor(self.constant)[None] * tf.ones_like(x[..., :1])
        return ops.concatenate([x, tf.cast(noise, x.dtype)], -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)
