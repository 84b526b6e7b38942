"""A generator that is a table of logits: the same distribution whatever z, known exactly.

For discrete generators alone, whose samples vary by their draws: see `GAN.alphabet`. What the
estimators of `objectives.discrete` find is compared with the data's probabilities on it.
"""

import math

import gin
import keras
import tensorflow as tf

from compare_gan_tf.architectures import blocks
from compare_gan_tf.errors import UserError


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Table(keras.layers.Layer):
    """z [n, ...] -> `size` numbers in each of n rows, all alike; 0 at first.

    Args:
      size: of a row.
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
    """One logit for each symbol of each position, uniform probabilities at first.

    Args:
      sample_shape: of one-hot samples, or of bits.
      latent_dim: of z, which is not looked at.
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
