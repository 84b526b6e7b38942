"""Draws that are given instead of random."""

import numpy as np
import pytest
import tensorflow as tf


class Given:
    """Noise whose draws are the values given for the end of their tag, else `otherwise`."""

    def __init__(self, otherwise: float = 0.5, **values):
        self.otherwise = otherwise
        self.values = values

    def _value(self, tag, shape, dtype):
        value = self.values.get(tag.split("/")[-1], self.otherwise)
        return tf.constant(np.broadcast_to(np.asarray(value, dtype), shape))

    def uniform(self, tag, shape):
        return self._value(tag, shape, np.float32)

    def integers(self, tag, num, limit):
        value = self._value(tag, [num], np.int32)
        assert np.all((value >= 0) & (value < limit)), (tag, value, limit)
        return value

    def draw(self, tag, sample, num):
        """Values are the result itself; that of `sample` gives the shape."""
        return self._value(tag, sample(num, tf.constant([0, 0], tf.int64)).shape, np.float32)


@pytest.fixture(scope="session")
def given():
    """The class of such noise."""
    return Given
