"""Pixel normalisation (Karras et al., 2018, section 4.2)."""

__all__ = ["PixelNorm", "pixel_norm"]

import gin
import keras
from keras import ops

from compare_gan_tf.layers.precision import in_full_precision
from compare_gan_tf.settings.signatures import Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class PixelNorm(keras.layers.Layer):
    """x / sqrt(mean over channels of x^2 + epsilon), at each position; it has no weights."""

    @checked
    def __init__(self, epsilon: Positive = 1e-8, **layer):
        super().__init__(**layer)
        self.epsilon = epsilon

    @in_full_precision
    def call(self, inputs):
        square = ops.mean(ops.square(inputs), -1, keepdims=True)
        return inputs * ops.rsqrt(square + self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"epsilon": self.epsilon}


@gin.configurable(module="layers")
@checked
def pixel_norm(*, epsilon: Positive = 1e-8, name: str | None = None):
    """Makes a `PixelNorm` layer, for the `norm=` of an architecture."""
    return PixelNorm(epsilon=epsilon, name=name)
