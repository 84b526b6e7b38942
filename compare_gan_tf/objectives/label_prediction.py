"""Training D's own predictor of the labels: S3GAN (Lucic et al., 2019)."""

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
    """Cross-entropy of D's predictor on those reals that have a label; D pays it, G nothing.

    mean over labelled reals of -sum_k y_k log softmax(class logits)_k, over the global batch; 0 if
    none has a label. The predictor is that of D's conditioning `PredictedProjection`, and learns
    from this term alone; D's features learn from it, too.

    The modes of S3GAN are combinations, each with or without `Rotation`:

    * unsupervised: GAN.conditional = False; or D's conditioning None, and G draws labels that D
      never sees;
    * fully supervised, and labels inferred beforehand (S2GAN): D's conditioning `Projection`;
    * co-training on few labels: `PredictedProjection` and this objective;
    * soft labels: D's conditioning `SoftLabels`, of either.

    Args:
      weight: of the term, a number or a schedule; compare_gan's weight_class_loss is 1.
      name: prefix of its term in the logs.
    """

    reads = (_OUTPUT,)

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
