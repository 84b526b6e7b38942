"""A generator whose density is known: a Gaussian, x = mean + factor z, factor lower triangular.

It shows how divergences treat a model that cannot fit the data (Goodfellow, 2016, figure 14;
Raffel, 2017). GAN losses can fit it, and so can its likelihood, see `objectives.likelihood`.
"""

import math
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.architectures import blocks
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Number, Positive, checked

Mean = Annotated[float, Number()]


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Gaussian(keras.layers.Layer):
    """z [n, D] -> mean + factor z [n, D].

    Args:
      mean: of each coordinate at first.
      deviation: of each coordinate at first, > 0.
    """

    @checked
    def __init__(self, mean: Mean = 0.0, deviation: Positive = 1.0, **layer):
        super().__init__(**layer)
        self.initial = {"mean": mean, "deviation": deviation}

    def build(self, input_shape):
        dim = input_shape[-1]
        self.mean = self.add_weight(
            shape=(dim,),
            initializer=keras.initializers.Constant(self.initial["mean"]),
            name="mean",
        )
        self.factor = self.add_weight(
            shape=(dim, dim),
            initializer=keras.initializers.Identity(self.initial["deviation"]),
            name="factor",
        )

    def _lower(self):
        return tf.linalg.band_part(tf.convert_to_tensor(self.factor), -1, 0)

    def call(self, z):
        return tf.matmul(z, self._lower(), transpose_b=True) + self.mean

    def log_prob(self, points):
        """Log density in nats, [n], of points [n, D]."""
        lower = self._lower()
        white = tf.linalg.triangular_solve(lower, tf.transpose(points - self.mean))
        log_det = tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(lower))))
        constant = 0.5 * points.shape[-1] * math.log(2.0 * math.pi)
        return -0.5 * tf.reduce_sum(tf.square(white), 0) - log_det - constant

    def covariance(self):
        """factor factor^T, [D, D]."""
        lower = self._lower()
        return tf.matmul(lower, lower, transpose_b=True)

    def get_config(self):
        return super().get_config() | self.initial


@gin.configurable(module="gaussian")
@checked(name="gaussian.generator")
def generator(
    sample_shape, latent_dim, num_classes=None, *, mean: Mean = 0.0, deviation: Positive = 1.0
):
    """A Gaussian with 2 D + D (D - 1) / 2 effective parameters; its latents must be normal.

    Args:
      sample_shape: (D,).
      latent_dim: D.
      num_classes: must be None.
      mean: of each coordinate at first.
      deviation: of each coordinate at first.
    """
    if len(sample_shape) != 1 or latent_dim != sample_shape[0] or num_classes:
        raise UserError(
            f"gaussian.generator makes points without labels from as many latents, not samples of "
            f"shape {tuple(sample_shape)} from {latent_dim} latents with {num_classes or 'no'} "
            f"classes: set GAN.latents = @Normal(), Normal.dim and GAN.conditional = False"
        )
    z = blocks.latent_input(latent_dim)
    return blocks.generator_model({"z": z}, Gaussian(mean, deviation, name="gaussian")(z))
