"""Slicing adversarial networks: SAN (Takida et al., 2024), for any loss of D's logits."""

__all__ = ["SlicingAdversarial"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Term
from compare_gan_tf.objectives.losses import Adversarial, Loss, hinge
from compare_gan_tf.settings.signatures import Factor, checked

_OUTPUT = "direction_logits"


@gin.register(module="objectives")
class SlicingAdversarial(Adversarial):
    """`Adversarial` with a normalised last layer of D, whose direction has a loss of its own.

    D's logit becomes s <omega, h(x)>, with its features h, a scale s, and a direction omega on the
    unit sphere, which depends on the label if D takes labels. D pays the loss with omega held
    fixed, for h and s, plus the direction's terms with h and s held fixed, for omega alone:

      mean l(r) - mean l(f), with the loss l that G pays for a fake's logit.

    For `hinge` and `wasserstein`, where l(f) = -f, these are Wasserstein terms (Takida et al.,
    2024, section 6; tutorial of the authors, section 3); for other losses l weighs the samples by
    its slope (Shibuya et al., 2024, BigVSAN). G's loss, and penalties of the logit, stay as they
    are.

    The layer replaces D's last one, and what D's conditioning adds to the logit: its weights are
    w_0, plus E y with labels, and s and omega are their norm and their direction.

    Args:
      loss: see `Adversarial`.
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    reads = (_OUTPUT,)

    @checked
    def __init__(self, loss: Loss = hinge, weight: Factor = 1.0, name: str = "adversarial"):
        super().__init__(loss, weight=weight, name=name)

    def discriminator(self, game, samples, scored):
        real, fake = (self._paid_by_g(scored[side].heads[_OUTPUT]) for side in ("real", "fake"))
        return [
            *super().discriminator(game, samples, scored),
            Term("direction_real", real),
            Term("direction_fake", -fake),
        ]

    def _paid_by_g(self, logits):
        return self.loss(tf.zeros_like(logits), logits).generator
