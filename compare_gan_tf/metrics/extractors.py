"""Feature extractors from networks in files, and from any Python function."""

import os
import pathlib
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import model_files
from compare_gan_tf.metrics.features import Extracted, Extractor, as_rows, as_uint8
from compare_gan_tf.metrics.model_files import Network, Outlets
from compare_gan_tf.metrics.resize import Resize, Rule, antialiased_bicubic
from compare_gan_tf.metrics.scalings import Scale, Scaling
from compare_gan_tf.settings.signatures import Count, Function, checked

BATCH = 32  # images in a network at once, of each replica; a score does not depend on it


class NetworkFeatures(Extractor):
    """Features by a network that takes resized and scaled images.

    Args:
      name: for the protocol.
      network: see `model_files`.
      resize: to the network's size, or None for networks that take any size.
      scaling: of the resized levels.
    """

    def __init__(self, name: str, network: Network, resize: Resize | None, scaling: Scaling):
        self.name = name
        self.weights_sha256 = network.weights_sha256
        self.resize = resize.name if resize else "none"
        self.scaling = scaling.formula
        self.logit_bias = network.logit_bias
        self._network = network
        self._resize = resize
        self._scaling = scaling
        self._channels = network.shape[2] or 3
        _check_size(name, network, resize)

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Raises a UserError unless the samples are images with channels that the network takes."""
        if len(sample_shape) != 3 or sample_shape[2] not in {1, self._channels}:
            kinds = "of 1 channel" if self._channels == 1 else f"of 1 or {self._channels} channels"
            raise UserError(
                f"the extractor {self.name} takes images {kinds}, the data set has samples of "
                f"shape {tuple(sample_shape)}: set evaluate.extractor, for instance "
                "evaluate.extractor = @raw_features()"
            )

    def __call__(self, images) -> Extracted:
        """Images uint8 [n, H, W, C] -> features, logits; grey images become equal channels."""
        images = as_uint8(images)
        self.check(images.shape[1:])
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        size = self._network.batch or BATCH * replicas
        parts = [self._extract(images[i : i + size]) for i in range(0, len(images), size)]
        features = np.concatenate([part.features for part in parts])
        logits = [part.logits for part in parts if part.logits is not None]
        return Extracted(features, np.concatenate(logits) if logits else None)

    def _extract(self, images: np.ndarray) -> Extracted:
        count = len(images)
        if self._network.batch and count < self._network.batch:
            lacking = self._network.batch - count
            images = np.concatenate([images, np.repeat(images[-1:], lacking, axis=0)])
        levels = images if self._resize is None else self._resize(images)
        if levels.shape[3] < self._channels:
            levels = np.repeat(levels, self._channels, axis=3)
        features, logits = self._network.forward(self._scaling(levels))
        rows = as_rows(features, len(images), self.name)[:count]
        if logits is None:
            return Extracted(rows)
        return Extracted(rows, as_rows(logits, len(images), self.name)[:count])


def _check_size(name: str, network: Network, resize: Resize | None) -> None:
    """Refuses a resize to another size than the network's."""
    if resize is None:
        return
    for side in network.shape[:2]:
        if side is not None and side != resize.size:
            raise UserError(
                f"the extractor {name} takes images of {network.shape[:2]} pixels, not"
                f" {resize.size}: set its size"
            )


# --- Any network -----------------------------------------------------------------------------


@gin.configurable(module="features", denylist=["trust"])
@checked
def model_file(
    path: str | os.PathLike | None = None,
    scaling: Scale | None = None,
    *,
    size: Count | None = None,
    rule: Rule = antialiased_bicubic,
    crop: bool = False,
    quantise: bool = False,
    features: str | None = None,
    logits: str | None = None,
    name: str | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """Features by the network in a Keras or ONNX file or a SavedModel.

    Args:
      path: a .keras, .h5 or .onnx file, or the folder of a SavedModel.
      scaling: of levels of 0 to 255, for instance `@imagenet_scaling()`. It has no default, for a
        wrong one gives scores that look right.
      size: side in pixels that images are resized to; None for that of the network's input.
      rule: see `resize`.
      crop: keeps the aspect, and takes the square in the middle.
      quantise: rounds resized images to 8 bits.
      features: name of an output, or of a layer of a Keras model; None for the only output.
      logits: likewise, with the bias and before any softmax; None for no logits.
      name: for the protocol; None for the file's.
      trust: whether a SavedModel or an ONNX file is loaded that this user has not exported here: it
        is a program. No config can say so; --trust does.

    Raises:
      UserError: there is no such file or output, it is not trusted, or a setting is missing.
    """
    _check_bound(path, scaling)
    network = model_files.open_model(path, Outlets(features, logits), trust)
    size = size or network.shape[0]
    if size is None:
        raise UserError(f"model_file.size is not given, and {path} takes images of every size")
    resize = Resize(size=size, rule=rule, crop=crop, quantise=quantise)
    return NetworkFeatures(name or pathlib.Path(path).stem, network, resize, scaling)


def _check_bound(path, scaling) -> None:
    if path is None:
        raise UserError(
            "model_file.path is not given: a .keras, .h5 or .onnx file, or a SavedModel"
        )
    if scaling is None:
        raise UserError(
            "model_file.scaling is not given: how the network wants its input, for instance"
            " @unit_scaling(), @symmetric_scaling() or @imagenet_scaling()"
        )


# --- A function of the user's ----------------------------------------------------------------


class CallableFeatures(Extractor):
    """Features by a Python function of the samples."""

    scaling = "its own"

    def __init__(self, function: Callable, name: str):
        self.name = name
        self._function = function

    def __call__(self, samples) -> Extracted:
        """Samples [n, ...] -> the features, and logits if the function returns a pair."""
        found = self._function(samples)
        features, logits = found if isinstance(found, tuple) else (found, None)
        logits = None if logits is None else as_rows(logits, len(samples), self.name)
        return Extracted(as_rows(features, len(samples), self.name), logits)


OfImages = Annotated[Callable, Function(0, like="a function of a batch of images")]


@gin.configurable(module="features")
@checked
def callable_features(
    function: OfImages | None = None, name: str | None = None
) -> CallableFeatures:
    """Features by any Python function, for instance `function = @my_network`.

    Args:
      function: from uint8 [n, H, W, C], or float [n, D] where samples are points, to features
        [n, ...], or to a pair of features and logits [n, K]. What it does to its input, resize and
        scale, is its own affair: change `name` when it changes.
      name: part of every score's protocol; None for the function's own.

    Raises:
      UserError: there is no function, or it has no name.
    """
    if function is None:
        raise UserError("callable_features.function is not given: bind a function of images")
    name = name or getattr(function, "__name__", None)
    if not name or name == "<lambda>":
        raise UserError("callable_features.name is not given: the protocol of a score needs it")
    return CallableFeatures(function, str(name))
