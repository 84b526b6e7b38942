"""Weight normalisation (Salimans and Kingma, 2016, eq. 2)."""

__all__ = ["WeightNorm", "weight_norm"]

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class WeightNorm(keras.layers.Wrapper):
    """Runs `layer` with g v / |v| in the place of its kernel v, both trained.

    g and |v| are one number per output channel. g starts as |v|, so that the layer starts as it
    would be without; the paper's start from the data is left out.

    Args:
      layer: a layer with a `kernel`.

    Raises:
      UserError: all weights of some output start at 0, where there is no direction v / |v|.
    """

    def __init__(self, layer, name=None, **wrapper):
        super().__init__(layer, name=name or layer.name, **wrapper)

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        kernel = self.layer.kernel
        # Kernels have their output channels last; those of transposed convolutions before last.
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
        """|v|^2 of each output, of the kernel's rank."""
        kernel = tf.convert_to_tensor(self.layer.kernel)
        return tf.reduce_sum(tf.square(kernel), self._axes, keepdims=True)

    def call(self, inputs):
        kernel, squares = self.layer.kernel, self._squares()
        normalised = kernel * (tf.reshape(self.g, squares.shape) * tf.math.rsqrt(squares))
        with keras.StatelessScope(state_mapping=[(kernel, normalised)]):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@gin.configurable(module="layers")
def weight_norm(layer):
    """`layer` under `WeightNorm`, for the `kernel_norm=` of an architecture."""
    return WeightNorm(layer)
