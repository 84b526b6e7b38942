"""Spectral normalisation (Miyato et al., 2018, eq. 8 and algorithm 1)."""

__all__ = ["SpectralNorm", "spectral_norm"]

from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.layers.state import add_state, is_frozen, with_kernel
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import Number, OneOf, Positive, checked

Vector = Annotated[str, OneOf("left", "right", "auto")]
Iterations = Annotated[int, Number(least=1, most=100, whole=True)]  # operations of the graph


def as_matrix(kernel):
    """A kernel [..., c] as a matrix [everything else, c].

    c is the number of output channels; of a transposed convolution, of input channels.
    """
    kernel = tf.convert_to_tensor(kernel)
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class SpectralNorm(keras.layers.Wrapper):
    """Runs `layer` with the kernel W / sigma(W) instead of W; W itself does not change.

    W is reshaped to a matrix [everything else, last axis]. A power iteration from a stored vector u
    estimates sigma, with one iteration per training pass. The gradient flows through
    sigma = u W v, with constant u and v. In inference, and under `frozen_state`, u does not change.

    Args:
      layer: a layer with a `kernel`.
      vector: "left" stores a vector as long as W's columns, "right" as long as its rows, "auto" the
        shorter of the two.
      iterations: power iterations per training pass, 1 to 100.
      epsilon: added inside the normalisation of u and v: x / sqrt(max(|x|^2, epsilon)).
    """

    differs_frozen = True  # it divides by sigma of the vector that the pass has moved

    @checked
    def __init__(
        self,
        layer,
        vector: Vector = "left",
        iterations: Iterations = 1,
        epsilon: Positive = 1e-12,
        name: str | None = None,
        **wrapper,
    ):
        super().__init__(layer, name=name or layer.name, **wrapper)
        self.vector = vector
        self.iterations = iterations
        self.epsilon = epsilon

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        rows, columns = as_matrix(self.layer.kernel).shape
        self._left = self.vector == "left" or (self.vector == "auto" and rows <= columns)
        length = rows if self._left else columns
        self.u = add_state(self, "u", shape=(length,), initializer="random_normal")
        self.built = True

    @property
    def not_averaged(self):
        """See `state.not_averaged`: u is a direction, and a mean of directions is none."""
        return [self.u]

    def call(self, inputs, training=False):
        kernel = self.layer.kernel
        with keras_insides.without_autocast():  # the layer casts the result to its own precision
            normalised = kernel / self._sigma(as_matrix(kernel), advance=training)
            substitute = with_kernel(self.layer, normalised)
        with substitute:
            return self.layer(inputs)

    def _sigma(self, matrix, advance: bool):
        """The estimate of the largest singular value, scalar."""
        matrix = matrix if self._left else tf.transpose(matrix)
        constant = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        v = self._normalise(tf.linalg.matvec(constant, u, transpose_a=True))
        if advance and not is_frozen():
            for iteration in range(self.iterations):
                if iteration:
                    v = self._normalise(tf.linalg.matvec(constant, u, transpose_a=True))
                u = self._normalise(tf.linalg.matvec(constant, v))
            self.u.assign(u)
        else:
            u = self._normalise(u)
        u, v = tf.stop_gradient(u), tf.stop_gradient(v)
        return tf.tensordot(u, tf.linalg.matvec(matrix, v), 1)

    def _normalise(self, vector):
        squared = tf.reduce_sum(tf.square(vector))
        return vector * tf.math.rsqrt(tf.maximum(squared, self.epsilon))

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        own = {"vector": self.vector, "iterations": self.iterations, "epsilon": self.epsilon}
        return super().get_config() | own


@gin.configurable(module="layers")
@checked
def spectral_norm(
    layer, *, vector: Vector = "left", iterations: Iterations = 1, epsilon: Positive = 1e-12
):
    """Wraps `layer` in `SpectralNorm`, for the `kernel_norm=` of an architecture."""
    return SpectralNorm(layer, vector=vector, iterations=iterations, epsilon=epsilon)
