"""A rule that calls a function on trial; not in `signatures`, because it needs TensorFlow."""

from typing import Any

import numpy as np
import tensorflow as tf

from compare_gan_tf.settings import kinds


class Tried:
    """A function whose result, in a trial call, has the right shape.

    It is called once, when the setting is given; but not while a graph is traced, because there it
    will be called right away.

    Args:
      *arguments: arguments of the trial, such as `ones(2)`; arrays are converted to tensors.
      like: what it must be, with an example.
      gives: shape of the result, or a tuple of shapes; None for any.
    """

    def __init__(self, *arguments, like: str, gives: tuple | None = None):
        self.arguments, self.like, self.gives = arguments, like, gives

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        if not tf.executing_eagerly():
            kinds.require_function(name, value, *self.arguments, like=self.like)
            return
        arguments = tf.nest.map_structure(_as_tensor, self.arguments)
        result = kinds.tried(name, value, *arguments, like=self.like)
        if self.gives is not None:
            kinds.require_shape(name, value, result, self.gives, like=self.like)


def ones(*shape: int) -> np.ndarray:
    """Array of ones, float32 of shape `shape`, for a trial."""
    return np.ones(shape, np.float32)


def _as_tensor(value):
    return tf.constant(value) if isinstance(value, np.ndarray) else value
