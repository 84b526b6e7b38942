"""Standing statistics: batch norm's statistics over many batches, computed after training.

Brock et al., 2019, section 3.1.
"""

__all__ = ["standing_statistics"]

import collections

import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.batch_statistics import BatchStatistics, recorded_moments
from compare_gan_tf.layers.state import frozen_state, training_pass
from compare_gan_tf.settings import keras_insides


class _Pool:
    """The pooled mean and variance of all values of all batches, float64 [C]."""

    def __init__(self):
        self.count, self.mean, self.squares = 0.0, 0.0, 0.0

    def add(self, mean, variance, count):
        """Adds one batch by sums of squares about the means (Chan et al., 1983, eq. 2.1)."""
        mean, variance, count = (np.asarray(value, np.float64) for value in (mean, variance, count))
        total = self.count + count
        away = mean - self.mean
        self.squares = self.squares + count * variance + away**2 * (self.count * count / total)
        self.mean = self.mean + away * (count / total)
        self.count = total

    @property
    def variance(self):
        """The biased variance: the mean of squares minus the square of the mean."""
        return self.squares / self.count


def standing_statistics(generator, batches) -> int:
    """Sets the moving statistics of each batch norm to those of all its inputs over `batches`.

    The network runs in training mode, so that each layer sees inputs as in training. The variance
    is that of all values pooled: the mean of their squares minus the square of their mean. A mean
    of the batches' variances, as in compare_gan, would lack the variance of their means.

    The statistics are set after the last batch, and no other variable changes. Call this function
    outside of `strategy.run`.

    Args:
      generator: a model; its `BatchStatistics` layers may be nested.
      batches: iterable of the model's inputs, such as {"z": [n, d], "labels": [n]}.

    Returns:
      The number of layers that were set; 0 for a model without such layers.

    Raises:
      UserError: there is no batch.
    """
    pools: dict = collections.defaultdict(_Pool)
    seen = False
    for inputs in batches:
        seen = True
        for place, passes in _moments(generator, inputs).items():
            for moments in passes:
                pools[place].add(*moments)
    if not seen:
        raise UserError("standing statistics need at least one batch: there is none")
    layers = _batch_statistics(generator)
    for place, pool in pools.items():
        layers[place].moving_mean.assign(pool.mean.astype(np.float32))
        layers[place].moving_variance.assign(pool.variance.astype(np.float32))
    return len(pools)


def _batch_statistics(model) -> list[BatchStatistics]:
    """The `BatchStatistics` layers of a model, including nested ones, in a fixed order."""
    layers = keras_insides.nested_layers(model)
    return [layer for layer in layers if isinstance(layer, BatchStatistics)]


@tf.function  # defined at module level, so that a model is traced only once
def _moments(model, inputs) -> dict:
    """{index in `_batch_statistics`: [(mean, variance, count) of each pass of that layer]}."""
    places = {id(layer): place for place, layer in enumerate(_batch_statistics(model))}
    with frozen_state(), recorded_moments() as found:
        training_pass(model, inputs)
    passes: dict = {}
    for layer, *moments in found:
        passes.setdefault(places[id(layer)], []).append(moments)
    return passes
