"""Latent optimisation: both players meet latents that D has improved (Wu et al., 2019, LOGAN)."""

__all__ = ["LatentOptimization"]

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import Objective, Term
from compare_gan_tf.settings.signatures import Factor, Fraction, Positive, checked


@gin.register(module="objectives")
class LatentOptimization(Objective):
    """Each z of an update makes a step of natural gradient ascent on D's logit before G takes it.

      z' = clip(z + dz),   dz = alpha g / (beta + |g|^2),   g = d D(G(z)) / d z,

    which is the inverse of the damped Fisher matrix g g^T + beta I times alpha g (Wu et al., 2019,
    section 4). All objectives see G(z'), in the updates of both players, and the gradients of
    both flow through the step; that costs one more pass of both networks, and its second
    derivatives. Both players pay weight * mean |dz|^2. Samples of the trained G take z as it is
    drawn.

    Codes of `Coded` latents stay as they are drawn. The passes that give g write no state, and have
    no augmentation.

    Args:
      step_size: alpha; published: 0.9.
      damping: beta, above 0; StudioGAN's with CIFAR-10: 0.1.
      weight: of |dz|^2; StudioGAN's with CIFAR-10: 0.1.
      fraction: of the latents that move, each by chance; StudioGAN's: 0.8.
      limit: of the elements of z'; 1 is that of `Uniform`. None for no clipping.
      name: prefix of its terms in the logs.

    Raises:
      UserError: the discriminator has batch statistics.
    """

    generates = True
    moves_latents = True

    @checked
    def __init__(
        self,
        step_size: Positive = 0.9,
        damping: Positive = 0.1,
        weight: Factor = 0.1,
        fraction: Fraction = 0.8,
        limit: Positive | None = None,
        name: str = "latent_optimization",
    ):
        super().__init__(weight=weight, name=name)
        self.step_size = step_size
        self.damping = damping
        self.fraction = fraction
        self.limit = limit
        self.codes = 0  # elements of z, behind the noise

    def build_for(self, gan):
        if gan.couples_batch:
            raise UserError(
                "LatentOptimization scores fakes without reals, but GAN.discriminator has batch "
                "statistics: take another norm, or leave LatentOptimization out"
            )
        self.codes = gan.latents.dim - getattr(gan.latents, "noise", gan.latents).dim

    def latents(self, game, z, labels):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            logits = game.judge(game.generate(z, labels), labels)
        noise = tape.gradient(logits, z)[:, : z.shape[1] - self.codes]
        gradient = tf.pad(noise, [[0, 0], [0, self.codes]])
        squares = tf.reduce_sum(tf.square(gradient), 1, keepdims=True)
        moves = self.step_size * gradient / (self.damping + squares)
        if self.fraction < 1.0:
            chance = game.noise.uniform(f"{self.name}/chance", [z.shape[0], 1])
            moves = tf.where(chance < self.fraction, moves, 0.0)
        limit = float("inf") if self.limit is None else self.limit
        return tf.clip_by_value(z + moves, -limit, limit), moves

    def discriminator(self, game, samples, scored):
        return [Term("", tf.reduce_sum(tf.square(samples.moves[self.name]), 1))]

    generator = discriminator
