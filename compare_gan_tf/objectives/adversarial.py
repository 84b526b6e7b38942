"""The adversarial loss as an objective."""

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View
from compare_gan_tf.objectives.losses import non_saturating


@gin.register(module="objectives")
class Adversarial(Objective):
    """A loss of `objectives/losses.py`: D tells real from fake, G makes D take fake for real.

    Args:
      loss: function of (real_logits [n], fake_logits [m]), see `losses`.
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    def __init__(self, loss=non_saturating, weight: float = 1.0, name: str = "adversarial"):
        super().__init__(weight=weight, name=name)
        loss(tf.zeros([1]), tf.zeros([1]))  # its settings are refused here, not in training
        self.loss = loss

    def views(self, player, game, samples):
        fake = {"fake": View(samples.fake, samples.fake_labels)}
        if player == DISCRIMINATOR:
            return {"real": View(samples.real, samples.real_labels), **fake}
        return fake

    def discriminator(self, game, samples, scored):
        losses = self.loss(scored["real"].logits, scored["fake"].logits)
        return [Term("real", losses.real), Term("fake", losses.fake)]

    def generator(self, game, samples, scored):
        return [Term("", self.loss(tf.zeros([0]), scored["fake"].logits).generator)]
