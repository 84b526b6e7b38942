"""Which extractor looks at the samples, where none is named."""

from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.sides import EXTRACTED
from compare_gan_tf.metrics.extractors import callable_features
from compare_gan_tf.metrics.features import digits_classifier, raw_features

# By the rank of a sample: points are scored in their own space.
_OF_POINTS = {1: raw_features}


def is_needed(metrics) -> bool:
    """Whether any metric looks at features or logits."""
    kinds = outcomes.needs(metrics, "real") | outcomes.needs(metrics, "fake")
    return bool(kinds & EXTRACTED)


def choose(given, preset, metrics, sample_shape: tuple[int, ...]):
    """The extractor given, or the preset's, or that of the data; None if no metric needs one.

    What is given may be any function that `metrics.extractors.callable_features` takes.

    Raises:
      UserError: samples of this shape cannot be sent through it.
    """
    if not is_needed(metrics):
        return None
    if given is not None and not hasattr(given, "weights_sha256"):
        given = callable_features(given)
    make = preset.extractor or _OF_POINTS.get(len(sample_shape)) or digits_classifier
    extractor = make() if given is None else given
    extractor.check(tuple(sample_shape))
    return extractor
