"""The largest slope of D as its penalty (Zhou et al., 2019, Lipschitz GANs, section 4)."""

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.gradient_penalty import (
    POINTS,
    between,
    check_image_width,
    squared_slope,
)
from compare_gan_tf.settings import kinds


@gin.register(module="objectives")
class MaxGradientPenalty(Objective):
    """D pays weight * max |d logit / d x|^2 over the points of the global batch.

    Args:
      points: where, see `gradient_penalty`; between real and fake in the paper.
      weight: lambda.
      image_width: see `GradientPenalty`.
      every: see `Objective`; on several replicas it must be 1.
      name: prefix of its term in the logs.
    """

    def __init__(
        self,
        points=between,
        weight: float = 10.0,
        image_width: float = 2.0,
        every: int = 1,
        name: str = "max_gradient_penalty",
    ):
        super().__init__(weight=weight, every=every, name=name)
        check_image_width(self._of("image_width"), image_width)
        kinds.require_function(self._of("points"), points, name, 0, 0, like=POINTS)
        self.points = points
        self.image_width = image_width

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        view = self.points(self.name, game, samples)
        return {"points": view._replace(needs_gradient=True)}

    def discriminator(self, game, samples, scored):
        squared = squared_slope(scored["points"], self.image_width)
        largest = tf.reduce_max(game.gather(tf.stop_gradient(squared)))
        return [Term("", squared, weights=tf.cast(squared >= largest, squared.dtype))]
