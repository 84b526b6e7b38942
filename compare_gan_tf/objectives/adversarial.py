"""The adversarial loss as an objective."""

import math

import gin
import tensorflow as tf

from compare_gan_tf import kinds
from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View
from compare_gan_tf.objectives.losses import Losses, non_saturating

_LOSS = "a function (real_logits, fake_logits) of `losses` such as @hinge"


def require_loss(name: str, loss) -> None:
    """Refuses what is no loss of D's logits; its settings are refused here, not in training.

    Args:
      name: of the setting.
      loss: of it.

    Raises:
      UserError: it is something else.
    """
    losses = kinds.tried(name, loss, tf.zeros([2]), tf.zeros([3]), like=_LOSS)
    if not all(hasattr(losses, field) for field in Losses._fields):
        raise UserError(
            f"{name} is {kinds.shown(loss)}: it must be {_LOSS}; it gives "
            f"a {type(losses).__name__}, not `Losses`"
        )
    for values, number in ((losses.real, 2), (losses.fake, 3), (losses.generator, 3)):
        kinds.require_shape(name, loss, values, (number,), like=_LOSS)


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
    logits = tf.math.log(tf.constant(_RATIOS))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        losses = loss(logits, logits)
        real, fake = tf.reduce_sum(losses.real), tf.reduce_sum(losses.fake)
    zero = {"unconnected_gradients": "zero"}
    of_real, of_fake = (tape.gradient(one, logits, **zero).numpy() for one in (real, fake))
    for ratio, rise, fall in zip(_RATIOS, of_fake, -of_real, strict=True):
        if not (rise > 0.0 and math.isclose(ratio * fall, rise, rel_tol=1e-3)):
            raise UserError(
                f"{name} is {kinds.shown(loss)}: its best logits are not the log ratios "
                f"log(p / q) that are needed, as where p / q = {ratio}; take @non_saturating "
                "without smoothing, or @f_gan with f_gan.logits = @log_ratio"
            )


@gin.register(module="objectives")
class Adversarial(Objective):
    """A loss of `objectives/losses.py`: D tells real from fake, G makes D take fake for real.

    Args:
      loss: function of (real_logits [n], fake_logits [m]), see `losses`.
      weight: factor of the whole.
      name: prefix of its terms in the logs.
    """

    def __init__(self, loss=non_saturating, weight: float = 1.0, name: str = "adversarial"):
        super().__init__(weight=weight, name=name)
        require_loss(self._of("loss"), loss)
        self.loss = loss

    def views(self, player, game, samples):
        fake = {"fake": View(samples.fake, samples.fake_labels)}
        if player == DISCRIMINATOR:
            return {"real": View(samples.real, samples.real_labels), **fake}
        return fake

    def discriminator(self, game, samples, scored):
        losses = self.loss(scored["real"].logits, scored["fake"].logits)
        return [Term("real", losses.real), Term("fake", losses.fake)]

    def generator(self, game, samples, scored):
        return [Term("", self.loss(tf.zeros([0]), scored["fake"].logits).generator)]
