"""An auxiliary classifier on D's features: AC-GAN (Odena et al., 2017)."""

__all__ = ["Classification"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.heads import LinearHead, on_several, require_labels
from compare_gan_tf.settings.signatures import Factor, checked


@gin.register(module="objectives")
class Classification(Objective):
    """A linear head on D's features predicts the class; D and G pay its cross-entropy.

    D pays on reals, and G on fakes. In the paper D also pays on fakes, under the labels that G was
    given (`fakes`); StudioGAN's "ACGAN-Mod" does not. Reals without a label (-1) do not count. The
    D of an AC-GAN takes no labels: set its architecture's `conditioning` to None.

    Args:
      fakes: whether D also pays on fakes.
      weight: of D's terms.
      generator_weight: of G's term, a number or a schedule.
      kernel_norm: reparameterises the head's kernel, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    weighs = True

    @checked
    def __init__(
        self,
        fakes: bool = True,
        weight: Factor = 1.0,
        generator_weight: Factor = 1.0,
        kernel_norm=None,
        name: str = "classification",
    ):
        super().__init__(weight=weight, name=name)
        self.fakes = fakes
        self.generator_weight = generator_weight
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_labels(self, gan)
        self.head = LinearHead(gan.discriminator, gan.num_classes, kernel_norm=self.kernel_norm)

    def views(self, player, game, samples):
        fake = {"fake": samples.fake_view}
        if player != DISCRIMINATOR:
            return fake
        return {"real": samples.real_view} | (fake if self.fakes else {})

    def discriminator(self, game, samples, scored):
        labels = {"real": samples.real_labels, "fake": samples.fake_labels}
        logits = on_several(self.head, *(scored[side].features for side in scored))
        return [
            Term(side, *cross_entropy(labels[side], of_side))
            for side, of_side in zip(scored, logits, strict=True)
        ]

    def generator(self, game, samples, scored):
        (logits,) = on_several(self.head, scored["fake"].features)
        values, _ = cross_entropy(samples.fake_labels, logits)
        return [Term("", values, factor=self.generator_weight)]


def cross_entropy(labels, logits):
    """The cross-entropy of each sample, and its weight.

    Args:
      labels: int32 [n], -1 for none; or probabilities [n, K], a row of zeros for none.
      logits: [n, K].

    Returns:
      (-sum_k y_k log softmax(logits)_k, [n]; weights [n], 0 for samples without label, else 1).
    """
    if len(labels.shape) == 2:
        values = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        return values, tf.cast(tf.reduce_sum(labels, 1) > 0.5, values.dtype)
    known = tf.maximum(labels, 0)
    values = tf.nn.sparse_softmax_cross_entropy_with_logits(known, logits)
    return values, tf.cast(labels >= 0, values.dtype)
