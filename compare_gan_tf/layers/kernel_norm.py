"""Kernel norms, values of `kernel_norm=`: functions that reparameterise a layer's kernel."""

__all__ = ["KernelNorm"]

from typing import Annotated, Any

import keras

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function

_LIKE = "a function of a layer such as @spectral_norm, or None for none"
KernelNorm = Annotated[Any, Function(0, like=_LIKE, classes=True)] | None


def reparameterised(layer, kernel_norm):
    """`kernel_norm(layer)`, or the layer itself for None.

    Args:
      layer: a Keras layer with a kernel.
      kernel_norm: function layer -> layer, e.g. `spectral_norm`; None for none.

    Raises:
      UserError: `kernel_norm` is no such function, or does not return a layer.
    """
    if kernel_norm is None:
        return layer
    result = kinds.tried("kernel_norm", kernel_norm, layer, like=_LIKE, classes=True)
    if not isinstance(result, keras.layers.Layer):
        raise UserError(
            f"kernel_norm is {kinds.shown(kernel_norm)}: it must be {_LIKE}; it gives "
            f"{kinds.shown(result)}"
        )
    return result
