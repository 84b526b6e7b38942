"""Exponential moving average of a generator's weights."""

import keras
import tensorflow as tf

from compare_gan_tf.layers import SpectralNorm


class ExponentialMovingAverage(keras.layers.Layer):
    """Keeps `generator`, a second network, as the average of the one in training.

    average <- decay average + (1 - decay) weight, from step `start_step` on; before it the average
    is a copy. Normalisation statistics are averaged with the weights; spectral-norm vectors, which
    are directions and not weights, are copied.
    """

    def __init__(self, generator: keras.Model, *, decay: float, start_step: int):
        super().__init__(name="ema")
        self.generator = generator
        self.generator.trainable = False
        self.decay = decay
        self.start_step = start_step
        self.built = True

    def copy(self, source: keras.Model):
        """Sets the average to the weights of `source`."""
        for average, variable in self._pairs(source):
            average.assign(variable)

    def update(self, source: keras.Model, step):
        """Follows `source` after training step `step` (the first is 1)."""
        copied = {id(layer.u) for layer in self.generator.layers if isinstance(layer, SpectralNorm)}
        decay = tf.where(step >= self.start_step, self.decay, 0.0)
        for average, variable in self._pairs(source):
            rate = 0.0 if id(average) in copied else decay
            average.assign(rate * average + (1.0 - rate) * variable)

    def _pairs(self, source):
        return zip(self.generator.variables, source.variables, strict=True)
