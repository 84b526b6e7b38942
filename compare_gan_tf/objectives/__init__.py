"""The terms of the game: each loss, penalty or auxiliary task is a value in `GAN.objectives`."""

from compare_gan_tf.objectives.adversarial import Adversarial
from compare_gan_tf.objectives.base import Objective, Samples, Scored, Term, View
from compare_gan_tf.objectives.gradient_penalty import GradientPenalty

__all__ = ["Adversarial", "GradientPenalty", "Objective", "Samples", "Scored", "Term", "View"]
