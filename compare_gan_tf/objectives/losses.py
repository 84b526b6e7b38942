"""Adversarial losses, as values per sample, and the objective `Adversarial`.

A loss takes the logits of D, r [n] of reals and f [m] of fakes, and returns three vectors: D's loss
of each real [n], D's loss of each fake [m], and G's loss of each fake [m]. The loss of D is the sum
of the means of the first two, and that of G the mean of the third. sigma is the logistic function.

`label_smoothing` s is one-sided (Salimans et al., 2016, section 3.4): D's target for reals is 1 - s
instead of 1, the target for fakes stays 0, and G's loss does not change. TF-GAN's default of 0.25
corresponds to s = 0.125.

Your own loss may also return a pair (D's loss, G's loss), or be a pair of functions: `as_losses`.
"""

__all__ = ["Adversarial"]

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Factor, Number, Rule, checked

Smoothing = Annotated[float, Number(least=0, below=1)]


class Losses(NamedTuple):
    """Losses per sample."""

    real: Any  # D's, [n]
    fake: Any  # D's, [m]
    generator: Any  # [m]


class WholeLosses(Losses):
    """`Losses` if D's loss is not split into reals and fakes: `real` is all of it, `fake` is 0."""


def as_losses(loss: Callable | tuple) -> Callable:
    """Converts a loss of any form into a function (real_logits [n], fake_logits [m]) -> `Losses`.

    Args:
      loss: such a function; a function that returns a pair (D's loss, G's loss); or a pair of
        functions, D's (real_logits, fake_logits) and G's (fake_logits). The members of a pair are
        scalars, means over the batch, or values [n] with n = m.
    """
    if is_pair(loss):
        of_d, of_g = loss
        return lambda real, fake: _of_pair((of_d(real, fake), of_g(fake)), real, fake)

    @functools.wraps(loss)
    def losses(real, fake):
        made = loss(real, fake)
        return _of_pair(made, real, fake) if is_pair(made) else made

    losses.given = loss  # `gan.description` shows it
    return losses


def is_pair(value) -> bool:
    """Whether a value is a list or tuple of two."""
    return isinstance(value, list | tuple) and len(value) == 2


def _of_pair(pair, real_logits, fake_logits) -> WholeLosses:
    """Converts (D's loss, G's loss) into `Losses`."""
    of_d, of_g = pair
    none = tf.zeros_like(fake_logits)
    return WholeLosses(real=of_d + tf.zeros_like(real_logits), fake=none, generator=of_g + none)


def _smoothed(real_logits, label_smoothing: float):
    """-(1 - s) log sigma(r) - s log(1 - sigma(r)) = softplus(-r) + s r."""
    plain = tf.math.softplus(-real_logits)
    return plain + label_smoothing * real_logits if label_smoothing else plain


@gin.configurable(module="losses")
@checked
def non_saturating(real_logits, fake_logits, label_smoothing: Smoothing = 0.0):
    """-log sigma(r) - log(1 - sigma(f)); G: -log sigma(f) (Goodfellow et al., 2014, section 3)."""
    return Losses(
        real=_smoothed(real_logits, label_smoothing),
        fake=tf.math.softplus(fake_logits),
        generator=tf.math.softplus(-fake_logits),
    )


@gin.configurable(module="losses")
@checked
def minimax(real_logits, fake_logits, label_smoothing: Smoothing = 0.0):
    """D as `non_saturating`; G: log(1 - sigma(f)), which saturates (Goodfellow et al., eq. 1)."""
    fake = tf.math.softplus(fake_logits)
    return Losses(real=_smoothed(real_logits, label_smoothing), fake=fake, generator=-fake)


@gin.configurable(module="losses")
def wasserstein(real_logits, fake_logits):
    """-r + f; G: -f (Arjovsky et al., 2017, eq. 2 and 3)."""
    return Losses(real=-real_logits, fake=fake_logits, generator=-fake_logits)


@gin.configurable(module="losses")
@checked
def least_squares(real_logits, fake_logits, label_smoothing: Smoothing = 0.0):
    """((r - 1)^2 + f^2) / 2; G: (f - 1)^2 / 2, on logits (Mao et al., 2017, eq. 9)."""
    return Losses(
        real=0.5 * tf.square(real_logits - (1.0 - label_smoothing)),
        fake=0.5 * tf.square(fake_logits),
        generator=0.5 * tf.square(fake_logits - 1.0),
    )


@gin.configurable(module="losses")
@checked
def least_squares_on_probabilities(real_logits, fake_logits, label_smoothing: Smoothing = 0.0):
    """`least_squares` of sigma(r) and sigma(f); compare_gan's least_squares."""
    return least_squares(tf.sigmoid(real_logits), tf.sigmoid(fake_logits), label_smoothing)


@gin.configurable(module="losses")
def hinge(real_logits, fake_logits):
    """max(0, 1 - r) + max(0, 1 + f); G: -f (Lim and Ye, 2017; Miyato et al., 2018, eq. 16-17)."""
    return Losses(
        real=tf.nn.relu(1.0 - real_logits),
        fake=tf.nn.relu(1.0 + fake_logits),
        generator=-fake_logits,
    )


# --- Checks of losses -------------------------------------------------------------------------

_LOSS = "a function (real_logits, fake_logits) of `losses` such as @hinge"
_LOGITS = (-1.0, 0.5, 2.0)


def require_loss(name: str, loss, like: str = _LOSS) -> None:
    """Refuses a value that is not a loss of D's logits; tries it once on three logits.

    Args:
      name: of the setting.
      loss: its value, in any form that `as_losses` takes.
      like: what the value must be, for messages.

    Raises:
      UserError: the value is not a loss, or one of its settings is wrong.
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
    same = tf.equal(losses.generator, other) | tf.math.is_nan(other)  # NaN is told of elsewhere
    if not tf.reduce_all(same):
        raise UserError(
            f"{name} is {kinds.shown(loss)}: its loss for G depends on the reals, which G's update"
            " has not: take @Relativistic()"
        )


def mixes_samples(loss: Callable) -> bool:
    """Whether a loss in the form of `as_losses` is no mean over samples, on a trial of four."""
    real, fake = tf.constant([-1.0, 0.5, 2.0, 0.3]), tf.constant([0.7, -0.4, 1.5, -2.0])

    def means(of):
        losses = loss(real[of], fake[of])
        return [tf.reduce_mean(losses.real) + tf.reduce_mean(losses.fake), losses.generator]

    whole, parts = means(slice(None)), (means(slice(2)), means(slice(2, None)))
    pairs = [
        (tf.reduce_mean(one), tf.reduce_mean(both))
        for one, *both in zip(whole, *parts, strict=True)
    ]
    return not all(math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) for one, other in pairs)


_RATIOS = (0.5, 2.0, 4.0)  # without 1, where the derivatives of the hinge loss cancel, too


def require_log_ratios(name: str, loss) -> None:
    """Refuses a loss whose best logits are not F = log(p / q) of data to fakes.

    Where p / q = r, the best logits minimise r real(F) + fake(F), so that r real'(F) = -fake'(F).

    Args:
      name: of the setting.
      loss: its value, which `require_loss` has accepted.

    Raises:
      UserError: the best logits are others.
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


# --- The objective ----------------------------------------------------------------------------


@gin.register(module="objectives")
class Adversarial(Objective):
    """An adversarial loss: D separates reals from fakes, and G makes D score fakes as reals.

    Args:
      loss: function (real_logits [n], fake_logits [m]) -> `Losses`, see `losses`; or any other form
        that `losses.as_losses` takes.
      weight: factor of all terms.
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
        real = {"real": View(samples.real, samples.real_labels)}
        return real | fake if player == DISCRIMINATOR else fake

    def discriminator(self, game, samples, scored):
        losses = self.loss(scored["real"].logits, scored["fake"].logits)
        if isinstance(losses, WholeLosses):
            return [Term("", losses.real)]
        return [Term("real", losses.real), Term("fake", losses.fake)]

    def generator(self, game, samples, scored):
        fake = scored["fake"].logits
        return [Term("", self.loss(tf.zeros_like(fake), fake).generator)]
