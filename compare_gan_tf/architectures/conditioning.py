"""Conditioning of a discriminator on labels: values for the `conditioning=` of an architecture.

A conditioning can act at two places: at D's input and at D's logit. A discriminator whose
`conditioning` is None takes no labels, for instance for use with an auxiliary classifier. A
conditioning that requires labels has `needs_labels = True`, and one whose term at the logit is the
logit, with nothing beside it, `is_whole_logit = True`.
"""

from typing import Annotated, Any

import gin
import keras
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.channel_map import fresh
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.settings.signatures import Made, checked


def is_conditioning(value) -> bool:
    """Whether a value is an object with the methods `at_input` and `at_logit`."""
    places = (getattr(value, name, None) for name in ("at_input", "at_logit"))
    return not isinstance(value, type) and all(callable(place) for place in places)


Conditioning = (
    Annotated[
        Any,
        Made(
            is_conditioning,
            like="a way to use labels such as @Projection(), with parentheses, or None for none",
        ),
    ]
    | None
)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class OneHot(keras.layers.Layer):
    """int [n] -> float32 [n, num_classes]; -1 (unlabelled) becomes zeros."""

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
    """Appends one-hot labels to D's input, at every pixel (Mirza and Osindero, 2014)."""

    def at_input(self, x, labels):
        """x [n, ..., C] and one-hot labels [n, K] -> [n, ..., C + K]."""
        return AppendLabels(name="with_labels")([x, labels])

    def at_logit(self, features, labels, kernel_norm):
        """None: nothing is added to the logit."""
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
        """x: D's input does not change."""
        return x

    def at_logit(self, features, labels, kernel_norm):
        """The term <E y, features> that is added to the logit, [n, 1]."""
        layer = keras.layers.Dense(
            features.shape[-1],
            use_bias=False,
            kernel_initializer=fresh(self.initializer),
            name="label_projection",
        )
        layer = reparameterised(layer, kernel_norm)
        return keras.layers.Dot(1, name="label_score")([layer(labels), features])


@gin.register(module="conditioning")
class ClassLogits:
    """Makes <w_y, features> + b_y the whole logit: a real-or-fake logit for each class.

    D is several discriminators, one a class, that share their layers: the multi-task discriminator
    of FUNIT (Liu et al., 2019), StudioGAN's "MD". A sample without a label has the logit 0.

    Args:
      initializer: of w, as for `Projection`.
    """

    is_whole_logit = True

    def __init__(self, initializer="glorot_normal"):
        self.initializer = initializer

    def at_input(self, x, labels):
        """x: D's input does not change."""
        return x

    def at_logit(self, features, labels, kernel_norm):
        """The logit of each sample's class, [n, 1]."""
        layer = keras.layers.Dense(
            labels.shape[-1], kernel_initializer=fresh(self.initializer), name="class_logits"
        )
        layer = reparameterised(layer, kernel_norm)
        return keras.layers.Dot(1, name="label_score")([layer(features), labels])


@gin.register(module="conditioning")
class SoftLabels:
    """Lets D take labels as probabilities of the classes, float32 [n, K].

    They replace the one-hot labels in another conditioning. The labels of fakes are class indices,
    which `as_taken` converts to one-hot vectors.

    Args:
      conditioning: the other conditioning; None for `Projection()`.
    """

    needs_labels = True
    takes_probabilities = True

    @checked
    def __init__(self, conditioning: Conditioning = None):
        self.conditioning = conditioning or Projection()
        self.at_input = self.conditioning.at_input
        self.at_logit = self.conditioning.at_logit
        self.is_whole_logit = getattr(self.conditioning, "is_whole_logit", False)


def as_taken(labels, player):
    """Converts labels to the form that a player takes.

    Args:
      labels: int32 [n] with -1 for unlabelled, or probabilities float32 [n, K].
      player: a model with the input "labels".

    Returns:
      The labels; or one-hot labels [n, K] for a discriminator with `SoftLabels`.

    Raises:
      UserError: the labels are probabilities, but the player takes class indices.
    """
    taken = next(tensor for tensor in player.inputs if tensor.name == "labels")
    if len(labels.shape) > len(taken.shape):
        raise UserError(
            f"the data's labels are probabilities of {labels.shape[-1]} classes, but the "
            f"{player.name} takes whole numbers: set its conditioning to @SoftLabels()"
        )
    return one_hot_like(labels, taken)


def one_hot_like(labels, others):
    """Converts labels int32 [n] to one-hot [n, K] if `others` are [n, K]."""
    if labels is None or len(labels.shape) == len(others.shape):
        return labels
    return ops.one_hot(labels, others.shape[-1], dtype="float32")
