"""Layers of SAGAN and BigGAN: initially orthogonal kernels, optionally under a kernel norm."""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from compare_gan_tf.layers.channel_map import fresh
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.layers.resized_conv import resized_conv


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Orthogonal(keras.initializers.Orthogonal):
    """Kernels whose matrix [everything else, last axis] has orthonormal columns, or rows.

    The distribution is uniform, as that of Keras' `Orthogonal` (Saxe et al., 2014). Matrices at
    least twice as long as wide, such as those of 3x3 convolutions, are made by a Cholesky
    decomposition in a quarter of the time of a QR decomposition: Q = A L^-T with A^T A = L L^T, A
    of normal numbers. Then the condition number of A is about 6 at most, small enough for float32.
    """

    def __call__(self, shape, dtype=None):
        rows, columns = math.prod(shape[:-1]), shape[-1]
        long, wide = max(rows, columns), min(rows, columns)
        if long < 2 * wide:
            return super().__call__(shape, dtype)
        matrix = keras.random.normal((long, wide), seed=self.seed, dtype=dtype)
        lower = ops.cholesky(ops.matmul(ops.transpose(matrix), matrix))
        transposed = ops.solve_triangular(lower, ops.transpose(matrix), lower=True)
        orthogonal = transposed if rows < columns else ops.transpose(transposed)
        return self.gain * ops.reshape(orthogonal, shape)


ORTHOGONAL = Orthogonal()  # each kernel draws from a copy, with a seed of its own


class Kernels(NamedTuple):
    """Makes the layers of one network; initial biases are 0.

    Attributes:
      initializer: of the kernels, a name or a configuration that Keras knows, or an initializer.
      norm: reparameterises each kernel, e.g. `spectral_norm`; None for none.
      residual: initializer of the 3x3 kernels of residual blocks; None for `initializer`.
    """

    initializer: Any = ORTHOGONAL
    norm: Any = None
    residual: Any = None

    def dense(self, units: int, *, bias: bool = True, name: str):
        """[n, c] -> [n, units]."""
        layer = keras.layers.Dense(
            units, use_bias=bias, kernel_initializer=fresh(self.initializer), name=name
        )
        return reparameterised(layer, self.norm)

    def residual_conv(self, filters: int, *, up=None, down=None, name: str):
        """A 3x3 SAME convolution of a residual block; `up` and `down` as in `conv`."""
        first = self.initializer if self.residual is None else self.residual
        return self._replace(initializer=first).conv(filters, 3, up=up, down=down, name=name)

    def conv(self, filters: int, side: int, stride: int = 1, *, up=None, down=None, name: str):
        """A side x side SAME convolution.

        `up` and `down` make the layers before and after it that resize the maps, or are None.
        """
        return resized_conv(
            filters,
            side,
            strides=stride,
            up=up,
            down=down,
            kernel_norm=self.norm,
            kernel_initializer=fresh(self.initializer),
            name=name,
        )
