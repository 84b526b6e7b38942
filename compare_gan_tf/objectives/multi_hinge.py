"""The multi-class hinge loss of conditional GANs: MHGAN (Kavalerov et al., 2021)."""

__all__ = ["MultiHinge"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective, Term
from compare_gan_tf.objectives.heads import (
    LinearHead,
    on_several,
    require_labels,
    require_used_logit,
)
from compare_gan_tf.objectives.losses import Adversarial
from compare_gan_tf.settings.signatures import Factor, checked

_LEFT_OUT = -1e9  # below every score


def crammer_singer(labels, scores):
    """max(0, 1 - s_y + max_{k != y} s_k), [n] (Crammer and Singer, 2001).

    Args:
      labels: one-hot, bool [n, C].
      scores: s, [n, C].
    """
    own = tf.reduce_sum(tf.where(labels, scores, 0.0), 1)
    others = tf.reduce_max(tf.where(labels, _LEFT_OUT, scores), 1)
    return tf.nn.relu(1.0 - own + others)


@gin.register(module="objectives")
class MultiHinge(Objective):
    """A head scores the K classes of reals and, as class K + 1, fakes; all pay `crammer_singer`.

    D pays it on reals under their labels, and on fakes under class K + 1; G pays it on its fakes
    under the labels that they were given. G's published loss adds `FeatureMatching` with
    @feature_matching.mean_absolute_difference. A real without a label (-1) is in some class:
    max(0, 1 - max_k s_k + s_{K+1}). D's own logit is not used, so D takes no labels (its
    architecture's `conditioning` is None) unless G learns by another objective, too.

    Args:
      weight: of D's terms.
      generator_weight: of G's term, a number or a schedule; published: 0.05.
      kernel_norm: reparameterises the head's kernel, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        weight: Factor = 1.0,
        generator_weight: Factor = 0.05,
        kernel_norm=None,
        name: str = "multi_hinge",
    ):
        super().__init__(weight=weight, name=name)
        self.generator_weight = generator_weight
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_labels(self, gan)
        require_used_logit(self, gan)
        self.number = gan.num_classes
        self.head = LinearHead(gan.discriminator, self.number + 1, kernel_norm=self.kernel_norm)

    views = Adversarial.views

    def discriminator(self, game, samples, scored):
        real, fake = on_several(self.head, scored["real"].features, scored["fake"].features)
        labels = self._one_hot(samples.real_labels)
        unknown = tf.nn.relu(1.0 - tf.reduce_max(real[:, :-1], 1) + real[:, -1])
        known = tf.reduce_any(labels, 1)
        fakes = self._one_hot(tf.fill([fake.shape[0]], self.number))
        return [
            Term("real", tf.where(known, crammer_singer(labels, real), unknown)),
            Term("fake", crammer_singer(fakes, fake)),
        ]

    def generator(self, game, samples, scored):
        (scores,) = on_several(self.head, scored["fake"].features)
        values = crammer_singer(self._one_hot(samples.fake_labels), scores)
        return [Term("", values, factor=self.generator_weight)]

    def _one_hot(self, labels):
        """bool [n, K + 1]; a row of False for -1. Of probabilities the likeliest class counts."""
        if len(labels.shape) == 2:
            known = tf.reduce_sum(labels, 1) > 0.5
            labels = tf.where(known, tf.argmax(labels, 1, tf.int32), -1)
        return labels[:, tf.newaxis] == tf.range(self.number + 1, dtype=labels.dtype)
