"""A generator that is a table of logits: one distribution for all z, which is known exactly.

It is a discrete generator, whose samples are drawn from the logits, see `GAN.alphabet`. With it the
result of the estimators of `objectives.discrete` can be compared with the data's probabilities.
"""

import math

import gin
import keras
import tensorflow as tf

from compare_gan_tf.architectures import blocks
from compare_gan_tf.errors import UserError


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Table(keras.layers.Layer):
    """z [n, ...] -> [n, size]: n equal rows of trained numbers, initially 0.

    Args:
      size: length of a row.
    """

    def __init__(self, size: int, **layer):
        super().__init__(**layer)
        self.size = size

    def build(self, input_shape):
        self.values = self.add_weight(shape=(1, self.size), initializer="zeros", name="values")

    def call(self, z):
        return tf.matmul(tf.ones_like(z[:, :1]), tf.convert_to_tensor(self.values))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.size)

    def get_config(self):
        return super().get_config() | {"size": self.size}


@gin.configurable(module="table")
def generator(sample_shape, latent_dim, num_classes=None):
    """One logit for each symbol at each position; initial probabilities are uniform.

    Args:
      sample_shape: of one-hot samples, or of bits.
      latent_dim: of z, which is not used.
      num_classes: must be None.
    """
    if num_classes:
        raise UserError(
            f"table.generator has one distribution, not one for each of {num_classes} classes: "
            "set GAN.conditional = False"
        )
    z = blocks.latent_input(latent_dim)
    logits = Table(math.prod(sample_shape), name="table")(z)
    return blocks.generator_model({"z": z}, keras.layers.Reshape(sample_shape)(logits))
