"""Trains D's predictor of the labels: S3GAN (Lucic et al., 2019)."""

__all__ = ["LabelPrediction"]

import gin

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.classification import cross_entropy
from compare_gan_tf.objectives.heads import require_labels
from compare_gan_tf.settings.signatures import Factor, checked

_OUTPUT = "class_logits"


@gin.register(module="objectives")
class LabelPrediction(Objective):
    """D pays the cross-entropy of its predictor on the labelled reals.

    The term is the mean over labelled reals of -sum_k y_k log softmax(class logits)_k, over the
    global batch; it is 0 if no real has a label. The predictor belongs to D's conditioning
    `PredictedProjection`. No other term trains it; D's features learn from this term, too.

    The modes of S3GAN are combinations, each with or without `Rotation`:

    * unsupervised: GAN.conditional = False; or D's conditioning None, so that only G sees labels;
    * fully supervised, or labels inferred beforehand (S2GAN): D's conditioning `Projection`;
    * co-training on few labels: `PredictedProjection` and this objective;
    * soft labels: D's conditioning `SoftLabels` with one of the two conditionings.

    Args:
      weight: of the term, a number or a schedule; compare_gan's weight_class_loss is 1.
      name: prefix of its term in the logs.
    """

    reads = (_OUTPUT,)
    weighs = True

    @checked
    def __init__(self, weight: Factor = 1.0, name: str = "label_prediction"):
        super().__init__(weight=weight, name=name)

    def build_for(self, gan):
        require_labels(self, gan)
        outputs = gan.discriminator.output
        if _OUTPUT not in outputs:
            raise UserError(
                f"LabelPrediction trains D's output {_OUTPUT!r}, but GAN.discriminator has only "
                f"{', '.join(sorted(outputs))}: set its conditioning to @PredictedProjection()"
            )

    def views(self, player, game, samples):
        if player != DISCRIMINATOR:
            return {}
        return {"real": samples.real_view}

    def discriminator(self, game, samples, scored):
        logits = scored["real"].heads[_OUTPUT]
        return [Term("", *cross_entropy(samples.real_labels, logits))]
