"""Chooses the feature extractor when the user names none."""

import contextlib

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.sides import EXTRACTED
from compare_gan_tf.metrics import extractor_names, features
from compare_gan_tf.metrics.extractors import callable_features

# {name of a public data set: the function that makes its classifier}.
_CLASSIFIERS = {
    "digits": features.digits_classifier,
    "mnist": features.mnist_classifier,
    "fashion_mnist": features.fashion_mnist_classifier,
}


def is_needed(metrics) -> bool:
    """Whether any metric uses features or logits."""
    kinds = outcomes.needs(metrics, "real") | outcomes.needs(metrics, "fake")
    return bool(kinds & EXTRACTED)


def choose(given, preset, metrics, sample_shape: tuple[int, ...], images_of: str | None):
    """The given extractor, or the preset's, or the default of the data; None if none is needed.

    Args:
      given: an extractor, a name of `metrics.extractor_names`, a function that
        `metrics.extractors.callable_features` takes, or None.
      preset: a value of `metrics.presets`.
      metrics: values of `metrics.registry`.
      sample_shape: (H, W, C) of an image, (D,) of a point.
      images_of: name of the public data set whose images the samples are, or None.

    Raises:
      UserError: the extractor takes no samples of this shape, or its weights are not on this
        machine.
    """
    if not is_needed(metrics):
        return None
    if isinstance(given, str):
        given = extractor_names.find(given)
    if given is not None and not hasattr(given, "weights_sha256"):
        given = callable_features(given)
    if given is None:
        make = preset.extractor or (lambda: _default(tuple(sample_shape), images_of))
        given = make()
    given.check(tuple(sample_shape))
    return given


def _default(sample_shape: tuple[int, ...], images_of: str | None):
    """The raw coordinates for points; for images their classifier if one ships, else ResNet50.

    The classifier was not trained on images of a view: their scores have a warning.
    """
    if len(sample_shape) == 1:
        return features.raw_features()
    if images_of in _CLASSIFIERS:
        classifier = _CLASSIFIERS[images_of]()
        with contextlib.suppress(UserError):  # the images have another size
            classifier.check(sample_shape)
            return classifier
    from compare_gan_tf.metrics import image_networks

    path = image_networks.weights_here(image_networks.RESNET50)
    if path is None:
        raise UserError(
            "these images are scored through keras_resnet50, whose weights are not on this machine:"
            " take --extractor=keras_resnet50 where there is a network, which downloads them (here"
            f" they belong at {image_networks.weights_path(image_networks.RESNET50)}), or"
            " --extractor=raw_features, which compares pixels and carries a warning (in a config:"
            " evaluate.extractor = @raw_features())"
        )
    return image_networks.keras_resnet50(path)
