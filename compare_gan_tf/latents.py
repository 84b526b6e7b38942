"""Priors over the latent z; one binding serves training, evaluation and the exported module."""

import gin
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError


class _Latents:
    """A prior whose row i of `sample(num, seed)` does not depend on `num`."""

    def __init__(self, dim: int = 128):
        if not isinstance(dim, int) or dim < 1:
            raise UserError(f"{type(self).__name__}.dim is {dim!r}: it must be a positive integer")
        self.dim = dim

    def get_config(self) -> dict:
        return {"name": type(self).__name__.lower(), "dim": self.dim}


@gin.register(module="latents")
class Normal(_Latents):
    """Standard normal z. Truncation t redraws until every |z| <= t."""

    def sample(self, num, seed, truncation=0.0):
        """Returns float32 [num, dim].

        Args:
          num: int32 scalar.
          seed: int [2]; the same seed gives the same rows.
          truncation: float32 scalar t; t <= 0 means none.

        Redrawing until |z| <= t is drawing from the normal restricted to [-t, t], which is
        done by its inverse distribution function: one draw, and monotone in t.
        """
        truncation = tf.cast(truncation, tf.float32)
        below = 0.5 * tf.math.erfc(truncation * 0.5**0.5)  # P(Z <= -t)
        below = tf.where(truncation > 0.0, below, 0.0)
        limit = tf.where(truncation > 0.0, truncation, float("inf"))
        # In whole vectors of the CPU: what is left over is rounded otherwise, and then row i would
        # depend on `num`.
        padded = [num + (-num) % 16, self.dim]
        probability = below + (1.0 - 2.0 * below) * random.uniform(padded, seed)
        return tf.clip_by_value(tf.math.ndtri(probability), -limit, limit)[:num]


@gin.register(module="latents")
class Uniform(_Latents):
    """z uniform on (-1, 1), as compare_gan's default. Truncation t > 0 scales z by t."""

    def sample(self, num, seed, truncation=0.0):
        """Returns float32 [num, dim]; arguments as for `Normal.sample`."""
        truncation = tf.cast(truncation, tf.float32)
        z = random.uniform([num, self.dim], seed) * 2.0 - 1.0
        return z * tf.where(truncation > 0.0, truncation, 1.0)


def draw_labels(num, seed, num_classes: int):
    """Labels int32 [num], uniform on [0, num_classes), independent of the z of the same seed."""
    own = tf.random.fold_in(seed, 1, alg="philox")  # or they would share z's random bits
    return random.integers([num], own, num_classes)
