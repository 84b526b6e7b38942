"""Extractors by name; the module of one is imported when it is asked for."""

import difflib
import importlib

from compare_gan_tf.errors import UserError

# {name of the function that makes it: its module}
EXTRACTORS = {
    "inception_2015": "inception",
    "keras_inception_v3": "image_networks",
    "keras_resnet50": "image_networks",
    "dinov2_vitl14": "image_networks",
    "clip_vitb32": "image_networks",
    "digits_classifier": "features",
    "mnist_classifier": "features",
    "fashion_mnist_classifier": "features",
    "raw_features": "features",
}
BOUND = ("model_file", "callable_features")  # of which gin must bind something


def check(name: str) -> None:
    """Raises a UserError, with the nearest names, unless there is such an extractor."""
    known = (*EXTRACTORS, *BOUND)
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
        raise UserError(f"no extractor {name!r}: the nearest names are {', '.join(nearest)}")


def find(name: str):
    """The extractor of a name.

    Raises:
      UserError: there is none, or it needs more than its name.
    """
    check(name)
    if name in BOUND:
        raise UserError(
            f"extractor {name!r} needs more than its name: give metrics.extractors.{name}(...)"
        )
    module = importlib.import_module(f"compare_gan_tf.metrics.{EXTRACTORS[name]}")
    return getattr(module, name)()
