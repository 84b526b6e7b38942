"""Imports every module that registers names with gin, so that a config may use all of them."""

import importlib
import pkgutil

from compare_gan_tf.config import plugins

# The folders whose modules register what a config may name; all of them are imported.
ROOMS = (
    "architectures",
    "augment",
    "data",
    "evaluation",
    "gan",
    "latents",
    "layers",
    "metrics",
    "objectives",
    "optimizers",
    "training",
)


def modules() -> list[str]:
    """The names of all modules in `ROOMS`."""
    found = []
    for room in ROOMS:
        name = f"compare_gan_tf.{room}"
        folder = importlib.import_module(name).__path__
        found += [f"{name}.{module.name}" for module in pkgutil.iter_modules(folder)]
    return found


def load() -> None:
    """Imports all `modules`, and what installed distributions add to them.

    Takes seconds, for TensorFlow is among what they import.
    """
    for module in modules():
        importlib.import_module(module)
    plugins.load()
