"""Relativistic losses (Jolicoeur-Martineau, 2018): D judges how much more real a real is.

Of two logits a and b the margin a - b says how much more real D takes the one to be. A loss of
margins m is one of

  logistic  log(1 + exp(-m))        RSGAN, RaSGAN
  squared   (m - 1)^2               RaLSGAN
  hinge     max(0, 1 - m)           RaHingeGAN

and whom a sample is compared with is `paired` or `average`: six losses. RpGAN, of R3GAN (Huang et
al., 2024), is `paired` with `logistic`.
"""

__all__ = ["Relativistic"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective, Term
from compare_gan_tf.settings.signatures import Factor, Function, checked
from compare_gan_tf.settings.trials import Tried, ones

MarginLoss = Annotated[
    Callable,
    Tried(ones(2), like="a function of margins such as @relativistic.logistic", gives=(2,)),
]
Comparison = Annotated[
    Callable,
    Function(
        0, 0, 0, 0, like="a function (above, below, loss, gather) such as @paired or @average"
    ),
]


@gin.configurable(module="relativistic")
def logistic(margins):
    """log(1 + exp(-m)) = -log sigma(m)."""
    return tf.math.softplus(-margins)


@gin.configurable(module="relativistic")
def squared(margins):
    """(m - 1)^2; without the half that `losses.least_squares` has."""
    return tf.square(margins - 1.0)


@gin.configurable(module="relativistic")
def margin_hinge(margins):
    """max(0, 1 - m)."""
    return tf.nn.relu(1.0 - margins)


@gin.configurable(module="relativistic")
def paired(above, below, loss, gather):
    """Each of `above` with the one of `below` in the same place: one term, loss(a_i - b_i)."""
    return [Term("", loss(above - below))]


@gin.configurable(module="relativistic")
def average(above, below, loss, gather):
    """Each with the mean of the others over the global batch: loss(a_i - E b) and loss(E a - b_i).

    The loss is the sum of their means, as in the paper's equations; its code takes half of it.
    """
    mean_above, mean_below = (tf.reduce_mean(gather(logits)) for logits in (above, below))
    return [Term("above", loss(above - mean_below)), Term("below", loss(mean_above - below))]


@gin.register(module="objectives")
class Relativistic(Objective):
    """D's loss with the reals above the fakes, G's with the fakes above the reals.

    In the logs "above" are the samples that the player wants more real, "below" the others.

    Args:
      compare: `paired` or `average`.
      loss: function of margins [n].
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    generator_needs_real = True

    @checked
    def __init__(
        self,
        compare: Comparison = paired,
        loss: MarginLoss = logistic,
        weight: Factor = 1.0,
        name: str = "relativistic",
    ):
        super().__init__(weight=weight, name=name)
        self.compare = compare
        self.loss = loss

    def views(self, player, game, samples):
        return {"real": samples.real_view, "fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        return self.compare(scored["real"].logits, scored["fake"].logits, self.loss, game.gather)

    def generator(self, game, samples, scored):
        return self.compare(scored["fake"].logits, scored["real"].logits, self.loss, game.gather)
