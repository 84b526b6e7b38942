"""Mean and variance of the global batch, and the base of layers with moving averages of them."""

__all__ = ["BatchStatistics"]

import contextlib
import threading
from typing import NamedTuple

import keras
import tensorflow as tf

from compare_gan_tf.layers.precision import widened
from compare_gan_tf.layers.state import add_state, is_frozen
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import Fraction, Positive, checked

# Dtypes of maps whose moments TensorFlow's operation sums in float32.
_OF_OPERATION = (tf.float32, tf.float16, tf.bfloat16)
_local = threading.local()  # each replica of a strategy traces in its own thread


class Moments(NamedTuple):
    """The statistics of one layer's input in one training pass."""

    layer: "BatchStatistics"
    mean: tf.Tensor  # [C]
    variance: tf.Tensor  # [C], biased
    count: tf.Tensor  # scalar float32: values per channel


@contextlib.contextmanager
def recorded_moments():
    """A context with a list, to which training passes append the `Moments` of their layers."""
    before = getattr(_local, "moments", None)
    _local.moments = []
    try:
        yield _local.moments
    finally:
        _local.moments = before


def global_moments(inputs):
    """Mean and biased variance [C] of x [n, ..., C] over all axes but the last and all replicas."""
    axes = list(range(len(inputs.shape) - 1))
    mean = replica_mean(tf.reduce_mean(inputs, axes))
    variance = replica_mean(tf.reduce_mean(tf.math.squared_difference(inputs, mean), axes))
    return mean, variance


def global_size(inputs):
    """The number of samples in the global batch, float32 scalar; this replica has x [n, ...]."""
    return tf.cast(tf.shape(inputs)[0] * _replicas(), tf.float32)


def _replicas() -> int:
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_mean(value):
    """The mean of a value over all replicas, on each of them."""
    if _replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def _scaled(inputs, gamma, beta, moments, epsilon: float):
    mean, variance = moments
    gain = gamma * tf.math.rsqrt(variance + epsilon)
    return inputs * gain + (beta - mean * gain)


def _fits_one_operation(inputs, gamma, epsilon: float) -> bool:
    """Whether TensorFlow's operation computes it: maps of one replica, and a gain per channel."""
    rank, dtype, shape = len(inputs.shape), inputs.dtype, gamma.shape
    fits = rank == 4 and dtype in _OF_OPERATION and len(shape) == 1 and gamma.dtype == tf.float32
    return fits and _replicas() == 1 and epsilon >= 1e-5  # cuDNN allows no less


def _in_one_operation(inputs, gamma, beta, epsilon: float):
    """(outputs, mean [C], biased variance [C]) at a third of the time of single operations."""
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
    return outputs, mean, variance * ((count - 1.0) / count)  # the operation's is unbiased


class BatchStatistics(keras.layers.Layer):
    """Base of the layers that normalise by the statistics of the global batch.

    In training they use the mean and biased variance of the global batch, over all replicas, and
    update the moving ones: m <- momentum m + (1 - momentum) batch. In inference they use the moving
    ones, which do not change.
    """

    couples_batch = True  # a sample's output depends on the other samples, see `gan.passes`

    @checked
    def __init__(self, momentum: Fraction = 0.9, epsilon: Positive = 1e-5, **layer):
        super().__init__(**layer)
        self.momentum = momentum
        self.epsilon = epsilon

    def build_statistics(self, channels: int):
        """Adds the moving mean [C], 0 at first, and the moving variance [C], 1 at first."""
        self.moving_mean = add_state(self, "moving_mean", shape=(channels,))
        self.moving_variance = add_state(
            self, "moving_variance", shape=(channels,), initializer="ones"
        )

    def standardise(self, inputs, gamma, beta, training):
        """(x - mean) / sqrt(variance + epsilon) * gamma + beta.

        gamma and beta are [C] or [n, 1, ..., C]. It computes in the dtype of the variables, and the
        result has that of the layer's policy.
        """
        with keras_insides.without_autocast():
            gamma, beta = widened(self, tf.nest.map_structure(tf.convert_to_tensor, (gamma, beta)))
            return tf.cast(self._standardised(inputs, gamma, beta, training), self.compute_dtype)

    def _standardised(self, inputs, gamma, beta, training):
        if not training:
            wide = widened(self, inputs)
            return _scaled(wide, gamma, beta, self._statistics(), self.epsilon)
        if _fits_one_operation(inputs, gamma, self.epsilon):
            outputs, *moments = _in_one_operation(inputs, gamma, beta, self.epsilon)
        else:
            inputs = widened(self, inputs)
            moments = global_moments(inputs)
            outputs = _scaled(inputs, gamma, beta, moments, self.epsilon)
        self._record(inputs, *moments)
        if not is_frozen():
            for moving, batch in zip(self._statistics(), moments, strict=True):
                self._follow(moving, batch)
        return outputs

    def _statistics(self):
        return self.moving_mean, self.moving_variance

    def _follow(self, moving, batch):
        moving.assign(self.momentum * moving + (1.0 - self.momentum) * tf.stop_gradient(batch))

    def _record(self, inputs, mean, variance):
        records = getattr(_local, "moments", None)
        if records is not None:
            count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
            records.append(Moments(self, mean, variance, count))

    def get_config(self):
        return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}
