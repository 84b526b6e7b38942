"""Penalties on the gradient of D's logits at some points, towards a target norm.

`points` is one of the five functions below. The published penalties are

  WGAN-GP  GradientPenalty(between, target=1, weight=10)       Gulrajani et al., 2017, eq. 3
  DRAGAN   GradientPenalty(around_real, target=1, weight=10)   Kodali et al., 2017
  R1       GradientPenalty(at_real, target=0, weight=gamma/2)  Mescheder et al., 2018, eq. 9
  R2       GradientPenalty(at_fake, target=0, weight=gamma/2)  Mescheder et al., 2018, eq. 10

For R1 + R2 list both, with different names. `one_sided` gives WGAN-GP's one-sided form (its section
4). The weight may be a schedule (R3GAN), and `every` makes the penalty lazy. `finite_difference`
gives the approximated R1 and R2 (Lin et al., 2025), which need no gradient of a gradient.
"""

__all__ = ["GradientPenalty"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass, views_of_pass
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Scored, Term, View, couples
from compare_gan_tf.settings.signatures import (
    Count,
    Factor,
    Function,
    NotNegative,
    Number,
    Positive,
    checked,
)

Points = Annotated[
    Callable,
    Function("", 0, 0, like="a function (name, game, samples) such as @between or @at_real"),
]
ImageWidth = Annotated[float, Number(above=0, unit="2 for [-1, 1] or 1 for [0, 1]")]


def _per_sample(values, images):
    return tf.reshape(values, [-1] + [1] * (len(images.shape) - 1))


@gin.configurable(module="penalties")
def between(name, game, samples):
    """real + alpha (fake - real) with alpha ~ U[0, 1) per sample, under the real labels."""
    alpha = _per_sample(game.noise.uniform(name, [samples.real.shape[0]]), samples.real)
    images = samples.real + alpha * (samples.fake - samples.real)
    return View(images, samples.real_labels)


@gin.configurable(module="penalties")
def around_real(name, game, samples):
    """real + std (U[0, 1) - 1/2) per element, clipped to [-1, 1] if images.

    std is one number, the (population) standard deviation over the whole global batch.
    """
    every = game.gather(samples.real)
    noise = game.noise.uniform(name, samples.real.shape) - 0.5
    images = samples.real + tf.math.reduce_std(every) * noise
    if len(images.shape) == 4:
        images = tf.clip_by_value(images, -1.0, 1.0)
    return View(images, samples.real_labels)


@gin.configurable(module="penalties")
def beside_real(name, game, samples):
    """real + alpha (std / 2) U[0, 1), alpha ~ U[0, 1) per sample and U per element; no clipping.

    std is one number, as in `around_real`. compare_gan's first version and StudioGAN use these
    points for DRAGAN.
    """
    std = tf.math.reduce_std(game.gather(samples.real))
    noise = game.noise.uniform(name, samples.real.shape)
    alpha = game.noise.uniform(f"{name}/alpha", [samples.real.shape[0]])
    images = samples.real + _per_sample(alpha, samples.real) * (0.5 * std) * noise
    return View(images, samples.real_labels)


around_real.couples_batch = beside_real.couples_batch = True  # see `Objective`


@gin.configurable(module="penalties")
def at_real(name, game, samples):
    """The real samples themselves."""
    return samples.real_view


@gin.configurable(module="penalties")
def at_fake(name, game, samples):
    """The fake samples themselves."""
    return samples.fake_view


def squared_slope(scored: Scored, image_width: float):
    """|d logit / d x|^2, [n], with x measured in an image range of this width."""
    gradient = scored.input_gradient * (2.0 / image_width)
    return tf.reduce_sum(tf.square(gradient), list(range(1, len(gradient.shape))))


@gin.register(module="objectives")
class GradientPenalty(Objective):
    """D pays weight * mean (slope - target)^2, slope = sqrt(epsilon + |d logit / d x|^2).

    With `finite_difference` e, the squared slope is the mean over u ~ N(0, I), one u for each
    sample, of ((D(x + e u) - D(x)) / e)^2 (approximated R1: Lin et al., 2025, Seaweed-APT; their
    term has no division, so that their lambda is weight / e^2). It needs no gradient of a gradient,
    which some layers do not have, but one more pass over the points: a step has as many
    multiply-adds as with the exact R1. It is exact in the mean as e goes to 0, and noisy: the
    standard deviation is sqrt(2) times the value. If D has kinks, as with leaky ReLUs, the noise of
    the gradient by D's weights also grows as e falls. The difference is one of float32 logits in
    any precision, and x and x + e u have the same augmentation.

    Args:
      points: `between`, `around_real`, `beside_real`, `at_real` or `at_fake`.
      target: of the slope. With target 0 the term is |d logit / d x|^2.
      weight: lambda; for R1 and R2 with the usual gamma it is gamma / 2.
      epsilon: added inside the root, which has no gradient at 0; None for 1e-4, as in compare_gan.
        With target 0 there is no root.
      one_sided: penalises only slopes above the target.
      image_width: width of the image range in which x is measured: 2 for [-1, 1], as in most
        papers' code; 1 for [0, 1], as in compare_gan, which doubles the slopes.
      finite_difference: e, in the units of images in [-1, 1]; published: 0.01 for images, 0.1 for
        videos. None for the exact gradient. It needs target 0, and a D that draws no noise.
      every: see `Objective`.
      name: prefix of its term in the logs.

    Raises:
      UserError: `finite_difference` does not fit the target, or the discriminator.
    """

    @checked
    def __init__(
        self,
        points: Points = between,
        target: NotNegative = 1.0,
        weight: Factor = 10.0,
        epsilon: NotNegative | None = None,
        one_sided: bool = False,
        image_width: ImageWidth = 2.0,
        finite_difference: Positive | None = None,
        every: Count = 1,
        name: str = "gradient_penalty",
    ):
        super().__init__(weight=weight, every=every, name=name)
        if finite_difference is not None and target != 0.0:
            raise UserError(
                f"GradientPenalty.finite_difference is {finite_difference}, which estimates the "
                f"squared slope, but target is {target}: set GradientPenalty.target = 0.0, or "
                "leave finite_difference out"
            )
        self.points = points
        self.couples_batch = couples(points)
        self.target = target
        self.epsilon = 1e-4 if epsilon is None else epsilon
        self.one_sided = one_sided
        self.image_width = image_width
        self.finite_difference = finite_difference

    def build_for(self, gan):
        if self.finite_difference is not None and _draws_noise(gan.discriminator):
            raise UserError(
                f"GradientPenalty.finite_difference is {self.finite_difference}, but GAN.discrimi"
                "nator draws noise, such as dropout's, which would be most of a difference of two "
                "of its logits: leave finite_difference out, or take another discriminator"
            )

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        view = self.points(self.name, game, samples)
        if self.finite_difference is None:
            return {"points": view._replace(needs_gradient=True)}
        direction = tf.math.ndtri(game.noise.uniform(f"{self.name}/u", view.images.shape))
        moved = view.images + self.finite_difference * direction
        return {"points": view, "moved": View(moved, view.labels, augmented_as="points")}

    def discriminator(self, game, samples, scored):
        squared = self._squared_slope(scored)
        if self.target == 0.0:
            return [Term("", squared)]
        excess = tf.sqrt(squared + self.epsilon) - self.target
        return [Term("", tf.square(tf.nn.relu(excess) if self.one_sided else excess))]

    def _squared_slope(self, scored):
        if self.finite_difference is None:
            return squared_slope(scored["points"], self.image_width)
        rise = scored["moved"].logits - scored["points"].logits
        return tf.square(rise / self.finite_difference * (2.0 / self.image_width))


def _draws_noise(discriminator) -> bool:
    """Whether D scores two equal samples of a pass differently in training."""
    row = {
        name: tf.cast(tf.random.stateless_uniform([1, *symbol.shape[1:]], [0, 1]), symbol.dtype)
        for name, symbol in discriminator.input.items()
    }
    with frozen_state(), views_of_pass([1, 1]):
        twice = {name: tf.concat([one, one], 0) for name, one in row.items()}
        one, other = training_pass(discriminator, twice)["logits"].numpy()
    return one != other
