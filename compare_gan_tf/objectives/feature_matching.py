"""Feature matching (Salimans et al., 2016, section 3.1)."""

__all__ = ["FeatureMatching"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import GENERATOR, Objective, Term
from compare_gan_tf.settings.signatures import Factor, checked
from compare_gan_tf.settings.trials import Tried, ones

Distance = Annotated[
    Callable,
    Tried(
        ones(2),
        ones(2),
        like="a function of two vectors that gives a number, such as @squared_distance",
        gives=(),
    ),
]


@gin.configurable(module="feature_matching")
def squared_distance(a, b):
    """sum (a - b)^2, the paper's."""
    return tf.reduce_sum(tf.square(a - b))


@gin.configurable(module="feature_matching")
def mean_absolute_difference(a, b):
    """mean |a - b|, that of MHGAN (Kavalerov et al., 2021)."""
    return tf.reduce_mean(tf.abs(a - b))


@gin.register(module="objectives")
class FeatureMatching(Objective):
    """G pays weight * distance(E f(x), E f(G(z))): f is D's features, E the global batch's mean.

    In the paper it replaces G's adversarial loss; in a list with `Adversarial` it is added to it.

    Args:
      distance: `squared_distance` or `mean_absolute_difference`.
      weight: factor.
      name: prefix of its term in the logs.
    """

    generator_needs_real = True
    couples_batch = True

    @checked
    def __init__(
        self,
        distance: Distance = squared_distance,
        weight: Factor = 1.0,
        name: str = "feature_matching",
    ):
        super().__init__(weight=weight, name=name)
        self.distance = distance

    def views(self, player, game, samples):
        if player != GENERATOR:
            return {}
        return {"real": samples.real_view, "fake": samples.fake_view}

    def generator(self, game, samples, scored):
        means = (tf.reduce_mean(game.gather(scored[side].features), 0) for side in ("real", "fake"))
        return [Term("", tf.reshape(self.distance(*means), [1]))]
