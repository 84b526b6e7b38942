"""Spectral-norm regularisation: a penalty on sigma(W), the largest singular value of a kernel."""

__all__ = ["SpectralPenalty"]

import gin
import tensorflow as tf

from compare_gan_tf.layers import add_state
from compare_gan_tf.layers.spectral_norm import as_matrix
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR
from compare_gan_tf.objectives.kernel_penalty import KernelPenalty, Players, kernels
from compare_gan_tf.settings.signatures import Factor, checked


@gin.register(module="objectives")
class SpectralPenalty(KernelPenalty):
    """weight * sum over layers of sigma(W)^2 / 2 (Yoshida and Miyato, 2017, eq. 3 and section 3.2).

    sigma = u W v comes from a power iteration, which starts from a stored v and makes one iteration
    after each update of D. u and v are constants in the gradient.

    Args:
      players: see `KernelPenalty`.
      weight: lambda.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        players: Players = (DISCRIMINATOR,),
        weight: Factor = 0.01,
        name: str = "spectral_penalty",
    ):
        super().__init__(players=players, weight=weight, name=name)

    def build_for(self, gan):
        super().build_for(gan)
        self.vectors = {player: self._vectors(getattr(gan, player)) for player in self.players}
        for vector in self.variables:  # TensorFlow's checkpoints find attributes, not dict entries
            setattr(self, vector.name, vector)

    def _vectors(self, network) -> list:
        return [
            add_state(
                self,
                f"{network.name}{index}",
                shape=(kernel.shape[-1],),
                initializer="random_normal",
            )
            for index, kernel in enumerate(kernels(network))
        ]

    def value(self, player, kernels):
        squares = []
        for kernel, start in zip(kernels, self.vectors[player], strict=True):
            matrix = as_matrix(kernel)
            u, v = (tf.stop_gradient(vector) for vector in _iterated(matrix, start))
            squares.append(tf.square(tf.tensordot(u, tf.linalg.matvec(matrix, v), 1)))
        return 0.5 * tf.reduce_sum(tf.stack(squares))

    def update(self, game, samples, scored):
        networks = {DISCRIMINATOR: game.discriminator, GENERATOR: game.generator}
        for player, vectors in self.vectors.items():
            for kernel, vector in zip(kernels(networks[player]), vectors, strict=True):
                vector.assign(_iterated(as_matrix(kernel), vector)[1])


def _iterated(matrix, vector):
    """(u, v) after one power iteration from v."""
    u = tf.math.l2_normalize(tf.linalg.matvec(matrix, tf.convert_to_tensor(vector)))
    return u, tf.math.l2_normalize(tf.linalg.matvec(matrix, u, transpose_a=True))
