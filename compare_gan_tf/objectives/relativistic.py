"""Relativistic losses (Jolicoeur-Martineau, 2018): D compares reals with fakes.

The margin a - b of two logits says how much more real the first sample is than the second one. A
loss of margins m is one of

  logistic  log(1 + exp(-m))        RSGAN, RaSGAN
  squared   (m - 1)^2               RaLSGAN
  hinge     max(0, 1 - m)           RaHingeGAN

and `paired` or `average` decides with what a sample is compared: six losses. RpGAN, the loss of
R3GAN (Huang et al., 2024), is `paired` with `logistic`.
"""

__all__ = ["Relativistic"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective, Term, couples
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
    """(m - 1)^2, without the factor 1/2 of `losses.least_squares`."""
    return tf.square(margins - 1.0)


@gin.configurable(module="relativistic")
def margin_hinge(margins):
    """max(0, 1 - m)."""
    return tf.nn.relu(1.0 - margins)


@gin.configurable(module="relativistic")
def paired(above, below, loss, gather):
    """Compares the i-th logit of `above` with the i-th of `below`: one term, loss(a_i - b_i)."""
    return [Term("", loss(above - below))]


@gin.configurable(module="relativistic")
def average(above, below, loss, gather):
    """Compares each logit with the mean of the other side: loss(a_i - E b) and loss(E a - b_i).

    E is the mean over the global batch. The loss is the sum of the means of the two terms, as in
    the paper's equations; the paper's code takes half of it.
    """
    mean_above, mean_below = (tf.reduce_mean(gather(logits)) for logits in (above, below))
    return [Term("above", loss(above - mean_below)), Term("below", loss(mean_above - below))]


average.couples_batch = True  # see `Objective`


@gin.register(module="objectives")
class Relativistic(Objective):
    """D pays the loss of margins of reals above fakes, and G that of fakes above reals.

    In the logs, "above" is the side whose logits the player raises, "below" the other side.

    Args:
      compare: `paired` or `average`.
      loss: function of margins [n]: `logistic`, `squared` or `margin_hinge`.
      weight: factor of all terms.
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
        self.couples_batch = self.couples_batch or couples(compare)

    def views(self, player, game, samples):
        return {"real": samples.real_view, "fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        return self.compare(scored["real"].logits, scored["fake"].logits, self.loss, game.gather)

    def generator(self, game, samples, scored):
        return self.compare(scored["fake"].logits, scored["real"].logits, self.loss, game.gather)
