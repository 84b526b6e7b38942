"""Loss-sensitive GANs (Qi, 2017): the loss of a real is below that of a fake by a margin.

L(x) is the loss that D gives a sample, small for reals; here L = cost(logit), by default -logit, so
that a larger logit means "more real" as in all objectives. The margin Delta(x, x') grows with the
distance of a real x and a fake x'. With a = Delta(x, x') + L(x) - L(x'),

  D: minimise  real_weight E L(x) + weight E C(a),   C(a) = max(a, slope a)
  G: minimise  weight E L(x')

Slope 0 is LS-GAN: a pair that keeps its margin has no cost. Other slopes in (-inf, 1] are GLS-GAN:
with 1, C is the Wasserstein loss plus the constant E Delta; with -1, C = |a|.
"""

__all__ = ["LossSensitive", "LossSensitiveClassifier"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective, Scored, Term
from compare_gan_tf.objectives.classification import cross_entropy
from compare_gan_tf.objectives.heads import (
    LinearHead,
    on_several,
    require_labels,
    require_used_logit,
)
from compare_gan_tf.objectives.losses import Adversarial
from compare_gan_tf.settings.signatures import Factor, NotNegative, Number, checked
from compare_gan_tf.settings.trials import Tried, ones

_SCORED = Scored(images=ones(2, 1), logits=ones(2), features=ones(2, 1))
Margin = Annotated[Callable, Tried(_SCORED, _SCORED, like="a function of `margins` such as @l1")]
Cost = Annotated[Callable, Tried(ones(2), like="a function such as @negative")]
Slope = Annotated[float, Number(most=1)]

# Deltas: functions (Scored of reals, Scored of fakes) -> [n]; distances are of images in [-1, 1].


def _difference(real, fake):
    return tf.reshape(real - fake, [real.shape[0], -1])


@gin.configurable(module="margins")
def l1(real, fake):
    """|x - x'|_1 of the samples."""
    return tf.reduce_sum(tf.abs(_difference(real.images, fake.images)), 1)


@gin.configurable(module="margins")
def l2(real, fake):
    """|x - x'|_2 of the samples."""
    return tf.norm(_difference(real.images, fake.images), axis=1)


@gin.configurable(module="margins")
def feature_l1(real, fake):
    """|h(x) - h(x')|_1 of D's features h; no gradient flows to them."""
    return tf.stop_gradient(tf.reduce_sum(tf.abs(_difference(real.features, fake.features)), 1))


@gin.configurable(module="costs")
def negative(logits):
    """L = -logit, of either sign."""
    return -logits


@gin.configurable(module="costs")
def rectified(logits):
    """L = max(0, -logit), as in the published code; no gradient for logits above 0."""
    return tf.nn.relu(-logits)


@gin.configurable(module="costs")
def softened(logits):
    """L = softplus(-logit) > 0."""
    return tf.math.softplus(-logits)


def margin_cost(real_losses, fake_losses, margins, slope: float):
    """C(a) = max(a, slope a) for a = Delta + L(x) - L(x'), [n]."""
    excess = margins + real_losses - fake_losses
    return tf.maximum(excess, slope * excess)


@gin.register(module="objectives")
class LossSensitive(Objective):
    """LS-GAN and GLS-GAN; the paper adds `GradientPenalty(at_real, target=0)`.

    The i-th real and the i-th fake of a batch are a pair.

    Args:
      margin: Delta, function of the Scored of reals and fakes: `l1`, `l2` or `feature_l1`.
      margin_scale: factor of Delta; published: 2e-4 with `l1` at 64 px.
      slope: of C below 0, at most 1: 0 is LS-GAN, 1 is WGAN.
      cost: L as a function of D's logits: `negative`, `rectified` or `softened`.
      real_weight: of E L(x), a number or a schedule; 0 in the published code.
      weight: lambda: of the margin's term, and of G's term.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        margin: Margin = l1,
        margin_scale: NotNegative = 2e-4,
        slope: Slope = 0.0,
        cost: Cost = negative,
        real_weight: Factor = 0.0,
        weight: Factor = 1.0,
        name: str = "loss_sensitive",
    ):
        super().__init__(weight=weight, name=name)
        self.margin = margin
        self.margin_scale = margin_scale
        self.slope = slope
        self.cost = cost
        self.real_weight = real_weight

    views = Adversarial.views

    def discriminator(self, game, samples, scored):
        real, fake = (self.cost(scored[side].logits) for side in ("real", "fake"))
        margins = self.margin_scale * self.margin(scored["real"], scored["fake"])
        return [
            Term("real", real, factor=self.real_weight),
            Term("margin", margin_cost(real, fake, margins, self.slope)),
        ]

    def generator(self, game, samples, scored):
        return [Term("", self.cost(scored["fake"].logits))]


@gin.register(module="objectives")
class LossSensitiveClassifier(Objective):
    """CLS-GAN (Qi, 2017, section 7): L(x, y) = -log softmax_y of a head on D's features.

    D pays real_weight E L(x, y) + weight E C(Delta + L(x, y) - L(G(z, y), y)), and G pays
    weight E L(G(z, y), y). The predicted class of x is argmin_y L(x, y).

    A real without a label (-1) counts with its predicted class, min_y L(x, y), in the margin's
    term, and not at all in the first term. A pair has one class if
    `GAN.label_distribution = @labels_of_reals`; else its real and its fake may differ in class.
    D's own logit is not used, so D takes no labels (its architecture's `conditioning` is None)
    unless G learns by another objective, too. The logs have the accuracy on the labelled reals.

    Args:
      margin: Delta, as for `LossSensitive`.
      margin_scale: factor of Delta; published: 8e-4 with `l1` at 32 px.
      slope: of C below 0, at most 1.
      real_weight: of E L(x, y), a number or a schedule; published: 1.
      kernel_norm: reparameterises the head's kernel; None for none.
      weight: of the margin's term, and of G's term.
      name: prefix of its terms in the logs.
    """

    weighs = True

    @checked
    def __init__(
        self,
        margin: Margin = l1,
        margin_scale: NotNegative = 8e-4,
        slope: Slope = 0.0,
        real_weight: Factor = 1.0,
        kernel_norm=None,
        weight: Factor = 1.0,
        name: str = "loss_sensitive_classifier",
    ):
        super().__init__(weight=weight, name=name)
        self.margin = margin
        self.margin_scale = margin_scale
        self.slope = slope
        self.real_weight = real_weight
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_labels(self, gan)
        require_used_logit(self, gan)
        self.head = LinearHead(gan.discriminator, gan.num_classes, kernel_norm=self.kernel_norm)

    views = Adversarial.views

    def discriminator(self, game, samples, scored):
        real_logits, fake_logits = on_several(
            self.head, scored["real"].features, scored["fake"].features
        )
        labelled, known = cross_entropy(samples.real_labels, real_logits)
        least = tf.reduce_min(-tf.nn.log_softmax(real_logits), 1)
        real = tf.where(known > 0.0, labelled, least)
        fake, _ = cross_entropy(samples.fake_labels, fake_logits)
        margins = self.margin_scale * self.margin(scored["real"], scored["fake"])
        return [
            Term("real", labelled, known, factor=self.real_weight),
            Term("margin", margin_cost(real, fake, margins, self.slope)),
            Term("accuracy", _hits(samples.real_labels, real_logits), known, factor=0.0),
        ]

    def generator(self, game, samples, scored):
        (logits,) = on_several(self.head, scored["fake"].features)
        values, _ = cross_entropy(samples.fake_labels, logits)
        return [Term("", values)]


def _hits(labels, logits):
    """1 where the predicted class is the label, else 0, [n]."""
    likeliest = tf.argmax(labels, 1, tf.int32) if len(labels.shape) == 2 else labels
    return tf.cast(tf.argmax(logits, 1, tf.int32) == likeliest, logits.dtype)
