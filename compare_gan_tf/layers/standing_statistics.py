"""Batch norm's statistics over many batches, taken after training (Brock et al., 2019, 3.1)."""

__all__ = ["standing_statistics"]

import collections

import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.batch_statistics import BatchStatistics, recorded_moments
from compare_gan_tf.layers.state import frozen_state, training_pass
from compare_gan_tf.settings import keras_insides


class _Pool:
    """Mean and variance of all values of all batches together, float64 [C]."""

    def __init__(self):
        self.count, self.mean, self.squares = 0.0, 0.0, 0.0

    def add(self, mean, variance, count):
        """Pools one batch, by the sums of squares about the means (Chan et al., 1983, eq. 2.1)."""
        mean, variance, count = (np.asarray(value, np.float64) for value in (mean, variance, count))
        total = self.count + count
        away = mean - self.mean
        self.squares = self.squares + count * variance + away**2 * (self.count * count / total)
        self.mean = self.mean + away * (count / total)
        self.count = total

    @property
    def variance(self):
        """Biased: it is the mean of squares less the square of the mean, of all values."""
        return self.squares / self.count


def standing_statistics(generator, batches) -> int:
    """Sets the moving statistics of each batch norm to those of all its inputs over `batches`.

    The network runs in training mode, so that each layer sees what it saw in training. The variance
    is that of all values pooled: the mean of their squares less the square of their mean. A mean
    of the batches' variances, as in compare_gan, would lack the variance of their means.

    Nothing else changes, and nothing at all before the last batch has passed. Call it outside of
    `strategy.run`.

    Args:
      generator: a model with layers of `BatchStatistics`, of any kind and depth.
      batches: iterable of what the model takes, such as {"z": [n, d], "labels": [n]}.

    Returns:
      How many layers were set; 0 for a model without.

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
    """The layers in question, nested ones too, always in the same order."""
    layers = keras_insides.nested_layers(model)
    return [layer for layer in layers if isinstance(layer, BatchStatistics)]


@tf.function  # of the module, so that a model is traced once however often it is scored
def _moments(model, inputs) -> dict:
    """{place in `_batch_statistics`: [(mean, variance, count) of each pass of that layer]}."""
    places = {id(layer): place for place, layer in enumerate(_batch_statistics(model))}
    with frozen_state(), recorded_moments() as found:
        training_pass(model, inputs)
    passes: dict = {}
    for layer, *moments in found:
        passes.setdefault(places[id(layer)], []).append(moments)
    return passes
