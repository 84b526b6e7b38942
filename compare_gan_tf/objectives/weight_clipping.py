"""Weight clipping (Arjovsky et al., 2017, algorithm 1)."""

__all__ = ["WeightClipping"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective
from compare_gan_tf.settings.signatures import Positive, checked


@gin.register(module="objectives")
class WeightClipping(Objective):
    """Clips every trainable variable of D to [-limit, limit] after each update of D.

    It adds no term to a loss. As in the paper, biases and the gains of norms are clipped, too.

    Args:
      limit: c; published: 0.01.
      name: of the objective.
    """

    @checked
    def __init__(self, limit: Positive = 0.01, name: str = "weight_clipping"):
        super().__init__(name=name)
        self.limit = limit

    def update(self, game, samples, scored):
        for variable in game.discriminator.trainable_variables:
            variable.assign(tf.clip_by_value(variable, -self.limit, self.limit))
