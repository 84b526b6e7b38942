"""How a discriminator uses labels: values for the `conditioning=` of an architecture.

Each has two places where it may act: on D's input, and on its logit. A discriminator whose
`conditioning` is None takes no labels, as beside an auxiliary classifier.
"""

import gin
import keras
from keras import ops

from compare_gan_tf.layers.channel_map import fresh


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class OneHot(keras.layers.Layer):
    """int [n] -> float32 [n, num_classes]; -1, unlabelled, is all zeros."""

    def __init__(self, num_classes: int, **layer):
        super().__init__(**layer)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(labels, self.num_classes, dtype="float32")

    def get_config(self):
        return super().get_config() | {"num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class AppendLabels(keras.layers.Layer):
    """[x [n, ..., C], labels [n, K]] -> [n, ..., C + K], the labels repeated at every position."""

    def call(self, inputs):
        x, labels = inputs
        ones = (1,) * (len(x.shape) - 2)
        maps = ops.reshape(labels, (-1, *ones, labels.shape[-1]))
        maps = ops.broadcast_to(maps, (*ops.shape(x)[:-1], labels.shape[-1]))
        return ops.concatenate([x, maps], -1)

    def compute_output_shape(self, input_shape):
        shape, labels = input_shape
        return (*shape[:-1], shape[-1] + labels[-1])


@gin.register(module="conditioning")
class Concatenation:
    """Labels appended one-hot to D's input, at every pixel (Mirza and Osindero, 2014)."""

    def at_input(self, x, labels):
        """Labels are one-hot [n, K]."""
        return AppendLabels(name="with_labels")([x, labels])

    def at_logit(self, features, labels, kernel_norm):
        """What is added to the logit [n, 1], or None."""
        return None


@gin.register(module="conditioning")
class Projection:
    """Adds <E y, features> to the logit (Miyato and Koyama, 2018, eq. 5); E has no bias.

    Args:
      initializer: of E, a name or a configuration that Keras knows, or an initializer, of which
        each network takes a copy; compare_gan's BigGAN has "glorot_normal".
    """

    def __init__(self, initializer="glorot_normal"):
        self.initializer = initializer

    def at_input(self, x, labels):
        """D's input is as it was."""
        return x

    def at_logit(self, features, labels, kernel_norm):
        """What is added to the logit, [n, 1]."""
        layer = keras.layers.Dense(
            features.shape[-1],
            use_bias=False,
            kernel_initializer=fresh(self.initializer),
            name="label_projection",
        )
        layer = kernel_norm(layer) if kernel_norm else layer
        return keras.layers.Dot(1, name="label_score")([layer(labels), features])
