"""The moving average of the generator's weights."""

import keras
import tensorflow as tf

from compare_gan_tf.layers import not_averaged


class ExponentialMovingAverage(keras.layers.Layer):
    """Holds the moving average of a generator's weights in a second network, `generator`.

    From step `start_step` on, average <- decay average + (1 - decay) weight; before it, the average
    is a copy. The statistics of normalisations are averaged, too. Variables that layers list in
    `not_averaged`, such as spectral-norm vectors, are copied.

    Args:
      generator: the network that holds the average.
      decay: per training step; None where `halflife` is given.
      start_step: the first training step that is averaged.
      halflife: in training steps, decay = 2^(-1 / halflife): a number, or a schedule over the
        training step; 0 copies.
    """

    def __init__(self, generator: keras.Model, *, decay=None, start_step: int = 0, halflife=None):
        super().__init__(name="ema")
        self.generator = generator
        self.generator.trainable = False
        self.decay = decay
        self.halflife = halflife
        self.start_step = start_step
        self.built = True

    def copy(self, source: keras.Model):
        """Sets the average to the weights of `source`."""
        for average, variable in self._pairs(source):
            average.assign(variable)

    def update(self, source: keras.Model, step):
        """Updates the average from `source` after training step `step` (the first is 1)."""
        copied = {id(variable) for variable in not_averaged(self.generator)}
        decay = tf.where(step >= self.start_step, self._decay_at(step), 0.0)
        for average, variable in self._pairs(source):
            if not average.dtype.startswith(("float", "bfloat")):  # seeds of Keras' dropout
                average.assign(variable)
                continue
            rate = 0.0 if id(average) in copied else decay
            average.assign(rate * average + (1.0 - rate) * variable)

    def _decay_at(self, step):
        if self.halflife is None:
            return self.decay
        halflife = self.halflife(step) if callable(self.halflife) else self.halflife
        return 0.5 ** (1.0 / tf.maximum(tf.cast(halflife, tf.float32), 1e-6))

    def _pairs(self, source):
        return zip(self.generator.variables, source.variables, strict=True)
