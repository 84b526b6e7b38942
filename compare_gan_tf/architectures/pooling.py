"""Pooling of a discriminator's last maps: values for the `pooling=` of an architecture."""

from typing import Annotated, Any

import gin
import keras
from keras import ops

from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function

_POOLING = "a function [n, h, w, c] -> [n, c] such as @pooling.mean"
Pooling = Annotated[Any, Function(0, like=_POOLING)]


@gin.configurable(module="pooling")
def mean(x):
    """The mean over all pixels, as in compare_gan's ResNets and in WGAN-GP."""
    return keras.layers.GlobalAveragePooling2D(name="pool")(x)


@gin.configurable("sum", module="pooling")
def total(x):
    """The sum over all pixels, as in SNGAN, SAGAN and BigGAN."""
    return ops.sum(x, (1, 2))


def pooled(x, pooling):
    """Maps [n, h, w, c] -> features [n, c].

    Raises:
      UserError: `pooling` is no such function.
    """
    with layers_in_full_precision():
        wide = keras.config.dtype_policy().compute_dtype
        if x.dtype != wide:  # a sum over all pixels may leave the range of float16
            x = keras.layers.Activation("linear", name=f"maps_{wide}")(x)
        features = kinds.tried("pooling", pooling, x, like=_POOLING)
    kinds.require_shape("pooling", pooling, features, (None, x.shape[-1]), like=_POOLING)
    return features
