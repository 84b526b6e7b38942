"""Layers of StyleGAN2's generator: its noise, its constant, and the styles of its layers."""

import keras
import tensorflow as tf

from compare_gan_tf.architectures.noise import NoiseLayer, normal
from compare_gan_tf.layers import add_state
from compare_gan_tf.layers.batch_statistics import replica_mean
from compare_gan_tf.layers.state import is_frozen
from compare_gan_tf.random import uniform
from compare_gan_tf.settings.signatures import Count, Decay, Fraction, Index, NotNegative, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class AddedNoise(NoiseLayer):
    """x [n, h, w, c] + strength * noise [n, h, w, 1], N(0, 1); the strength is trained, 0 at first.

    In training each sample has its own noise, see `NoiseLayer`. In inference all have one map,
    which is drawn once and kept, as by NVIDIA's `noise_mode="const"`: a sample depends on its z
    alone.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.strength = self.add_weight(shape=(), initializer="zeros", name="strength")
        initial = keras.initializers.RandomNormal(stddev=1.0)
        self.constant = add_state(
            self, "constant", shape=(*input_shape[1:3], 1), initializer=initial
        )

    @property
    def not_averaged(self):
        """See `state.not_averaged`: the map is no weight."""
        return [self.constant]

    def call(self, x, training=False):
        if not training:
            return x + self.strength * tf.convert_to_tensor(self.constant)
        noise = self.draw(tf.shape(x)[0], (*x.shape[1:3], 1), normal)
        self.count()
        return x + self.strength * tf.cast(noise, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class LearnedConstant(keras.layers.Layer):
    """[n, ...] -> n times a trained map [side, side, units], which starts at N(0, 1)."""

    def __init__(self, side: int, units: int, **layer):
        super().__init__(**layer)
        self.side, self.units = side, units

    def build(self, input_shape):
        normal = keras.initializers.RandomNormal(stddev=1.0)
        shape = (1, self.side, self.side, self.units)
        self.map = self.add_weight(shape=shape, initializer=normal, name="map")

    def call(self, inputs):
        ones = tf.ones_like(inputs[:, :1], self.compute_dtype)
        return ones[:, :, None, None] * tf.convert_to_tensor(self.map)

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.side, self.side, self.units

    def get_config(self):
        return super().get_config() | {"side": self.side, "units": self.units}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class SecondLatents(NoiseLayer):
    """In training z [n, d] and as many further latents behind them, [2n, d]; in inference z.

    The further ones are N(0, 1), whatever the prior of z.
    """

    def call(self, z, training=False):
        if not training:
            return z
        second = self.draw(tf.shape(z)[0], z.shape[1:], normal)
        self.count()
        return tf.concat([z, tf.cast(second, z.dtype)], 0)

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[1:])


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class TwiceInTraining(keras.layers.Layer):
    """In training x [n, ...] twice, one behind the other, [2n, ...]; in inference x."""

    def call(self, x, training=False):
        return tf.concat([x, x], 0) if training else x

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[1:])


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Styles(NoiseLayer):
    """w [n, d] -> a list with the w of each layer of the synthesis, [n, d] each.

    In training, with `mixing` > 0, w is [2n, d], see `SecondLatents`. With this probability a
    sample has the second w from a layer on that is drawn uniformly from the second to the last one
    (Karras et al., 2019, section 3.1).

    In inference the first `cutoff` layers have a + truncation (w - a) instead of w (section B). a
    is the moving average of w in G's updates: a <- momentum a + (1 - momentum) mean over the
    global batch, without the second ones.

    Args:
      number: of layers.
      mixing: probability.
      truncation: psi; 1 for none.
      cutoff: number of layers that are truncated; None for all.
      momentum: of the moving average.
    """

    @checked
    def __init__(
        self,
        number: Count,
        mixing: Fraction = 0.0,
        truncation: NotNegative = 1.0,
        cutoff: Index | None = None,
        momentum: Decay = 0.995,
        seed: int | None = None,
        **layer,
    ):
        super().__init__(seed, **layer)
        self.number, self.mixing = number, mixing
        self.truncation, self.cutoff, self.momentum = truncation, cutoff, momentum

    def build(self, input_shape):
        super().build(input_shape)
        self.average = add_state(self, "average", shape=input_shape[1:])

    @property
    def not_averaged(self):
        """See `state.not_averaged`: an average of its own."""
        return [self.average]

    def call(self, w, training=False):
        if not training:
            return self._truncated(w)
        w, second = tf.split(w, 2) if self.mixing else (w, None)
        if not is_frozen():
            mean = replica_mean(tf.reduce_mean(tf.stop_gradient(tf.cast(w, tf.float32)), 0))
            self.average.assign(self.momentum * self.average + (1.0 - self.momentum) * mean)
        return self._mixed(w, second) if self.mixing else [tf.identity(w)] * self.number

    def _mixed(self, w, second):
        chance, place = tf.split(self.draw(tf.shape(w)[0], (2,), uniform), 2, 1)
        self.count()
        first = 1.0 + tf.floor(place * (self.number - 1))  # layer with the second w
        first = tf.where(chance < self.mixing, first, self.number)
        return [tf.where(index >= first, second, w) for index in range(self.number)]

    def _truncated(self, w):
        average = tf.convert_to_tensor(self.average)
        near = average + self.truncation * (w - average)
        last = self.number if self.cutoff is None else self.cutoff
        layers = range(self.number)
        return [near if self.truncation != 1.0 and index < last else w for index in layers]

    def compute_output_shape(self, input_shape):
        return [(None, *input_shape[1:])] * self.number

    def get_config(self):
        own = ("number", "mixing", "truncation", "cutoff", "momentum")
        return super().get_config() | {name: getattr(self, name) for name in own}
