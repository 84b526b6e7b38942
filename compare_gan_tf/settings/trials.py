"""A rule of `signatures` that calls a function: apart from them, for it needs TensorFlow."""

from typing import Any

import numpy as np
import tensorflow as tf

from compare_gan_tf.settings import kinds


class Tried:
    """A function that gives, on trial, what it must; it is called once, where it is handed over.

    In a graph that is being traced it is not: there it is about to be called in earnest.

    Args:
      *arguments: of the trial, such as `ones(2)`; arrays in them become tensors.
      like: what it must be, and an example.
      gives: the shape of what it gives, or a tuple of several; None for anything.
    """

    def __init__(self, *arguments, like: str, gives: tuple | None = None):
        self.arguments, self.like, self.gives = arguments, like, gives

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        if not tf.executing_eagerly():
            kinds.require_function(name, value, *self.arguments, like=self.like)
            return
        arguments = tf.nest.map_structure(_as_tensor, self.arguments)
        result = kinds.tried(name, value, *arguments, like=self.like)
        if self.gives is not None:
            kinds.require_shape(name, value, result, self.gives, like=self.like)


def ones(*shape: int) -> np.ndarray:
    """Float32 ones, for a trial."""
    return np.ones(shape, np.float32)


def _as_tensor(value):
    return tf.constant(value) if isinstance(value, np.ndarray) else value
