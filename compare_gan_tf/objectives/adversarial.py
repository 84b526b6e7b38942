"""The adversarial loss as an objective."""

import math
from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View
from compare_gan_tf.objectives.losses import (
    Losses,
    WholeLosses,
    as_losses,
    is_pair,
    non_saturating,
)
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Factor, Rule, checked

_LOSS = "a function (real_logits, fake_logits) of `losses` such as @hinge"
_LOGITS = (-1.0, 0.5, 2.0)


def require_loss(name: str, loss, like: str = _LOSS) -> None:
    """Refuses what is no loss of D's logits; its settings are refused here, not in training.

    Args:
      name: of the setting.
      loss: of it, in any form that `as_losses` takes.
      like: what it must be, for messages.

    Raises:
      UserError: it is something else.
    """
    logits = tf.constant(_LOGITS)
    if is_pair(loss):
        kinds.tried(f"{name}, for D,", loss[0], logits, logits, like=like)
        kinds.tried(f"{name}, for G,", loss[1], logits, like="a function (fake_logits)")
    else:
        kinds.require_function(name, loss, 0, 0, like=like)
    whole = as_losses(loss)
    losses = kinds.tried(name, whole, logits, logits, like=like)
    if not all(hasattr(losses, field) for field in Losses._fields):
        raise UserError(
            f"{name} is {kinds.shown(loss)}: it must be {like}; it gives "
            f"a {type(losses).__name__}, not `Losses`"
        )
    for field in Losses._fields:
        kinds.require_shape(name, whole, getattr(losses, field), logits.shape, like=like)
    other = whole(logits + 1.0, logits).generator
    if not tf.reduce_all(tf.equal(losses.generator, other)):
        raise UserError(
            f"{name} is {kinds.shown(loss)}: its loss for G depends on the reals, which G's update"
            " has not: take @Relativistic()"
        )


_RATIOS = (0.5, 2.0, 4.0)  # not 1, where the hinge's derivatives cancel as well


def require_log_ratios(name: str, loss) -> None:
    """Refuses losses whose best logits are not F = log(p / q), of data to fakes.

    Where p / q = r they have a minimum of r real(F) + fake(F), so that r real'(F) = -fake'(F).

    Args:
      name: of the setting.
      loss: of it, one that `require_loss` does not refuse.

    Raises:
      UserError: it is such a loss.
    """
    real_logits = tf.math.log(tf.constant(_RATIOS))
    fake_logits = tf.identity(real_logits)
    with tf.GradientTape() as tape:
        tape.watch([real_logits, fake_logits])
        losses = as_losses(loss)(real_logits, fake_logits)
        whole = tf.reduce_sum(losses.real) + tf.reduce_sum(losses.fake)
    gradients = tape.gradient(whole, [real_logits, fake_logits], unconnected_gradients="zero")
    of_real, of_fake = (gradient.numpy() for gradient in gradients)
    for ratio, rise, fall in zip(_RATIOS, of_fake, -of_real, strict=True):
        if not (rise > 0.0 and math.isclose(ratio * fall, rise, rel_tol=1e-3)):
            raise UserError(
                f"{name} is {kinds.shown(loss)}: its best logits are not the log ratios "
                f"log(p / q) that are needed, as where p / q = {ratio}; take @non_saturating "
                "without smoothing, or @f_gan with f_gan.logits = @log_ratio"
            )


Loss = Annotated[Callable | tuple, Rule(require_loss)]
LogRatioLoss = Annotated[Callable | tuple, Rule(require_loss), Rule(require_log_ratios)]


@gin.register(module="objectives")
class Adversarial(Objective):
    """A loss of `objectives/losses.py`: D tells real from fake, G makes D take fake for real.

    Args:
      loss: function of (real_logits [n], fake_logits [m]), see `losses`; or one of your own that
        gives a pair (D's loss, G's loss), or a pair of functions: `losses.as_losses`.
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self, loss: Loss = non_saturating, weight: Factor = 1.0, name: str = "adversarial"
    ):
        super().__init__(weight=weight, name=name)
        self.loss = as_losses(loss)

    def views(self, player, game, samples):
        fake = {"fake": View(samples.fake, samples.fake_labels)}
        if player == DISCRIMINATOR:
            return {"real": View(samples.real, samples.real_labels), **fake}
        return fake

    def discriminator(self, game, samples, scored):
        losses = self.loss(scored["real"].logits, scored["fake"].logits)
        if isinstance(losses, WholeLosses):
            return [Term("", losses.real)]
        return [Term("real", losses.real), Term("fake", losses.fake)]

    def generator(self, game, samples, scored):
        fake = scored["fake"].logits
        return [Term("", self.loss(tf.zeros_like(fake), fake).generator)]
