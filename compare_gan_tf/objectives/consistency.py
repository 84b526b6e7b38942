"""Consistency regularisation: D gives a sample and a transformed version of it the same logit.

CR    Consistency(at_real)                                     Zhang et al., 2020, eq. 3
bCR   Consistency(at_real) and Consistency(at_fake)            Zhao et al., 2021, algorithm 1
zCR   LatentConsistency()                                      Zhao et al., 2021, algorithm 2
ICR   bCR and zCR
"""

__all__ = ["Consistency", "LatentConsistency"]

from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View, couples
from compare_gan_tf.objectives.gradient_penalty import Points, at_real
from compare_gan_tf.objectives.heads import require_images
from compare_gan_tf.settings.signatures import Count, Factor, Fraction, Function, Positive, checked

Transform = Annotated[
    Callable, Function(0, 0, "", like="a function (images, noise, tag) such as @flip_and_shift")
]


@gin.configurable(module="consistency")
@checked
def flip_and_shift(images, noise, tag: str, share: Fraction = 0.125):
    """Mirrors each image with probability 1/2, and shifts it by up to `share` of its sides.

    Shifts are whole pixels, at least 1 and less than the side. The image is continued by
    reflection without repeating the border pixel. Sides have at least 2 pixels.
    """
    number, height, width = images.shape[:3]
    flip = noise.integers(f"{tag}/flip", number, 2)[:, tf.newaxis]
    rows = _shifted(height, noise, f"{tag}/down", number, share)
    columns = _shifted(width, noise, f"{tag}/right", number, share)
    columns = tf.where(flip == 1, width - 1 - columns, columns)
    images = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(images, columns, axis=2, batch_dims=1)


def _shifted(side: int, noise, tag: str, number: int, share: float):
    """The index of the pixel that moves to each place along a side, int32 [number, side]."""
    most = min(max(1, int(side * share)), side - 1)  # then one reflection leads into the image
    shift = noise.integers(tag, number, 2 * most + 1)[:, tf.newaxis] - most
    index = tf.abs(tf.range(side) - shift)
    return tf.minimum(index, 2 * (side - 1) - index)


@gin.register(module="objectives")
class Consistency(Objective):
    """D pays weight * mean (D(x) - D(T(x)))^2 of logits; gradients flow through both.

    Args:
      points: x: `at_real` or `at_fake`.
      transform: T, function (images, noise, tag) -> images.
      weight: lambda; published: 10.
      every: see `Objective`.
      name: prefix of its term in the logs.
    """

    @checked
    def __init__(
        self,
        points: Points = at_real,
        transform: Transform = flip_and_shift,
        weight: Factor = 10.0,
        every: Count = 1,
        name: str = "consistency",
    ):
        super().__init__(weight=weight, every=every, name=name)
        self.points = points
        self.couples_batch = couples(points)
        self.transform = transform

    def build_for(self, gan):
        require_images(self, gan)
        if min(gan.sample_shape[:2]) < 2:
            raise UserError(f"Consistency needs sides of 2 pixels or more, not {gan.sample_shape}")

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        view = self.points(self.name, game, samples)
        changed = self.transform(view.images, game.noise, self.name)
        return {"plain": view, "changed": View(changed, view.labels)}

    def discriminator(self, game, samples, scored):
        difference = scored["plain"].logits - scored["changed"].logits
        return [Term("", tf.square(difference))]


@gin.register(module="objectives")
class LatentConsistency(Objective):
    """zCR: D gives G(z) and G(z + d) the same logit, and G makes them differ; d ~ N(0, std^2).

    D pays weight * mean (D(G(z)) - D(G(z + d)))^2, and G pays
    -generator_weight * mean |G(z) - G(z + d)|^2, where |.|^2 is the mean over an image's elements,
    as in StudioGAN.

    Args:
      std: standard deviation of d.
      weight: lambda_dis; published: 5.
      generator_weight: lambda_gen, a number or a schedule; published: 0.5.
      name: prefix of its terms in the logs.
    """

    generates = True

    @checked
    def __init__(
        self,
        std: Positive = 0.03,
        weight: Factor = 5.0,
        generator_weight: Factor = 0.5,
        name: str = "latent_consistency",
    ):
        super().__init__(weight=weight, name=name)
        self.std = std
        self.generator_weight = generator_weight

    def _near(self, game, samples):
        """G(z + d)."""
        noise = tf.math.ndtri(game.noise.uniform(self.name, samples.z.shape))
        return game.generate(samples.z + self.std * noise, samples.fake_labels)

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        return {
            "plain": samples.fake_view,
            "near": View(self._near(game, samples), samples.fake_labels),
        }

    def discriminator(self, game, samples, scored):
        return [Term("", tf.square(scored["plain"].logits - scored["near"].logits))]

    def generator(self, game, samples, scored):
        squared = tf.square(samples.fake - self._near(game, samples))
        distance = tf.reduce_mean(squared, list(range(1, len(squared.shape))))
        return [Term("", -distance, factor=self.generator_weight)]
