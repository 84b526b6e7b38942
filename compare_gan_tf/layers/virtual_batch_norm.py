"""Virtual batch normalisation, by a fixed reference batch (Salimans et al., 2016, section 3.5)."""

__all__ = ["VirtualBatchNorm", "virtual_batch_norm"]

import gin
import keras
import tensorflow as tf

from compare_gan_tf.layers.batch_statistics import global_moments, global_size
from compare_gan_tf.layers.precision import in_full_precision
from compare_gan_tf.layers.state import add_state, is_frozen
from compare_gan_tf.settings.signatures import Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class VirtualBatchNorm(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with statistics for each sample.

    The statistics are those of the reference batch of N samples together with the sample itself:
    first and second moments are N / (N + 1) times the batch's plus 1 / (N + 1) times the sample's.

    The reference batch is the global batch of the first training pass that may write state. It is
    normalised by its own statistics, as is every batch before it is chosen. The layer stores N and
    the statistics of the reference batch at that time. The paper instead passes the reference batch
    through the network together with each other batch, so that its statistics follow the weights;
    that needs a second input and twice the time.

    In inference before any training pass, mean is 0 and variance is 1, as in batch norm.
    """

    couples_batch = True  # in the pass that sets the reference batch

    @checked
    def __init__(self, epsilon: Positive = 1e-5, **layer):
        super().__init__(**layer)
        self.epsilon = epsilon

    def build(self, input_shape):
        shape = input_shape[-1:]
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        self.reference_mean = add_state(self, "reference_mean", shape=shape)
        self.reference_variance = add_state(
            self, "reference_variance", shape=shape, initializer="ones"
        )
        self.reference_size = add_state(self, "reference_size")  # N; 0: not chosen yet

    @property
    def not_averaged(self):
        """See `state.not_averaged`: these are set once, and an average would lag behind."""
        return [self.reference_mean, self.reference_variance, self.reference_size]

    @in_full_precision
    def call(self, inputs, training=False):
        mean, variance, size = (tf.convert_to_tensor(value) for value in self.not_averaged)
        share = tf.where(size > 0.0, 1.0 / (size + 1.0), 0.0)
        if training:
            mean, variance = self._reference(inputs, mean, variance, size)
        mean, variance = _beside_own(inputs, mean, variance, share)
        gain = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * gain + (self.beta - mean * gain)

    def _reference(self, inputs, mean, variance, size):
        """The statistics [C] of the reference batch; the first batch becomes the reference."""
        batch_mean, batch_variance = global_moments(inputs)
        mean = tf.where(size > 0.0, mean, batch_mean)
        variance = tf.where(size > 0.0, variance, batch_variance)
        if not is_frozen():
            self.reference_mean.assign(tf.stop_gradient(mean))
            self.reference_variance.assign(tf.stop_gradient(variance))
            self.reference_size.assign(tf.where(size > 0.0, size, global_size(inputs)))
        return mean, variance

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"epsilon": self.epsilon}


def _beside_own(inputs, mean, variance, share):
    """Statistics [n, 1, ..., C] of the mixture (1 - share) reference + share sample.

    The variance of the mixture is written as a sum of squares, which is exact also for large means,
    unlike the second moment minus the squared mean.
    """
    axes = list(range(1, len(inputs.shape) - 1))
    own_mean = tf.reduce_mean(inputs, axes, keepdims=True)
    own_variance = tf.reduce_mean(tf.math.squared_difference(inputs, own_mean), axes, keepdims=True)
    mixed = (1.0 - share) * mean + share * own_mean
    from_reference = variance + tf.math.squared_difference(mean, mixed)
    from_own = own_variance + tf.math.squared_difference(own_mean, mixed)
    return mixed, (1.0 - share) * from_reference + share * from_own


@gin.configurable(module="layers")
@checked
def virtual_batch_norm(*, epsilon: Positive = 1e-5, name: str | None = None):
    """Makes a `VirtualBatchNorm` layer, for the `norm=` of an architecture."""
    return VirtualBatchNorm(epsilon=epsilon, name=name)
