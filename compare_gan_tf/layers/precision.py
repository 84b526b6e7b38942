"""Arithmetic in the dtype of the variables, in networks that compute in a lower precision.

Under Keras' mixed policies a layer casts its inputs and its variables to float16 or bfloat16. Sums
over many values, such as the moments of a norm, lose too much there: float16 overflows at 65504,
and bfloat16 has 8 significant bits.
"""

__all__ = ["dtype_policy", "in_full_precision", "layers_in_full_precision"]

import contextlib
import functools

import keras
import tensorflow as tf

from compare_gan_tf.settings import keras_insides


@contextlib.contextmanager
def dtype_policy(name: str | None):
    """A context whose new layers have this Keras dtype policy; None changes nothing."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def layers_in_full_precision():
    """A context, or a decorator, whose new layers compute in the dtype of their variables."""
    with dtype_policy(keras.config.dtype_policy().variable_dtype):
        yield


def in_full_precision(call):
    """Decorates a layer's `call`: it computes in the dtype of the layer's variables.

    Inputs are cast to it, variables are read as they are, and the result is cast to the dtype that
    the layer computes in by its policy. Without a mixed policy this changes nothing.
    """

    @functools.wraps(call)
    def called(self, inputs, **options):
        with keras_insides.without_autocast():
            return tf.cast(call(self, widened(self, inputs), **options), self.compute_dtype)

    return called


def widened(layer, inputs):
    """Floats, a tensor or a structure of them, cast to the dtype of the layer's variables."""

    def wide(x):
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
        return tf.cast(x, layer.variable_dtype) if is_float else x

    return tf.nest.map_structure(wide, inputs)
