"""LeCam regularisation (Tseng et al., 2021): pulls D's logits to moving averages."""

__all__ = ["LeCam"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.settings.signatures import Decay, Factor, Step, checked
from compare_gan_tf.settings.trials import Tried, ones

_DISTANCE = "a function (above, below) of each logit, such as @squared_difference"
Distance = Annotated[
    Callable,
    Tried(ones(2), ones(), like=_DISTANCE, gives=(2,)),
    Tried(ones(), ones(2), like=_DISTANCE, gives=(2,)),
]


@gin.configurable(module="lecam")
def squared_difference(above, below):
    """(a - b)^2, eq. 4 of the paper."""
    return tf.square(above - below)


@gin.configurable(module="lecam")
def squared_excess(above, below):
    """max(0, a - b)^2, as in the published code: 0 where a <= b."""
    return tf.square(tf.nn.relu(above - below))


@gin.register(module="objectives")
class LeCam(Objective):
    """D pays distance(D(real), a_fake) + distance(a_real, D(fake)).

    The two a are moving averages of D's logits. After each update of D,
    a <- decay a + (1 - decay) mean, with the mean over the global batch. Before `start_step` a is a
    copy of that mean, and the penalty is 0.

    Args:
      distance: `squared_difference` or `squared_excess`.
      decay: of the averages; published: 0.99.
      start_step: first training step with a penalty; published: 1000.
      weight: lambda; published: 0.3 with BigGAN on CIFAR.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        distance: Distance = squared_difference,
        decay: Decay = 0.99,
        start_step: Step = 1000,
        weight: Factor = 0.3,
        name: str = "lecam",
    ):
        super().__init__(weight=weight, name=name)
        self.distance = distance
        self.decay = decay
        self.start_step = max(start_step, 1)  # there is no average before the first step

    def build_for(self, gan):
        self.real, self.fake = (add_state(self, side) for side in ("real", "fake"))

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        return {"real": samples.real_view, "fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        on = tf.cast(game.step >= self.start_step, tf.float32)
        real, fake = (tf.convert_to_tensor(average) for average in (self.real, self.fake))
        return [
            Term("real", on * self.distance(scored["real"].logits, fake)),
            Term("fake", on * self.distance(real, scored["fake"].logits)),
        ]

    def update(self, game, samples, scored):
        decay = tf.where(game.step >= self.start_step, self.decay, 0.0)
        for side, average in (("real", self.real), ("fake", self.fake)):
            mean = tf.reduce_mean(game.gather(scored[side].logits))
            average.assign(decay * average + (1.0 - decay) * mean)
