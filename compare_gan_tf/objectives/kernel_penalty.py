"""Penalties on the kernels of a player: L2, orthogonality, spectral norm."""

__all__ = ["L2", "Orthogonal"]

from collections.abc import Callable
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.spectral_norm import as_matrix
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Objective, Term
from compare_gan_tf.settings.signatures import Count, Factor, Function, OneOf, Several, checked

Players = Annotated[
    tuple,
    Several(
        OneOf(DISCRIMINATOR, GENERATOR),
        like='["discriminator", "generator"]',
        instead="leave the objective out",
    ),
]
Deviation = Annotated[Callable, Function(0, like="a function of W^T W such as @off_diagonal")]


def kernels(network: keras.Model) -> list:
    """The trainable kernels of the dense layers and convolutions of a network.

    Under spectral norm this is the kernel before the division by sigma.
    """
    return [v for v in network.trainable_variables if v.name == "kernel"]


class KernelPenalty(Objective):
    """Adds a function of all kernels of a player to that player's loss.

    A subclass defines `value(player, kernels)`.

    Args:
      players: "discriminator", "generator" or both, in a tuple.
      weight, every, name: see `Objective`.
    """

    @checked
    def __init__(self, *, players: Players, weight: Factor, every: Count = 1, name: str):
        super().__init__(weight=weight, every=every, name=name)
        self.players = tuple(players)

    def build_for(self, gan):
        for player in self.players:
            if not kernels(getattr(gan, player)):
                raise UserError(f"{type(self).__name__}: the {player} has no trainable kernel")

    def value(self, player: str, kernels: list):
        """The penalty, scalar."""
        raise NotImplementedError

    def _terms(self, player: str, network) -> list[Term]:
        if player not in self.players:
            return []
        return [Term("", tf.reshape(self.value(player, kernels(network)), [1]))]

    def discriminator(self, game, samples, scored):
        return self._terms(DISCRIMINATOR, game.discriminator)

    def generator(self, game, samples, scored):
        return self._terms(GENERATOR, game.generator)


@gin.register(module="objectives")
class L2(KernelPenalty):
    """The mean over layers of |W|^2 / 2, biases excluded (compare_gan's l2_penalty).

    The weight here is the weight of a sum over layers times the number of layers.

    Args:
      players: see `KernelPenalty`.
      weight: lambda.
      every: see `Objective`.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        players: Players = (DISCRIMINATOR,),
        weight: Factor = 1.0,
        every: Count = 1,
        name: str = "l2",
    ):
        super().__init__(players=players, weight=weight, every=every, name=name)

    def value(self, player, kernels):
        return tf.reduce_sum(tf.stack([tf.nn.l2_loss(kernel) for kernel in kernels])) / len(kernels)


@gin.configurable(module="orthogonality")
def from_identity(products):
    """W^T W - 1 (Brock et al., 2017; BigGAN's eq. 2): pulls columns to orthogonal unit vectors."""
    return products - tf.eye(products.shape[0], dtype=products.dtype)


@gin.configurable(module="orthogonality")
def off_diagonal(products):
    """W^T W without its diagonal (BigGAN, Brock et al., 2019, eq. 3): lengths stay free."""
    return products - tf.linalg.diag(tf.linalg.diag_part(products))


@gin.register(module="objectives")
class Orthogonal(KernelPenalty):
    """The sum over layers of the squared Frobenius norm |deviation(W^T W)|^2.

    A filter is a column of W. The published code of BigGAN adds 2 (W^T W without diagonal) W to the
    gradient with strength 1e-4. That is half of the gradient of this term: weight 5e-5 here.

    Args:
      deviation: `off_diagonal` or `from_identity`.
      players: see `KernelPenalty`.
      weight: beta.
      every: see `Objective`.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        deviation: Deviation = off_diagonal,
        players: Players = (GENERATOR,),
        weight: Factor = 1e-4,
        every: Count = 1,
        name: str = "orthogonal",
    ):
        super().__init__(players=players, weight=weight, every=every, name=name)
        self.deviation = deviation

    def value(self, player, kernels):
        matrices = [as_matrix(kernel) for kernel in kernels]
        products = [tf.matmul(w, w, transpose_a=True) for w in matrices]
        return tf.reduce_sum(
            tf.stack([tf.reduce_sum(tf.square(self.deviation(p))) for p in products])
        )
