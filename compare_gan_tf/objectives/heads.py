"""Heads: small networks of objectives on D's features."""

import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.objectives.base import Objective


class LinearHead(keras.layers.Layer):
    """features [n, F] -> [n, units]; kernel N(0, 0.02), bias 0, as in compare_gan.

    Args:
      discriminator: the network whose features the head takes.
      units: of the output.
      kernel_norm: reparameterises the kernels, e.g. `spectral_norm`; None for none.
      hidden: units of a hidden layer with leaky ReLU (0.1); 0 for no hidden layer.
    """

    def __init__(self, discriminator, units: int, *, kernel_norm=None, hidden: int = 0):
        super().__init__(name="head")
        width = discriminator.output["features"].shape[-1]
        self.hidden = self._dense(width, hidden, kernel_norm, "hidden") if hidden else None
        self.output_layer = self._dense(hidden or width, units, kernel_norm, "out")
        self.built = True

    def _dense(self, width: int, units: int, kernel_norm, name: str):
        initial = keras.initializers.RandomNormal(stddev=0.02)
        layer = keras.layers.Dense(units, kernel_initializer=initial, name=name)
        layer = reparameterised(layer, kernel_norm)
        layer.build((None, width))
        return layer

    def call(self, features, training=False):
        arguments = {"training": training}
        if self.hidden is not None:
            features = tf.nn.leaky_relu(_run(self.hidden, features, arguments), 0.1)
        return _run(self.output_layer, features, arguments)


class ResidualHead(keras.layers.Layer):
    """x [..., F] -> [..., units]: out(relu(hidden(x))) + shortcut(x), hidden as wide as x.

    On maps these are 1x1 convolutions. Kernels are Glorot-uniform, biases 0, as in mimicry.

    Args:
      width: F.
      units: of the output.
      kernel_norm: reparameterises the kernels, e.g. `spectral_norm`; None for none.
      name: of the layer.
    """

    def __init__(self, width: int, units: int, kernel_norm=None, *, name: str):
        super().__init__(name=name)

        def dense(units: int, name: str):
            layer = reparameterised(keras.layers.Dense(units, name=name), kernel_norm)
            layer.build((None, width))
            return layer

        self.hidden = dense(width, "hidden")
        self.output_layer, self.shortcut = dense(units, "out"), dense(units, "shortcut")
        self.built = True

    def call(self, x, training=False):
        arguments = {"training": training}
        hidden = tf.nn.relu(_run(self.hidden, x, arguments))
        return _run(self.output_layer, hidden, arguments) + _run(self.shortcut, x, arguments)


def _run(layer, x, arguments: dict):
    """Calls a layer: Dense does not take `training`, its wrappers do."""
    return layer(x) if isinstance(layer, keras.layers.Dense) else layer(x, **arguments)


def on_several(head, *features):
    """Applies the head to several features in one pass, so that its state is updated once."""
    if len(features) == 1:
        return [head(features[0], training=True)]
    outputs = head(tf.concat(features, 0), training=True)
    return tf.split(outputs, [rows.shape[0] for rows in features])


def require_labels(objective, gan):
    """Refuses GANs without labels.

    Raises:
      UserError: the GAN is not conditional.
    """
    if not gan.num_classes:
        raise UserError(
            f"{type(objective).__name__} needs labels: set GAN.conditional = True, with a data set "
            "that has them"
        )


def require_used_logit(objective, gan):
    """Refuses a D that takes labels where only a head of this objective trains G.

    Raises:
      UserError: no other objective trains G, and D takes labels.
    """
    others = [type(one) for one in gan.objectives if one is not objective]
    alone = all(kind.generator is Objective.generator for kind in others)
    if alone and any(tensor.name == "labels" for tensor in gan.discriminator.inputs):
        raise UserError(
            f"{type(objective).__name__} alone is for a discriminator that takes no labels, whose "
            "logit takes no part: set its conditioning to None, as in "
            "mlp.discriminator.conditioning = None"
        )


def require_images(objective, gan, *, square: bool = False):
    """Refuses samples that are not images or, with `square`, not square images.

    Raises:
      UserError: the GAN has such samples.
    """
    shape = gan.sample_shape
    if len(shape) != 3 or (square and shape[0] != shape[1]):
        kind = "square images" if square else "images"
        raise UserError(
            f"{type(objective).__name__} needs {kind}, the data set's samples have shape {shape}: "
            "take it off GAN.objectives"
        )
