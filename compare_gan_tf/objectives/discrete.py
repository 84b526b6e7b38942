"""Boundary-seeking GANs on discrete data (Hjelm et al., 2018, sections 2.2 and 2.3), and MaliGAN.

D's logits learn the log ratio F = log(p / q). G outputs a distribution g(x | z). M samples are
drawn from it for every z, and they alone give the gradient of G's loss:

  importance   -E_z sum_m w_m grad log g(x_m | z),  w = softmax_m F(x_m): KL(p || q), eq. 10
  reinforce    -E_z E_g (F(x) - b) grad log g(x | z): KL(q || p), eq. 13, b = log Z
  maligan      as importance, w normalised over the batch (Che et al., 2017, eq. 9), minus b

The self-normalised weights have a bias of O(1 / M); with one sample the weight is always 1.
"""

__all__ = ["DiscreteBoundarySeeking"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, Term, View, couples
from compare_gan_tf.objectives.boundary_seeking import follow_log_z
from compare_gan_tf.objectives.losses import Adversarial, LogRatioLoss, non_saturating
from compare_gan_tf.settings.signatures import Count, Decay, Factor, checked
from compare_gan_tf.settings.trials import Tried, ones

Estimator = Annotated[
    Callable,
    Tried(ones(2, 2), ones(), tf.identity, like="a function of `estimators` such as @importance"),
]

# Estimators: functions (F [n, M], log Z, `Game.gather`) -> coefficients [n, M] of -log g(x_m | z).


@gin.configurable(module="estimators")
def importance(log_ratios, log_z, gather):
    """w_m: the softmax of F over the M samples of one z (eq. 10)."""
    return tf.nn.softmax(log_ratios, 1)


@gin.configurable(module="estimators")
def reinforce(log_ratios, log_z, gather, baseline: bool = True):
    """(F - log Z) / M (eq. 13); the running log Z is a baseline that reduces the variance."""
    rewards = log_ratios - log_z if baseline else log_ratios
    return rewards / log_ratios.shape[1]


@gin.configurable(module="estimators")
def maligan(log_ratios, log_z, gather, baseline: float = 1.0):
    """(N w - b) / M; w is the softmax over all N samples of the global batch."""
    every = gather(log_ratios)
    total = tf.reduce_logsumexp(every)
    weights = tf.exp(log_ratios - total) * tf.cast(tf.size(every), log_ratios.dtype)
    return (weights - baseline) / log_ratios.shape[1]


maligan.couples_batch = True  # see `Objective`


def _forgets_one(estimator) -> bool:
    """Whether the coefficient of a single sample does not depend on its F."""
    coefficients = estimator(tf.constant([[0.0], [1.0]]), 0.0, tf.identity)
    return bool(coefficients[0, 0] == coefficients[1, 0])


@gin.register(module="objectives")
class DiscreteBoundarySeeking(Adversarial):
    """Trains a discrete generator, with `GAN.alphabet`, by an estimator of its gradient.

    The logs have "effective_samples", 1 / sum_m softmax(F)_m^2 from 1 to M, and "log_z", the
    running log mean exp(F) of the fakes, which is 0 for the best D.

    Args:
      loss: loss of D whose best logits are log ratios: `non_saturating`, as in the published code,
        or `f_gan` with @log_ratio, under any f-divergence. Its loss of G is not used.
      estimator: `importance`, `reinforce` or `maligan`.
      samples: M, 2 or more unless the estimator is `reinforce`.
      log_z_decay: decay of the running log Z, in [0, 1).
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    estimates_gradient = True

    @checked
    def __init__(
        self,
        loss: LogRatioLoss = non_saturating,
        estimator: Estimator = importance,
        samples: Count = 20,
        log_z_decay: Decay = 0.995,
        weight: Factor = 1.0,
        name: str = "boundary_seeking",
    ):
        super().__init__(loss=loss, weight=weight, name=name)
        if samples == 1 and _forgets_one(estimator):
            raise UserError(
                "DiscreteBoundarySeeking.samples is 1: normalised over one sample every weight is "
                "1, and the gradient of G is 0 on average; take 2 or more, or @reinforce"
            )
        self.estimator = estimator
        self.couples_batch = couples(estimator)
        self.samples = samples
        self.log_z_decay = log_z_decay

    def build_for(self, gan):
        if gan.alphabet is None:
            raise UserError(
                "DiscreteBoundarySeeking needs GAN.alphabet, such as @Bits(); for images as they "
                "are there is @BoundarySeeking()"
            )
        self.log_z = add_state(self, "log_z")

    def views(self, player, game, samples):
        if player == DISCRIMINATOR:
            return super().views(player, game, samples)
        logits, labels = samples.fake_outputs, samples.fake_labels
        number, shape = logits.shape[0], game.alphabet.draw_shape
        uniforms = game.noise.uniform(f"{self.name}/draws", [number, self.samples, *shape])
        drawn = tf.stop_gradient(game.alphabet.draw(logits[:, tf.newaxis], uniforms))
        labels = None if labels is None else tf.repeat(labels, self.samples)
        return {"draws": View(tf.reshape(drawn, [-1, *drawn.shape[2:]]), labels)}

    def generator(self, game, samples, scored):
        logits, draws = samples.fake_outputs, scored["draws"]
        ratios = tf.stop_gradient(tf.reshape(draws.logits, [-1, self.samples]))
        drawn = tf.reshape(draws.images, [-1, self.samples, *draws.images.shape[1:]])
        log_probabilities = game.alphabet.log_probability(logits[:, tf.newaxis], drawn)
        log_z = tf.convert_to_tensor(self.log_z)
        coefficients = tf.stop_gradient(self.estimator(ratios, log_z, game.gather))
        weights = tf.nn.softmax(ratios, 1)
        effective = 1.0 / tf.reduce_sum(tf.square(weights), 1)
        return [
            Term("", -tf.reduce_sum(coefficients * log_probabilities, 1)),
            Term("effective_samples", effective, factor=0.0),
            Term("log_z", tf.fill(effective.shape, log_z), factor=0.0),
        ]

    def update(self, game, samples, scored):
        follow_log_z(self.log_z, self.log_z_decay, game.gather(scored["fake"].logits))
