"""Group normalisation, the base of layer and instance normalisation."""

__all__ = ["GroupNorm", "group_norm"]

import math

import gin
import keras
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.precision import in_full_precision
from compare_gan_tf.settings.signatures import Count, Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class GroupNorm(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, gamma and beta [C].

    Mean and biased variance are taken over one sample and one group of C / groups neighbouring
    channels, at all positions (Wu and He, 2018, eq. 7).

    Raises:
      UserError: `groups` does not divide C, or a group has only one value, which would become 0.
    """

    @checked
    def __init__(self, groups: Count = 32, epsilon: Positive = 1e-5, **layer):
        super().__init__(**layer)
        self.groups = groups
        self.epsilon = epsilon

    def number_of_groups(self, channels: int) -> int:
        """The number of groups of `channels` channels."""
        if channels % self.groups:
            divisor = math.gcd(channels, self.groups)
            cure = f"use {divisor}" if divisor > 1 else "take layer_norm, or another norm"
            raise UserError(
                f"group_norm.groups is {self.groups}, which does not divide the {channels} "
                f"channels at {self.name!r}: {cure}"
            )
        return self.groups

    def build(self, input_shape):
        *positions, channels = input_shape[1:]
        size = channels // self.number_of_groups(channels)
        if size * math.prod(positions) == 1:
            raise UserError(
                f"{type(self).__name__} at {self.name!r} would make every value 0: a group of its "
                f"input {tuple(input_shape[1:])} has one value; take layer_norm, or another norm"
            )
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")

    @in_full_precision
    def call(self, inputs):
        *positions, channels = inputs.shape[1:]
        groups = self.number_of_groups(channels)
        x = ops.reshape(inputs, (-1, math.prod(positions), groups, channels // groups))
        centred = x - ops.mean(x, (1, 3), keepdims=True)
        variance = ops.mean(ops.square(centred), (1, 3), keepdims=True)
        x = ops.reshape(centred * ops.rsqrt(variance + self.epsilon), (-1, *inputs.shape[1:]))
        return x * self.gamma + self.beta

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"groups": self.groups, "epsilon": self.epsilon}


@gin.configurable(module="layers")
@checked
def group_norm(*, groups: Count = 32, epsilon: Positive = 1e-5, name: str | None = None):
    """Makes a `GroupNorm` layer, for the `norm=` of an architecture."""
    return GroupNorm(groups=groups, epsilon=epsilon, name=name)
