"""Generators in ONNX files, from any library."""

import os
from collections.abc import Iterator

import numpy as np

from compare_gan_tf import random
from compare_gan_tf.data.images import from_unit_interval
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation.generators import Generator, files_hash
from compare_gan_tf.latents import Normal
from compare_gan_tf.metrics.model_files import onnx_session

_MOST_DIGITS = 20  # longest number that is parsed or shown


class Onnx(Generator):
    """A generator in an ONNX file.

    Its inputs are z float [n, d], standard normal, and optionally labels, integers [n]; its output
    is images [n, H, W, C] or [n, C, H, W] in [0, 1] with C = 1 or 3, or points [n, D]. A model with
    labels must have the metadata entry `num_classes`.

    Raises:
      UserError: it is not trusted, see `programs.require`; onnxruntime is missing, or the model has
        other inputs.
    """

    def __init__(self, path: str, *, truncation: float = 0.0, trusted: bool = False):
        self._path = path
        self._session = onnx_session(path, trusted)
        inputs = {one.name: one for one in self._session.get_inputs()}
        latents = [one for one in inputs.values() if "float" in one.type]
        labels = [one for one in inputs.values() if "int" in one.type]
        shape = latents[0].shape if len(latents) == 1 and len(labels) + 1 == len(inputs) else ()
        if len(shape) != 2 or not isinstance(shape[1], int):
            told = ", ".join(f"{name} {one.shape}" for name, one in inputs.items())
            raise UserError(
                f"the ONNX generator {path} has inputs {told}: it must have one of floats [n, d], d"
                " a number, and may have one of integers [n]"
            )
        self._z, self._dim = latents[0].name, shape[1]
        self._labels = labels[0] if labels else None
        number_of_classes = self._number_of_classes(path)
        self._truncation = float(truncation)
        z, classes = np.zeros([2, self._dim], np.float32), np.zeros([2], np.int32)
        first = self._run(z, classes if labels else None)
        facts = {"truncation": self._truncation}
        name, shape = os.path.basename(path), first.shape[1:]
        super().__init__(name, f"the ONNX generator {path}", shape,
                         classes=number_of_classes, facts=facts)  # fmt: skip

    def sha256(self) -> str:
        return files_hash([self._path])

    def _number_of_classes(self, path: str) -> int | None:
        if self._labels is None:
            return None
        found = self._session.get_modelmeta().custom_metadata_map.get("num_classes", "")
        if not found.isdecimal() or not 0 < int(found[:_MOST_DIGITS]) < 2**31:
            said = f" (it is {found[:_MOST_DIGITS]!r})" if found else ""
            raise UserError(
                f"the ONNX generator {path} takes labels: add the metadata entry num_classes{said},"
                " how many there are"
            )
        return int(found)

    def _run(self, z: np.ndarray, labels) -> np.ndarray:
        feed = {self._z: z}
        if labels is not None:
            integer = np.int64 if "int64" in self._labels.type else np.int32
            feed[self._labels.name] = np.asarray(labels, integer)
        made = np.asarray(self._session.run(None, feed)[0], np.float32)
        channels_first = made.ndim == 4 and made.shape[-1] not in (1, 3) and made.shape[1] in (1, 3)
        return np.moveaxis(made, 1, -1) if channels_first else made

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        key = [random.key(seed, "evaluate/onnx/z"), 0]
        z = Normal(self._dim).sample(number, key, self._truncation).numpy()
        labels = self.labels(number, seed, "evaluate/onnx/labels")
        for start in range(0, number, size):
            part = None if labels is None else labels[start : start + size]
            made = self._run(z[start : start + size], part)
            yield from_unit_interval(made) if self.is_images else made, part
