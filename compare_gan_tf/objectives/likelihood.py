"""Objectives for a generator whose density is known; they need no discriminator.

  MaximumLikelihood  -E_p log q(x) = KL(p || q) + the entropy of p
  ReverseKL          E_q (log q(x) - log p(x)) = KL(q || p), if p is known, too

The generator needs a layer with `log_prob`, such as that of `gaussian.generator`. A `Critic` may
train D at the same time, to estimate a divergence; G does not learn from it.
"""

__all__ = ["Critic", "MaximumLikelihood", "ReverseKL"]

import math
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import Objective, Term
from compare_gan_tf.objectives.losses import Adversarial, Loss
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Factor, Function, Positive, Rule, checked


@gin.register(module="objectives")
class Critic(Adversarial):
    """Trains D alone by a loss, for instance to estimate a divergence.

    Args:
      loss: as for `Adversarial`; with `f_gan` minus the sum of the terms is the estimate.
      weight: factor of all terms.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(self, loss: Loss, weight: Factor = 1.0, name: str = "critic"):
        super().__init__(loss=loss, weight=weight, name=name)

    def generator(self, game, samples, scored):
        return []


def layers_with_density(generator) -> list:
    """The layers of a generator that have a `log_prob`: its output's log density in nats."""
    return [layer for layer in generator.layers if hasattr(layer, "log_prob")]


def _density_of(generator, objective):
    """log q of the generator, a function of points [n, D].

    Raises:
      UserError: the generator has no such layer, or several.
    """
    found = layers_with_density(generator)
    if len(found) != 1:
        raise UserError(
            f"{type(objective).__name__} needs a generator whose density is known: set "
            "GAN.generator = @gaussian.generator"
        )
    return found[0].log_prob


@gin.register(module="objectives")
class MaximumLikelihood(Objective):
    """G pays the mean of -log q(x) over the reals x.

    Args:
      weight: factor.
      name: prefix of its term in the logs.
    """

    generator_needs_real = True
    estimates_gradient = True

    @checked
    def __init__(self, *, weight: Factor = 1.0, name: str = "maximum_likelihood"):
        super().__init__(weight=weight, name=name)

    def build_for(self, gan):
        _density_of(gan.generator, self)

    def generator(self, game, samples, scored):
        return [Term("", -_density_of(game.generator, self)(samples.real))]


def _require_points(name: str, modes) -> None:
    """Refuses a value that is not a list of points in the plane."""
    try:
        points = np.asarray(modes, np.float64)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise UserError(
            f"{name} is {kinds.shown(modes)}: it must be a list of points in the plane such as "
            "[(-2.0, 0.0), (2.0, 0.0)]"
        )


Points = Annotated[tuple, Rule(_require_points)]


@gin.register(module="densities")
class MixtureDensity:
    """A mixture of K equal isotropic Gaussians in the plane; by default that of `gaussian_mixture`.

    Args:
      modes: the means, [K, 2].
      scale: the standard deviation of each.
    """

    @checked
    def __init__(self, modes: Points = ((-2.0, 0.0), (2.0, 0.0)), scale: Positive = 0.5):
        self.modes = tuple(map(tuple, np.asarray(modes, np.float64).tolist()))
        self.scale = scale

    def __call__(self, points):
        """Log density in nats, [n], of points [n, 2]."""
        modes = tf.constant(self.modes, points.dtype)
        squared = tf.reduce_sum(tf.square(points[:, tf.newaxis] - modes), -1)
        constant = math.log(len(self.modes) * 2.0 * math.pi * self.scale**2)
        return tf.reduce_logsumexp(-squared / (2.0 * self.scale**2), 1) - constant


_DENSITY = "@MixtureDensity(), with parentheses, or a function of points [n, D]"
Density = Annotated[Callable, Function(0, like=_DENSITY)]


@gin.register(module="objectives")
class ReverseKL(Objective):
    """G pays the mean of log q(x) - log p(x) over its samples x.

    Args:
      density: log p, function of points [n, D] -> [n], such as `MixtureDensity`.
      weight: factor.
      name: prefix of its term in the logs.
    """

    @checked
    def __init__(self, density: Density, *, weight: Factor = 1.0, name: str = "reverse_kl"):
        super().__init__(weight=weight, name=name)
        self.density = density

    def build_for(self, gan):
        _density_of(gan.generator, self)
        name, points = self._of("density"), tf.zeros([2, *gan.sample_shape])
        values = kinds.tried(name, self.density, points, like=_DENSITY)
        kinds.require_shape(name, self.density, values, (2,), like=_DENSITY)

    def generator(self, game, samples, scored):
        log_q = _density_of(game.generator, self)
        return [Term("", log_q(samples.fake) - self.density(samples.fake))]
