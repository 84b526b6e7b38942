"""Weight normalisation (Salimans and Kingma, 2016, eq. 2)."""

__all__ = ["WeightNorm", "weight_norm"]

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.state import with_kernel
from compare_gan_tf.settings import keras_insides

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class WeightNorm(keras.layers.Wrapper):
    """Runs `layer` with the kernel g v / |v| instead of v; g and v are trained.

    g and |v| are one number per output channel. Initially g = |v|, so that the layer starts as
    without weight norm. The paper's initialisation from data is not implemented.

    Args:
      layer: a layer with a `kernel`.

    Raises:
      UserError: all initial weights of an output are 0, so that v / |v| is not defined.
    """

    def __init__(self, layer, name=None, **wrapper):
        super().__init__(layer, name=name or layer.name, **wrapper)

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        kernel = self.layer.kernel
        # The output channels are the last axis, but the last but one of transposed convolutions.
        outputs = len(kernel.shape) - (2 if isinstance(self.layer, _TRANSPOSED) else 1)
        self._axes = [axis for axis in range(len(kernel.shape)) if axis != outputs]
        self.g = self.add_weight(
            shape=(kernel.shape[outputs],), initializer=self._initial_norms, name="g"
        )
        self.built = True

    def _initial_norms(self, shape, dtype=None):
        norms = tf.sqrt(tf.reshape(self._squares(), shape))
        if not tf.reduce_all(norms > 0.0):
            raise UserError(
                f"weight_norm cannot be on {self.name!r}: its kernel starts at 0 and would stay "
                "there; take another kernel_norm or initializer"
            )
        return tf.cast(norms, dtype)

    def _squares(self):
        """|v|^2 of each output channel, with the kernel's rank."""
        kernel = tf.convert_to_tensor(self.layer.kernel)
        return tf.reduce_sum(tf.square(kernel), self._axes, keepdims=True)

    def call(self, inputs):
        kernel = self.layer.kernel
        with keras_insides.without_autocast():  # the layer casts the result to its own precision
            squares = self._squares()
            normalised = kernel * (tf.reshape(self.g, squares.shape) * tf.math.rsqrt(squares))
            substitute = with_kernel(self.layer, normalised)
        with substitute:
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@gin.configurable(module="layers")
def weight_norm(layer):
    """Wraps `layer` in `WeightNorm`, for the `kernel_norm=` of an architecture."""
    return WeightNorm(layer)
