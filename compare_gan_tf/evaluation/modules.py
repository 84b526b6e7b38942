"""Generators that were exported: TF Hub modules and SavedModels with an endpoint `sample`."""

import json
import os
from collections.abc import Iterator

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data.images import from_unit_interval
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation.generators import Generator
from compare_gan_tf.evaluation.sides import files_hash
from compare_gan_tf.storage import files

BLOCK = 64  # samples that a module makes from one seed


class Module(Generator):
    """A TF Hub module or SavedModel with the endpoint `sample(num, seed, truncation)`.

    Sample i depends on the seed and i alone: they are made `BLOCK` at a time, each block from a
    seed of its own.

    Args:
      handle: folder or TF Hub handle.
      truncation: of the latents; 0 for none.

    Raises:
      UserError: it cannot be loaded or has no such endpoint.
    """

    def __init__(self, handle: str, *, truncation: float = 0.0):
        self._handle = handle
        self._module = load_module(handle)
        metadata = read_metadata(handle)
        classes = metadata.get("num_classes") if metadata.get("conditional") else None
        if classes is not None and not (isinstance(classes, int) and classes > 0):
            raise UserError(f"the module {handle} is of {classes!r} classes: export it anew")
        self._truncation = float(truncation)
        try:
            first = self._call(2, 0, 0, None if classes is None else tf.zeros([2], tf.int32))
        except (TypeError, ValueError, AttributeError, LookupError, tf.errors.OpError) as error:
            raise UserError(
                f"the module {handle} cannot be sampled as sample(num, seed, truncation):"
                f" {' '.join(str(error).split())[:200]}"
            ) from error
        if first.shape.rank not in (2, 4):
            raise UserError(
                f"the module {handle} makes samples of shape {tuple(first.shape[1:])}: they must be"
                " images [H, W, C] or points [D]"
            )
        facts = {"truncation": self._truncation, "ema": metadata.get("ema")}
        name = os.path.basename(os.path.normpath(handle))
        shape = tuple(first.shape[1:])
        super().__init__(name, f"the module {handle}", shape, classes=classes, facts=facts)

    def sha256(self) -> str | None:
        """Of the graph and the weights; None for a module that is not a local folder."""
        folder = self._handle
        paths = [os.path.join(folder, "saved_model.pb")]
        variables = os.path.join(folder, "variables")
        if not os.path.isfile(paths[0]):
            return None
        if os.path.isdir(variables):
            paths += [os.path.join(variables, name) for name in sorted(os.listdir(variables))]
        return files_hash(paths)

    def _call(self, number: int, seed: int, block: int, labels):
        seeds = tf.constant([random.key(seed, "evaluate/module") % 2**31, block], tf.int32)
        arguments = (tf.constant(number), seeds, tf.constant(self._truncation))
        return self._module.sample(*arguments, *(() if labels is None else (labels,)))

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        labels = None
        if self.classes is not None:
            key = [random.key(seed, "evaluate/module/labels"), 0]
            labels = self.mix.draw(number, key, self.classes)
        for block, start in enumerate(range(0, number, BLOCK)):
            count = min(BLOCK, number - start)
            part = None if labels is None else labels[start : start + count]
            made = self._call(count, seed, block, None if part is None else tf.constant(part))
            made = from_unit_interval(made) if self.is_images else made
            yield made, part


def load_module(handle: str):
    """Loads a module that can be sampled.

    Args:
      handle: folder or TF Hub handle.

    Raises:
      UserError: it cannot be loaded, or has no endpoint `sample`.
    """
    try:
        if "://" in handle and not os.path.isdir(handle):
            import tensorflow_hub

            module = tensorflow_hub.load(handle)
        else:
            with files.without_patterns(os.path.join(handle, "saved_model.pb")) as path:
                module = tf.saved_model.load(os.path.dirname(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"cannot load the module {handle}: {reason}") from error
    if not callable(getattr(module, "sample", None)):
        raise UserError(
            f"the module {handle} has no endpoint sample(num, seed, truncation): write its samples"
            " to a folder or an .npz of images"
        )
    return module


def read_metadata(handle: str) -> dict:
    """What `compare-gan export` wrote beside the module; {} where it did not.

    Raises:
      UserError: it is damaged.
    """
    path = os.path.join(handle, "assets.extra", "metadata.json")
    try:
        with tf.io.gfile.GFile(path) as file:
            found = json.load(file)
    except tf.errors.OpError:  # of a handle that is no folder, too
        return {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: export the module anew")
    return found
