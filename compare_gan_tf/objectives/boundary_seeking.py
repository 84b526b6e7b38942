"""Boundary-seeking GANs on continuous data (Hjelm et al., 2018, section 3; 2017 draft).

D learns the log ratio F = log(p / q) of data to fakes. G moves its samples to D's decision boundary
F = 0 from both sides: the gradient changes its sign there. The gradient of the non-saturating loss
never does.
"""

__all__ = ["BoundarySeeking"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import Term
from compare_gan_tf.objectives.losses import Adversarial, LogRatioLoss, non_saturating
from compare_gan_tf.settings.signatures import Decay, Factor, checked
from compare_gan_tf.settings.trials import Tried, ones

Distance = Annotated[Callable, Tried(ones(2), like="a function of `boundary` such as @squared")]


@gin.configurable(module="boundary")
def squared(log_ratio):
    """F^2 = (log D - log(1 - D))^2, as in the published code."""
    return tf.square(log_ratio)


@gin.configurable(module="boundary")
def half_squared(log_ratio):
    """F^2 / 2, of the 2017 draft, eq. 12."""
    return 0.5 * tf.square(log_ratio)


@gin.configurable(module="boundary")
def cross_entropy(log_ratio):
    """-(log D + log(1 - D)) / 2 = softplus(-F) + F / 2; its minimum is log 2, at D = 1/2."""
    return tf.math.softplus(-log_ratio) + 0.5 * log_ratio


@gin.register(module="objectives")
class BoundarySeeking(Adversarial):
    """G minimises the distance of its samples from D's decision boundary; `loss` trains D.

    With `log_z_decay` the boundary is F = log Z, where Z = E_Q exp(F) is 1 only for the best D.
    Each update of D sets log Z <- decay log Z + (1 - decay) log mean exp(F), the mean over the
    fakes of the global batch. The logs have it as "log_z".

    Args:
      loss: loss of D whose best logits are log ratios: `non_saturating`, or `f_gan` with
        @log_ratio. Its loss of G is not used.
      distance: `squared`, `half_squared` or `cross_entropy`.
      log_z_decay: decay of log Z in [0, 1), 0.995 in the published code; None for F = 0.
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        loss: LogRatioLoss = non_saturating,
        distance: Distance = squared,
        log_z_decay: Decay | None = None,
        weight: Factor = 1.0,
        name: str = "boundary_seeking",
    ):
        super().__init__(loss=loss, weight=weight, name=name)
        self.distance = distance
        self.log_z_decay = log_z_decay
        self.log_z = None

    def build_for(self, gan):
        if self.log_z_decay is not None:
            self.log_z = add_state(self, "log_z")

    def generator(self, game, samples, scored):
        logits = scored["fake"].logits
        if self.log_z is None:
            return [Term("", self.distance(logits))]
        log_z = tf.convert_to_tensor(self.log_z)
        followed = Term("log_z", tf.fill(logits.shape, log_z), factor=0.0)
        return [Term("", self.distance(logits - log_z)), followed]

    def update(self, game, samples, scored):
        if self.log_z is not None:
            follow_log_z(self.log_z, self.log_z_decay, game.gather(scored["fake"].logits))


def follow_log_z(log_z, decay: float, log_ratios):
    """Sets log Z <- decay log Z + (1 - decay) log mean exp(F), for F [N] of the global batch."""
    count = tf.cast(tf.size(log_ratios), log_ratios.dtype)
    now = tf.reduce_logsumexp(log_ratios) - tf.math.log(count)
    log_z.assign(decay * log_z + (1.0 - decay) * now)
