"""Top-k training (Sinha et al., 2020): G learns from its best fakes only."""

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

    k = ceil(fraction N) for N fakes in the global batch; fakes that equal the k-th count, too. The
    paper starts with k = N and sets k <- 0.99 k after each epoch, down to N / 2 or 3 N / 4
    (section 3.1): `exponential_decay(start=1, rate=0.99, steps=<of an epoch>, staircase=True,
    floor=0.5)`.

    Args:
      loss: see `Adversarial`.
      fraction: in (0, 1]: a number, or a schedule over the training step.
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    couples_batch = True

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

    The fakes alone decide which pairs count, as in `TopK`: the real of a pair says nothing about
    its fake. The paper has no relativistic losses. `average` has no pairs to select.

    Args:
      loss: function of margins [n], see `Relativistic`.
      fraction: see `TopK`.
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    couples_batch = True

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
    """1.0 for this replica's fakes among the k best of the global batch, else 0.0, [n]."""
    ordered = tf.sort(game.gather(tf.stop_gradient(logits)), direction="DESCENDING")
    number = ordered.shape[0]
    # Minus 1e-4, so that 0.7 x 10, which is 7.0000002 in float32, gives 7.
    k = tf.math.ceil(value_at(fraction, game.step) * number - 1e-4)
    last = tf.clip_by_value(tf.cast(k, tf.int32) - 1, 0, number - 1)
    return tf.cast(logits >= tf.gather(ordered, last), logits.dtype)
