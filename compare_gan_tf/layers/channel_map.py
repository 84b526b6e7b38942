"""Linear maps from a condition to one number per channel, for conditional normalisations."""

__all__ = ["ChannelMap"]

import keras
from keras import ops

NORMAL = keras.initializers.RandomNormal(stddev=0.02)  # compare_gan's default for all kernels


def fresh(initializer):
    """A copy of an initializer, given itself or by a name that Keras knows, with a new seed.

    A Keras initializer draws the same numbers in every call, so that two kernels of one shape would
    be equal.
    """
    initializer = keras.initializers.get(initializer)
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def build_once(layer, input_shape):
    """Builds an inner layer, unless it was built when a file was loaded."""
    if not layer.built:
        layer.build(input_shape)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ChannelMap(keras.layers.Layer):
    """[x [n, ..., C], condition [n, c]] -> condition W + b, [n, 1, ..., C].

    Only the shape of x is used. W is `kernel` [c, C].

    Args:
      bias: initial value of b [C]; None for no b.
      initializer: of W, a name that Keras knows, or an initializer.
    """

    def __init__(self, bias: float | None = None, initializer=NORMAL, **layer):
        super().__init__(**layer)
        self.initial_bias = bias
        self.initializer = fresh(initializer)
        self.bias = None

    def build(self, input_shape):
        x, condition = input_shape
        shape = (condition[-1], x[-1])
        self.kernel = self.add_weight(shape=shape, initializer=self.initializer, name="kernel")
        if self.initial_bias is not None:
            constant = keras.initializers.Constant(self.initial_bias)
            self.bias = self.add_weight(shape=shape[1:], initializer=constant, name="bias")

    def call(self, inputs):
        x, condition = inputs
        mapped = ops.matmul(condition, self.kernel)
        mapped = mapped if self.bias is None else mapped + self.bias
        return ops.reshape(mapped, (-1, *(1,) * (len(x.shape) - 2), x.shape[-1]))

    def compute_output_shape(self, input_shape):
        x, _ = input_shape
        return (x[0], *(1,) * (len(x) - 2), x[-1])

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return super().get_config() | {"bias": self.initial_bias, "initializer": initializer}
