"""Layers that draw noise of their own, the same on any number of replicas and in a resumed run."""

import random

import keras
import tensorflow as tf

from compare_gan_tf.layers import add_state
from compare_gan_tf.layers.state import is_frozen, view_sizes
from compare_gan_tf.random import place, uniform
from compare_gan_tf.settings.signatures import checked

_MOST_VIEWS = 64  # of a pass


class NoiseLayer(keras.layers.Layer):
    """Base of layers that draw noise in training.

    The noise is a function of the layer's seed, of the number of its calls in the network's own
    updates, and of the row in the global batch. So a resumed run has the noise of an uninterrupted
    one, on any number of replicas. Passes under `frozen_state` use the noise of the next update.

    Args:
      seed: of the noise; None draws one, which `keras.utils.set_random_seed` decides.
    """

    differs_frozen = True  # the noise, to a pass after it in the same update

    @checked
    def __init__(self, seed: int | None = None, **layer):
        super().__init__(**layer)
        self.seed = random.getrandbits(31) if seed is None else seed

    def build(self, input_shape):
        self.calls = add_state(self, "calls", dtype="int64")

    def draw(self, number, shape, sample):
        """This part's rows [number, *shape] of a draw for the global batch.

        Args:
          number: of rows; in a pass over several views, the sum of theirs.
          shape: of a row.
          sample: function (shape with the rows, seed int64 [2]) -> values.
        """
        sizes = view_sizes() or [number]
        views = enumerate(sizes)
        return tf.concat([self._rows(view, [n, *shape], sample) for view, n in views], 0)

    def _rows(self, view: int, shape, sample):
        position = tf.convert_to_tensor(self.calls) * _MOST_VIEWS + view
        seed = tf.stack([tf.constant(self.seed, tf.int64), position])
        part, parts = place()
        if parts == 1:
            return sample(shape, seed)
        rows, *rest = shape
        begin = tf.stack([part * rows] + [0] * len(rest))
        return tf.slice(sample([rows * parts, *rest], seed), begin, shape)

    def count(self):
        """Counts a call in an update of the network's own: the next one draws other noise."""
        if not is_frozen():
            self.calls.assign(self.calls + 1)

    def get_config(self):
        return super().get_config() | {"seed": self.seed}


def normal(shape, seed):
    """float32 of `shape`, N(0, 1), by the inverse distribution function; seed int [2]."""
    return tf.math.ndtri(uniform(shape, seed))
