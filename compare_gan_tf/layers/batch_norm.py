"""Batch normalisation over the global batch (Ioffe and Szegedy, 2015)."""

__all__ = ["BatchNorm", "batch_norm", "no_norm"]

import gin
import keras

from compare_gan_tf.layers.batch_statistics import BatchStatistics
from compare_gan_tf.settings.signatures import Fraction, Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class BatchNorm(BatchStatistics):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, over all axes but the last.

    See `BatchStatistics` for the statistics. The defaults are those of compare_gan's published
    configs.
    """

    def build(self, input_shape):
        channels = input_shape[-1]
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")
        self.build_statistics(channels)

    def call(self, inputs, training=False):
        return self.standardise(inputs, self.gamma, self.beta, training)


@gin.configurable(module="layers")
@checked
def batch_norm(*, momentum: Fraction = 0.9, epsilon: Positive = 1e-5, name: str | None = None):
    """Makes a `BatchNorm` layer, for the `norm=` of an architecture."""
    return BatchNorm(momentum=momentum, epsilon=epsilon, name=name)


@gin.configurable(module="layers")
def no_norm(*, name: str | None = None):
    """Makes an identity layer: no normalisation."""
    return keras.layers.Identity(name=name)
