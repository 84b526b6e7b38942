"""Top-k training (Sinha et al., 2020): G learns from its best samples only."""

__all__ = ["TopK", "TopKRelativistic"]

from typing import Annotated, Any

import gin
import tensorflow as tf

from compare_gan_tf.objectives.losses import Adversarial, Loss, non_saturating
from compare_gan_tf.objectives.relativistic import MarginLoss, Relativistic, logistic, paired
from compare_gan_tf.optimizers import value_at
from compare_gan_tf.settings.signatures import Factor, Number, checked

Share = Annotated[Any, Number(above=0, most=1, schedule=True)]


@gin.register(module="objectives")
class TopK(Adversarial):
    """`Adversarial`, but G's loss is the mean over the k fakes of the batch that D scores highest.

    k = ceil(fraction N) of the N fakes of the global batch; those equal to the k-th count too. The
    paper begins with all and takes k <- 0.99 k after each epoch, down to a half or three quarters
    (section 3.1): `exponential_decay(start=1, rate=0.99, steps=<of an epoch>, staircase=True,
    floor=0.5)`.

    Args:
      loss: see `Adversarial`.
      fraction: in (0, 1]: a number, or a schedule over the training step.
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        loss: Loss = non_saturating,
        fraction: Share = 0.5,
        weight: Factor = 1.0,
        name: str = "adversarial",
    ):
        super().__init__(loss, weight=weight, name=name)
        self.fraction = fraction

    def generator(self, game, samples, scored):
        (term,) = super().generator(game, samples, scored)
        return [term._replace(weights=_best(scored["fake"].logits, self.fraction, game))]


@gin.register(module="objectives")
class TopKRelativistic(Relativistic):
    """`Relativistic` with `paired`, but G learns from the k pairs whose fakes D scores highest.

    Which are kept is up to the fakes alone, as in `TopK`: what a pair's real adds to its margin
    says nothing about the fake. Relativistic losses are not in the paper. With `average` there is
    no such thing: there each real is compared with all fakes.

    Args:
      loss: function of margins [n], see `Relativistic`.
      fraction: see `TopK`.
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        loss: MarginLoss = logistic,
        fraction: Share = 0.5,
        weight: Factor = 1.0,
        name: str = "relativistic",
    ):
        super().__init__(paired, loss, weight=weight, name=name)
        self.fraction = fraction

    def generator(self, game, samples, scored):
        (term,) = super().generator(game, samples, scored)
        return [term._replace(weights=_best(scored["fake"].logits, self.fraction, game))]


def _best(logits, fraction, game):
    """1.0 for the best of this replica's fakes [n], else 0.0."""
    ordered = tf.sort(game.gather(tf.stop_gradient(logits)), direction="DESCENDING")
    number = ordered.shape[0]
    # A little less, so that 0.7 x 10, which is 7.0000002 in float32, is 7.
    k = tf.math.ceil(value_at(fraction, game.step) * number - 1e-4)
    last = tf.clip_by_value(tf.cast(k, tf.int32) - 1, 0, number - 1)
    return tf.cast(logits >= tf.gather(ordered, last), logits.dtype)
