"""The normalised last layer of a slicing adversarial network, SAN (Takida et al., 2024)."""

from collections.abc import Iterable

import keras
from keras import ops

from compare_gan_tf.architectures.conditioning import OneHot
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.precision import layers_in_full_precision

DIRECTION_LOGITS = "direction_logits"


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class SlicedLogits(keras.layers.Layer):
    """Features h [n, F], or [h, labels [n, K]] -> (logits [n], direction logits [n]).

    Both are <w, h> = s <omega, h>, with the scale s = |w| and the direction omega = w / |w| on the
    unit sphere; w is w_0 + E y with labels y. The gradient of the first flows to h and s, and that
    of the second to omega.
    """

    def build(self, input_shape):
        features, labels = _pair(input_shape)
        initial = {name: keras.initializers.RandomNormal(stddev=0.02) for name in ("w_0", "E")}
        self.kernel = self.add_weight(
            shape=(features[-1], 1), initializer=initial["w_0"], name="kernel"
        )
        self.embeddings = labels and self.add_weight(
            shape=(labels[-1], features[-1]), initializer=initial["E"], name="embeddings"
        )

    def call(self, inputs):
        features, labels = inputs if isinstance(inputs, list) else (inputs, None)
        weights = ops.transpose(self.kernel)  # [1, F]
        if labels is not None:
            weights = weights + ops.matmul(labels, self.embeddings)  # [n, F]
        scale = ops.sqrt(ops.maximum(ops.sum(ops.square(weights), -1, keepdims=True), 1e-24))
        direction, scaled = weights / scale, scale * features
        logits = ops.sum(ops.stop_gradient(direction) * scaled, -1)
        return logits, ops.sum(direction * ops.stop_gradient(scaled), -1)

    def compute_output_shape(self, input_shape):
        number = _pair(input_shape)[0][0]
        return (number,), (number,)


def _pair(shapes):
    """(shape of the features, shape of the labels or None)."""
    return shapes if isinstance(shapes[0], list | tuple) else (shapes, None)


@layers_in_full_precision()
def sliced(
    discriminator: keras.Model, names: Iterable[str], num_classes: int | None
) -> keras.Model:
    """D with `SlicedLogits` on its features, if "direction_logits" is among `names`; else D itself.

    They replace D's last layer, with what its conditioning adds to the logit. The direction depends
    on the labels if D takes them. A D that has this output stays as it is.

    Args:
      discriminator: of the form in `architectures`.
      names: of the outputs that objectives read.
      num_classes: of the labels, or None.

    Raises:
      UserError: D tells no features.
    """
    outputs = dict(discriminator.output)
    if DIRECTION_LOGITS in outputs or DIRECTION_LOGITS not in names:
        return discriminator
    features, labels = outputs["features"], discriminator.input.get("labels")
    if features.shape[-1] < 2:
        raise UserError(
            "SlicingAdversarial needs the features before D's last layer, which GAN.discriminator "
            "does not tell: let it give a dict of logits [n] and features [n, F]"
        )
    if labels is not None and len(labels.shape) == 1:
        labels = OneHot(num_classes, name="one_hot_direction")(labels)
    layer = SlicedLogits(name="sliced_logits")
    logits, directed = layer(features if labels is None else [features, labels])
    outputs |= {"logits": logits, DIRECTION_LOGITS: directed}
    return keras.Model(discriminator.input, outputs, name=discriminator.name)
