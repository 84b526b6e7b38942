"""What installed distributions add: modules named as entry points of the group `compare_gan_tf`."""

import importlib

from absl import logging

from compare_gan_tf.config import gin_imports


def load() -> None:
    """Imports them: what they register with gin, and their metrics, are then known by name."""
    for module in gin_imports.plugins():
        try:
            importlib.import_module(module)
        except Exception as error:  # one that a config may never ask for
            logging.warning(
                "%s, an entry point of the group compare_gan_tf, cannot be imported: %s: %s",
                module, type(error).__name__, error,
            )  # fmt: skip
