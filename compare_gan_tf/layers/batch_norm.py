"""Batch normalisation over the global batch (Ioffe and Szegedy, 2015)."""

import gin
import keras
import tensorflow as tf

from compare_gan_tf.layers.state import is_frozen


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class BatchNorm(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, over all axes but the last.

    In training, mean and (biased) variance are those of the global batch, over all replicas, and
    the moving ones follow as m <- momentum m + (1 - momentum) batch. In inference the moving ones
    are used and nothing changes. The defaults are those of compare_gan's published configs.
    """

    couples_batch = True  # one sample's output depends on the others: see GAN

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **layer):
        super().__init__(**layer)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")
        self.moving_mean = self._statistic(channels, "zeros", "moving_mean")
        self.moving_variance = self._statistic(channels, "ones", "moving_variance")

    def _statistic(self, channels, initializer, name):
        return self.add_weight(
            shape=(channels,),
            initializer=initializer,
            trainable=False,
            aggregation="only_first_replica",  # equal on all: it is the global batch's
            name=name,
        )

    def _global_moments(self, inputs):
        axes = list(range(len(inputs.shape) - 1))
        mean = _replica_mean(tf.reduce_mean(inputs, axes))
        variance = _replica_mean(tf.reduce_mean(tf.math.squared_difference(inputs, mean), axes))
        return mean, variance

    def call(self, inputs, training=False):
        if training:
            mean, variance = self._global_moments(inputs)
            if not is_frozen():
                self._follow(self.moving_mean, mean)
                self._follow(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        gain = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * gain + (self.beta - mean * gain)

    def _follow(self, moving, batch):
        moving.assign(self.momentum * moving + (1.0 - self.momentum) * tf.stop_gradient(batch))

    def get_config(self):
        return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}


def _replica_mean(value):
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


@gin.configurable(module="layers")
def batch_norm(*, momentum: float = 0.9, epsilon: float = 1e-5, name: str | None = None):
    """A `BatchNorm` layer, for the `norm=` of an architecture."""
    return BatchNorm(momentum=momentum, epsilon=epsilon, name=name)


@gin.configurable(module="layers")
def no_norm(*, name: str | None = None):
    """No normalisation: the identity."""
    return keras.layers.Identity(name=name)
