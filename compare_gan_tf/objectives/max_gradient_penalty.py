"""A penalty on the largest slope of D (Zhou et al., 2019, Lipschitz GANs, section 4)."""

__all__ = ["MaxGradientPenalty"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.gradient_penalty import (
    ImageWidth,
    Points,
    between,
    squared_slope,
)
from compare_gan_tf.settings.signatures import Count, Factor, checked


@gin.register(module="objectives")
class MaxGradientPenalty(Objective):
    """D pays weight * max |d logit / d x|^2 over the points of the global batch.

    Args:
      points: see `gradient_penalty`; `between` in the paper.
      weight: lambda.
      image_width: see `GradientPenalty`.
      every: see `Objective`; on several replicas it must be 1.
      name: prefix of its term in the logs.
    """

    couples_batch = True

    @checked
    def __init__(
        self,
        points: Points = between,
        weight: Factor = 10.0,
        image_width: ImageWidth = 2.0,
        every: Count = 1,
        name: str = "max_gradient_penalty",
    ):
        super().__init__(weight=weight, every=every, name=name)
        self.points = points
        self.image_width = image_width

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        return {"points": self.points(self.name, game, samples)._replace(needs_gradient=True)}

    def discriminator(self, game, samples, scored):
        squared = squared_slope(scored["points"], self.image_width)
        largest = tf.reduce_max(game.gather(tf.stop_gradient(squared)))
        return [Term("", squared, weights=tf.cast(squared >= largest, squared.dtype))]
