"""Projection with predicted labels for unlabelled samples: S3GAN (Lucic et al., 2019)."""

import gin
import keras
from keras import ops

from compare_gan_tf.architectures.conditioning import Projection
from compare_gan_tf.layers.channel_map import NORMAL, fresh
from compare_gan_tf.layers.kernel_norm import reparameterised


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class FillLabels(keras.layers.Layer):
    """[labels [n, K], class logits [n, K]] -> labels [n, K]; predictions replace rows of zeros.

    A row is unlabelled if its sum is at most 1/2. No gradient flows through the result.

    Args:
      soft: whether a prediction is softmax(class logits); else it is the likeliest class, one-hot.
    """

    def __init__(self, soft: bool = False, **layer):
        super().__init__(**layer)
        self.soft = soft

    def call(self, inputs):
        labels, logits = inputs
        predicted = ops.softmax(logits) if self.soft else self._likeliest(logits)
        known = ops.sum(labels, -1, keepdims=True) > 0.5
        return ops.stop_gradient(ops.where(known, labels, predicted))

    def _likeliest(self, logits):
        return ops.one_hot(ops.argmax(logits, -1), logits.shape[-1], dtype=logits.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {"soft": self.soft}


@gin.register(module="conditioning")
class PredictedProjection(Projection):
    """Adds <E y, features> to the logit; y of an unlabelled sample (-1) is D's prediction.

    The predictor is a linear layer, class logits = W features + b, [n, K]. They are the output
    "class_logits" of D, which the objective `LabelPrediction` trains on the labelled reals; the
    adversarial loss does not train W and b. Fakes have the labels that G was given. If all labels
    are known, the logit is that of `Projection`.

    Args:
      soft: whether a prediction is softmax(class logits); else it is the likeliest class, one-hot.
      initializer: of E, a name or a configuration that Keras knows, or an initializer, of which
        each network takes a copy.
      predictor_initializer: of W, as `initializer`; b is 0 at the start.
    """

    needs_labels = True

    def __init__(
        self,
        soft: bool = False,
        initializer="glorot_normal",
        predictor_initializer=NORMAL,
    ):
        super().__init__(initializer)
        self.soft = soft
        self.predictor_initializer = predictor_initializer

    def at_logit(self, features, labels, kernel_norm):
        """(what is added to the logit, [n, 1]; {"class_logits": [n, K]})."""
        predictor = keras.layers.Dense(
            labels.shape[-1],
            kernel_initializer=fresh(self.predictor_initializer),
            name="label_predictor",
        )
        predictor = reparameterised(predictor, kernel_norm)
        class_logits = predictor(features)
        filled = FillLabels(self.soft, name="filled_labels")([labels, class_logits])
        addend = super().at_logit(features, filled, kernel_norm)
        return addend, {"class_logits": class_logits}
