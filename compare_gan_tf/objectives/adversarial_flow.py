"""Two parts of adversarial flow models, AFM (Lin et al., 2025, arXiv 2511.22475), for any GAN.

LogitCentring        a penalty that keeps D's logits near 0             eq. 7
GradientNormaliser   the gradient that G gets through D, of a known size  eq. 23

A relativistic loss says nothing of the mean of D's logits. And the gradient that D hands to G is of
any size: beside a term of G alone, only one of a known size lets one weight fit all networks.
"""

__all__ = ["GradientNormaliser", "LogitCentring"]

from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Objective, Term
from compare_gan_tf.objectives.losses import Adversarial
from compare_gan_tf.objectives.relativistic import Relativistic
from compare_gan_tf.objectives.top_k import TopK, TopKRelativistic
from compare_gan_tf.optimizers import value_at
from compare_gan_tf.settings.signatures import Decay, Factor, Made, checked

_LEAST = 1e-8  # added to the root, as in the published code


def _is_of_logits(value) -> bool:
    """Whether G's terms of an objective are plain means of functions of D's logits."""
    weighted = isinstance(value, TopK | TopKRelativistic)
    return isinstance(value, Adversarial | Relativistic) and not weighted


OfLogits = Annotated[
    Objective,
    Made(_is_of_logits, like="an objective of D's logits such as @Relativistic(), without TopK"),
]


@gin.register(module="objectives")
class LogitCentring(Objective):
    """D pays weight * mean (D(x_i) + D(G(z_i)))^2, over pairs of a real and a fake (AFM, eq. 7).

    Args:
      weight: lambda; published: 0.01.
      name: prefix of its term in the logs.
    """

    @checked
    def __init__(self, weight: Factor = 0.01, name: str = "logit_centring"):
        super().__init__(weight=weight, name=name)

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        return {"real": samples.real_view, "fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        return [Term("", tf.square(scored["real"].logits + scored["fake"].logits))]


@gin.register(module="objectives")
class GradientNormaliser(Objective):
    """Another objective, whose gradient by G's samples x = G(z) is divided by its usual size.

    With g_i the gradient of the objective's loss of sample i by x_i, which has n elements, G's
    weights get that of x_i by

      weight * g_i / (sqrt(n v) + 1e-8),   v <- decay v + (1 - decay) mean |g_i|^2,

    with the mean over the global batch; v begins at 0, as in the published code (AFM, section 3.4
    and eq. 23). A sample's gradient then has a length near weight / sqrt(n), that of a mean over
    the elements. D's terms, and the values in the logs, are those of the other objective.

    Args:
      objective: `Adversarial`, `Relativistic` or a subclass; None for @Relativistic(), as
        published. `TopK` and `TopKRelativistic` are refused.
      decay: of v; published: 0.9, the beta_2 of Adam.
      weight: of G's gradient. D's terms have the weight of the other objective.
      name: prefix of its terms in the logs.

    Raises:
      UserError: the discriminator has batch statistics, by which a sample's score depends on the
        other samples.
    """

    couples_batch = True

    @checked
    def __init__(
        self,
        objective: OfLogits | None = None,
        decay: Decay = 0.9,
        weight: Factor = 1.0,
        name: str = "gradient_normaliser",
    ):
        super().__init__(weight=weight, name=name)
        self.objective = objective or Relativistic()
        self.decay = decay
        self.generator_needs_real = self.objective.generator_needs_real
        self.reads = self.objective.reads

    def build_for(self, gan):
        if gan.couples_batch:
            raise UserError(
                "GradientNormaliser needs the gradient of each sample's score, but GAN.discrimi"
                "nator has batch statistics: take another norm, or leave GradientNormaliser out"
            )
        self.objective.build_for(gan)
        self.square = add_state(self, "square")

    def views(self, player, game, samples):
        views = self.objective.views(player, game, samples)
        if player == GENERATOR:
            views["fake"] = views["fake"]._replace(needs_gradient=True)
        return views

    def discriminator(self, game, samples, scored):
        terms = self.objective.discriminator(game, samples, scored)
        return [term._replace(factor=self._factor(term)) for term in terms]

    def generator(self, game, samples, scored):
        fake = scored["fake"]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            logits = tf.identity(fake.logits)
            tape.watch(logits)
            own = scored | {"fake": fake._replace(logits=logits)}
            terms = self.objective.generator(game, samples, own)
            loss = sum(value_at(self._factor(term), game.step) * term.values for term in terms)
        axes = list(range(1, len(fake.images.shape)))
        slope = tf.reshape(tape.gradient(loss, logits), [-1] + [1] * len(axes))
        gradient = tf.stop_gradient(slope * fake.input_gradient)
        squares = tf.reduce_sum(tf.square(gradient), axes)
        size = self._size(squares, fake.images.shape[1:].num_elements(), game)
        moved = tf.reduce_sum(gradient / size * fake.images, axes)  # by x it has this gradient
        return [Term("", moved + tf.stop_gradient(loss - moved))]

    def _factor(self, term: Term):
        return self.objective.weight if term.factor is None else term.factor

    def _size(self, squares, elements: int, game):
        """sqrt(n v) + 1e-8, after v has taken in |g_i|^2, [n]."""
        mean = tf.reduce_mean(game.gather(squares))
        square = self.decay * tf.convert_to_tensor(self.square) + (1.0 - self.decay) * mean
        self.square.assign(square)
        return tf.sqrt(elements * square) + _LEAST
