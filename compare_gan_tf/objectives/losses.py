"""Adversarial losses, as values per sample.

Each takes the logits of D, real [n] and fake [m], and returns three vectors: D's loss on each real
sample [n], D's loss on each fake one [m], and G's loss on each fake one [m]. A batch's loss is the
mean of each vector, and D's is the sum of its two means. sigma is the logistic function.

`label_smoothing` s is one-sided (Salimans et al., 2016, section 3.4): D's target for reals is 1 - s
instead of 1, that for fakes stays 0, and G's loss is as without. TF-GAN's default of 0.25 means
another thing there: it is s = 0.125 here.

A loss of your own may also give a pair (D's loss, G's), or be a pair of functions: `as_losses`.
"""

import functools
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import gin
import tensorflow as tf

from compare_gan_tf.settings.signatures import Number, checked

Smoothing = Annotated[float, Number(least=0, below=1)]


class Losses(NamedTuple):
    """Losses per sample."""

    real: Any  # D's, [n]
    fake: Any  # D's, [m]
    generator: Any  # [m]


class WholeLosses(Losses):
    """`Losses` of a D whose loss is not told apart: `real` is the whole of it, `fake` is 0."""


def as_losses(loss: Callable | tuple) -> Callable:
    """A loss in any form as a function (real_logits [n], fake_logits [m]) -> `Losses`.

    Args:
      loss: such a function; or one that gives a pair (D's loss, G's loss); or a pair of functions,
        D's of (real_logits, fake_logits) and G's of (fake_logits). What a pair has is a scalar, the
        mean over the batch, or values [n]; then n = m.
    """
    if is_pair(loss):
        of_d, of_g = loss
        return lambda real, fake: _of_pair((of_d(real, fake), of_g(fake)), real, fake)

    @functools.wraps(loss)
    def losses(real, fake):
        made = loss(real, fake)
        return _of_pair(made, real, fake) if is_pair(made) else made

    losses.given = loss  # for those who describe it
    return losses


def is_pair(value) -> bool:
    """Whether it is two things, as a list or tuple."""
    return isinstance(value, list | tuple) and len(value) == 2


def _of_pair(pair, real_logits, fake_logits) -> WholeLosses:
    """`Losses` of D's whole loss and of G's."""
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
    """`least_squares` of sigma(r) and sigma(f): what compare_gan calls least_squares."""
    return least_squares(tf.sigmoid(real_logits), tf.sigmoid(fake_logits), label_smoothing)


@gin.configurable(module="losses")
def hinge(real_logits, fake_logits):
    """max(0, 1 - r) + max(0, 1 + f); G: -f (Lim and Ye, 2017; Miyato et al., 2018, eq. 16-17)."""
    return Losses(
        real=tf.nn.relu(1.0 - real_logits),
        fake=tf.nn.relu(1.0 + fake_logits),
        generator=-fake_logits,
    )
