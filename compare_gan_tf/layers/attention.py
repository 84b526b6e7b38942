"""The non-local block of SAGAN and BigGAN (Zhang et al., 2019, section 3)."""

__all__ = ["NonLocal", "ScaledResidual", "attention"]

import gin
import keras
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.channel_map import NORMAL, fresh
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.settings.signatures import checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class NonLocal(keras.layers.Layer):
    """[theta [n, h, w, k], phi [n, h', w', k], g [n, h', w', m]] -> [n, h, w, m].

    The output at a position is the mean of g over all positions with weights softmax(theta phi^T);
    the softmax has no scale.
    """

    def call(self, inputs):
        theta, _, g = inputs
        queries, keys, values = (_positions_in_a_row(x) for x in inputs)
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        weights = ops.softmax(ops.cast(scores, self.variable_dtype), -1)
        attended = ops.matmul(ops.cast(weights, values.dtype), values)
        return ops.reshape(attended, (-1, *theta.shape[1:3], g.shape[-1]))

    def compute_output_shape(self, input_shape):
        theta, _, g = input_shape
        return (*theta[:-1], g[-1])


def _positions_in_a_row(x):
    """[n, h, w, c] -> [n, h w, c]."""
    height, width, channels = x.shape[1:]
    return ops.reshape(x, (-1, height * width, channels))


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ScaledResidual(keras.layers.Layer):
    """[x, o] -> x + sigma o, with a trained scalar sigma that starts at 0."""

    def build(self, input_shape):
        self.sigma = self.add_weight(shape=(), initializer="zeros", name="sigma")

    def call(self, inputs):
        x, addend = inputs
        return x + self.sigma * addend

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@gin.configurable(module="layers")
@checked
def attention(x, *, kernel_norm: KernelNorm = None, initializer=NORMAL, name: str = "attention"):
    """Self-attention on maps x [n, h, w, C] -> x + sigma o, of the same shape.

    o = conv(NonLocal(theta, phi, g)). theta and phi have C / 8 channels (rounded down, at least 1),
    g has C / 2, and phi and g are max-pooled 2x2. All four convolutions are 1x1 without bias. C, h
    and w are 2 or more; pooling drops the last row of an odd side. It has 1.25 C^2 + 1 weights if 8
    divides C.

    Args:
      x: Keras tensor.
      kernel_norm: reparameterises the four kernels, e.g. `spectral_norm`; None for none.
      initializer: of the kernels, a name that Keras knows or an initializer; N(0, 0.02).
      name: prefix of the names of the layers.

    Raises:
      UserError: h, w or C is below 2.
    """
    height, width, channels = x.shape[1:]
    if min(height, width, channels) < 2:
        raise UserError(
            f"{name} needs 2x2 positions and 2 channels or more: it is at {x.shape[1:]}"
        )

    def conv(filters, part):
        layer = keras.layers.Conv2D(
            filters,
            1,
            use_bias=False,
            kernel_initializer=fresh(initializer),
            name=f"{name}_{part}",
        )
        return reparameterised(layer, kernel_norm)

    few, half = max(1, channels // 8), channels // 2
    theta = conv(few, "theta")(x)
    phi = keras.layers.MaxPooling2D(name=f"{name}_phi_pool")(conv(few, "phi")(x))
    g = keras.layers.MaxPooling2D(name=f"{name}_g_pool")(conv(half, "g")(x))
    attended = NonLocal(name=f"{name}_non_local")([theta, phi, g])
    return ScaledResidual(name=name)([x, conv(channels, "out")(attended)])
