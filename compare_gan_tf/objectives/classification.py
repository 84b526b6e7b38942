"""Auxiliary classifiers on D's features.

AC-GAN    Classification                 Odena et al., 2017
TAC-GAN   TwinClassification             Gong et al., 2019
ADC-GAN   DiscriminativeClassification   Hou et al., 2022

G of an AC-GAN makes samples that are easy to classify, and too few others. The twin's and the
discriminative classifier's terms of G take that bias away.
"""

__all__ = ["Classification", "DiscriminativeClassification", "TwinClassification"]

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


@gin.register(module="objectives")
class TwinClassification(Classification):
    """`Classification`, and a twin head that learns fakes alone: TAC-GAN (Gong et al., 2019).

    D also pays the twin's cross-entropy on fakes. G pays that of the first head minus that of the
    twin, -log c(y | x) + log c'(y | x): fakes need not be easier to classify than they are.
    StudioGAN does not train the first head on fakes.

    Args:
      fakes: whether D also pays the first head's cross-entropy on fakes, as published.
      weight: of D's terms; published: 1 (lambda_c), for all terms.
      generator_weight: of G's term, a number or a schedule.
      kernel_norm: reparameterises the heads' kernels, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        fakes: bool = True,
        weight: Factor = 1.0,
        generator_weight: Factor = 1.0,
        kernel_norm=None,
        name: str = "twin_classification",
    ):
        super().__init__(fakes, weight, generator_weight, kernel_norm, name)

    def build_for(self, gan):
        super().build_for(gan)
        self.twin = LinearHead(gan.discriminator, gan.num_classes, kernel_norm=self.kernel_norm)

    def views(self, player, game, samples):
        return super().views(player, game, samples) | {"fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        sides = scored if self.fakes else {"real": scored["real"]}
        (logits,) = on_several(self.twin, scored["fake"].features)
        twin = Term("twin", *cross_entropy(samples.fake_labels, logits))
        return [*super().discriminator(game, samples, sides), twin]

    def generator(self, game, samples, scored):
        (term,) = super().generator(game, samples, scored)
        (logits,) = on_several(self.twin, scored["fake"].features)
        values, _ = cross_entropy(samples.fake_labels, logits)
        return [term._replace(values=term.values - values)]


@gin.register(module="objectives")
class DiscriminativeClassification(Objective):
    """A head tells the class, and whether a sample is real: ADC-GAN (Hou et al., 2022).

    It has 2 K classes, y+ of reals and y- of fakes of the K labels. D pays -log c(y+ | x) on reals
    and -log c(y- | x) on fakes; G pays -log c(y+ | x) + log c(y- | x) on its fakes. Reals without a
    label (-1) do not count. D's architecture has `conditioning` None.

    Args:
      weight: of D's terms; published: 1 (lambda).
      generator_weight: of G's term, a number or a schedule.
      kernel_norm: reparameterises the head's kernel, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    weighs = True

    @checked
    def __init__(
        self,
        weight: Factor = 1.0,
        generator_weight: Factor = 1.0,
        kernel_norm=None,
        name: str = "discriminative_classification",
    ):
        super().__init__(weight=weight, name=name)
        self.generator_weight = generator_weight
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_labels(self, gan)
        units = 2 * gan.num_classes  # those of reals first
        self.head = LinearHead(gan.discriminator, units, kernel_norm=self.kernel_norm)

    def views(self, player, game, samples):
        fake = {"fake": samples.fake_view}
        return {"real": samples.real_view} | fake if player == DISCRIMINATOR else fake

    def discriminator(self, game, samples, scored):
        real, fake = on_several(self.head, scored["real"].features, scored["fake"].features)
        return [
            Term("real", *cross_entropy(_of_side(samples.real_labels, 0, real), real)),
            Term("fake", *cross_entropy(_of_side(samples.fake_labels, 1, fake), fake)),
        ]

    def generator(self, game, samples, scored):
        (logits,) = on_several(self.head, scored["fake"].features)
        as_real, as_fake = (
            cross_entropy(_of_side(samples.fake_labels, side, logits), logits)[0] for side in (0, 1)
        )
        return [Term("", as_real - as_fake, factor=self.generator_weight)]


def _of_side(labels, side: int, logits):
    """Labels of K classes as those of 2 K: of the first K for side 0, of the others for side 1."""
    number = logits.shape[1] // 2
    if len(labels.shape) == 2:
        none = tf.zeros_like(labels)
        return tf.concat([none, labels] if side else [labels, none], 1)
    return tf.where(labels >= 0, labels + side * number, -1)


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
