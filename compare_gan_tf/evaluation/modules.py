"""Exported generators: SavedModels, as TF Hub has them, with an endpoint `sample`."""

import json
import os
from collections.abc import Iterator

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data.images import from_unit_interval
from compare_gan_tf.errors import MISFITS, UserError, first_line
from compare_gan_tf.evaluation.generators import Generator, files_hash
from compare_gan_tf.storage import programs, saved_models

BLOCK = 64  # number of samples that a module generates from one seed
_LONGEST_REASON = 200  # characters of a library's error message


class Loaded:
    """A loaded module. Two samples are drawn on loading, to check that it can be sampled.

    Args:
      handle: folder or TF Hub handle.
      trusted: whether the caller trusts its origin, see `programs.require`.

    Attributes:
      metadata: the metadata that `compare-gan export` wrote; {} for a module of other origin.
      classes: number of classes K of its labels, or None.
      trial: the two samples: images [2, H, W, C] in [0, 1], points [2, D], or characters [2, L].

    Raises:
      UserError: it is not trusted, cannot be loaded or sampled, or its metadata are damaged.
    """

    def __init__(self, handle: str, *, trusted: bool = False):
        self._module, self.metadata = _load(handle, trusted), _read_metadata(handle)
        classes = self.metadata.get("num_classes") if self.metadata.get("conditional") else None
        if classes is not None and not (isinstance(classes, int) and classes > 0):
            raise UserError(f"the module {handle} is of {classes!r} classes: export it anew")
        self.classes, wrong = classes, ""
        try:
            labels = None if classes is None else tf.zeros([2], tf.int32)
            self.trial = self.sample(2, (0, 0), labels=labels)
            if self.trial.shape.rank not in (2, 4):
                wrong = f"its samples are {self.trial.shape}"
        except (*MISFITS, tf.errors.OpError) as error:
            wrong = first_line(error)[:_LONGEST_REASON]
        if wrong:
            raise UserError(
                f"the module {handle} has no endpoint sample(num, seed, truncation) of images"
                f" [n, H, W, C] or points [n, D]: {wrong}; write its samples to a folder or an .npz"
                " of images"
            )

    def sample(self, number: int, seed, truncation: float = 0.0, labels=None) -> tf.Tensor:
        """Generates samples [number, ...].

        Args:
          number: number of samples.
          seed: int [2].
          truncation: truncation of the latents, 0 or more; 0 for none.
          labels: int32 [number] for a module that takes labels, else None.
        """
        seeds = tf.constant(seed, tf.int32)
        given = () if labels is None else (tf.constant(labels),)
        return self._module.sample(tf.constant(number), seeds, tf.constant(truncation), *given)


class Module(Generator):
    """A TF Hub module or SavedModel with the endpoint `sample(num, seed, truncation)`.

    Samples are generated in blocks of `BLOCK`, each with its own seed, so that sample i depends
    only on the seed and i.

    Args:
      handle: folder or TF Hub handle.
      truncation: truncation of the latents, 0 or more; 0 for none.
      trusted: see `Loaded`.

    Raises:
      UserError: see `Loaded`.
    """

    def __init__(self, handle: str, *, truncation: float = 0.0, trusted: bool = False):
        self._handle, self._truncation = handle, float(truncation)
        self._module = Loaded(handle, trusted=trusted)
        facts = {"truncation": self._truncation, "ema": self._module.metadata.get("ema")}
        name = os.path.basename(os.path.normpath(handle))
        shape = tuple(self._module.trial.shape[1:])
        super().__init__(
            name, f"the module {handle}", shape, classes=self._module.classes, facts=facts
        )

    def sha256(self) -> str | None:
        """SHA-256 of the graph and the weights; None for a module that is not a local folder."""
        folder = self._handle
        paths = [os.path.join(folder, "saved_model.pb")]
        variables = os.path.join(folder, "variables")
        if not os.path.isfile(paths[0]):
            return None
        if os.path.isdir(variables):
            paths += [os.path.join(variables, name) for name in sorted(os.listdir(variables))]
        return files_hash(paths)

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        labels = self.labels(number, seed, "evaluate/module/labels")
        key = random.key(seed, "evaluate/module") % 2**31
        for block, start in enumerate(range(0, number, BLOCK)):
            count = min(BLOCK, number - start)
            part = None if labels is None else labels[start : start + count]
            made = self._module.sample(count, (key, block), self._truncation, part)
            yield from_unit_interval(made) if self.is_images else made, part


def _load(handle: str, trusted: bool):
    if not handle.startswith(("http://", "https://")):
        return saved_models.load(handle, trusted=trusted)
    if not handle.startswith("https://"):
        raise UserError(f"{handle} would come without encryption: name it by https://")
    programs.require(handle, "a module of TF Hub", trusted)
    try:
        return _hub().load(handle)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = first_line(error)[:_LONGEST_REASON]
        raise UserError(f"cannot load the module {handle}: {reason}") from error


def _hub():
    try:
        import tensorflow_hub  # an extra: only handles on the web need it
    except ImportError as error:
        raise UserError(
            "a handle on the web needs tensorflow-hub: pip install 'compare_gan_tf[hub]'"
        ) from error
    return tensorflow_hub


def _read_metadata(handle: str) -> dict:
    path = os.path.join(handle, "assets.extra", "metadata.json")
    try:
        with tf.io.gfile.GFile(path) as file:
            found = json.load(file)
    except tf.errors.OpError:  # there are none, or the handle is not a folder
        return {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: export the module anew")
    return found
