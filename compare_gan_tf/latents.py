"""Priors over the latent z; one binding serves training, evaluation and the exported module."""

import gin
import tensorflow as tf


class _Latents:
    """A prior whose row i of `sample(num, seed)` does not depend on `num`."""

    def __init__(self, dim: int = 128):
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
        plain = tf.random.stateless_normal([num, self.dim], seed, alg="philox")
        if tf.get_static_value(truncation) is not None and tf.get_static_value(truncation) <= 0:
            return plain
        tail = 0.5 * tf.math.erfc(plain * -(0.5**0.5))  # P(Z <= plain)
        below = 0.5 * tf.math.erfc(truncation * 0.5**0.5)  # P(Z <= -t)
        restricted = tf.math.ndtri(below + tail * (1.0 - 2.0 * below))
        restricted = tf.clip_by_value(restricted, -tf.abs(truncation), tf.abs(truncation))
        return tf.where(truncation > 0.0, restricted, plain)


@gin.register(module="latents")
class Uniform(_Latents):
    """z uniform on [-1, 1), as compare_gan's default. Truncation t > 0 scales z by t."""

    def sample(self, num, seed, truncation=0.0):
        """Returns float32 [num, dim]; arguments as for `Normal.sample`."""
        truncation = tf.cast(truncation, tf.float32)
        z = tf.random.stateless_uniform([num, self.dim], seed, -1.0, 1.0, alg="philox")
        return z * tf.where(truncation > 0.0, truncation, 1.0)
