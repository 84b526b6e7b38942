"""Feature extractors: functions from uint8 images, or points, to one row of features for each.

An extractor describes itself by attributes, which the protocol of a score records. This module has
the extractors that need no file of the user; `extractors` has the others.
"""

import functools
from typing import NamedTuple

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import classifiers
from compare_gan_tf.metrics.replicated import replicated


class Extracted(NamedTuple):
    """The outputs of an extractor for n samples.

    Attributes:
      features: float32 [n, d].
      logits: float32 [n, K], including the bias of the last layer; None without classes.
    """

    features: np.ndarray
    logits: np.ndarray | None = None


class Extractor:
    """Maps samples to features; extractors with equal attributes give equal features.

    Attributes:
      name: short and readable, such as "digits-cnn".
      weights_sha256: SHA-256 of the weights, or None without any.
      resize: how images are resized for the network; "none" if they are not.
      scaling: how levels x of 0 to 255 are scaled, such as "x/127.5-1".
      logit_bias: float32 [K], the bias in the logits; None if it is not known.
      is_pixels: whether the features are the samples themselves.
      trained_on: name of the small data set that it was trained on, or None.
    """

    name: str
    weights_sha256: str | None = None
    resize: str = "none"
    scaling: str = "none"
    logit_bias: np.ndarray | None = None
    is_pixels: bool = False
    trained_on: str | None = None

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Raises a UserError if it cannot take samples of this shape."""

    def __call__(self, samples) -> Extracted:
        """Samples uint8 [n, H, W, C], or float [n, D] where it takes points -> features, logits."""
        raise NotImplementedError


def as_uint8(images) -> np.ndarray:
    """Images as an array; refuses other types than uint8, which a cast would turn black."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            f"an extractor takes uint8 images [n, H, W, C], not {images.dtype} {images.shape}"
        )
    return images


def as_rows(features, count: int, name: str) -> np.ndarray:
    """Features [n, ...] as float32 [n, d].

    Raises:
      UserError: there is not one row for each of `count` samples.
    """
    features = np.asarray(features)
    if not features.ndim or len(features) != count or features.dtype.kind not in "fiub":
        raise UserError(
            f"the extractor {name} made {features.dtype} {features.shape} of {count} samples: it"
            " must return numbers, one row for each sample"
        )
    return features.reshape(count, -1).astype(np.float32)


# --- The samples themselves ------------------------------------------------------------------


class RawFeatures(Extractor):
    """The flattened samples themselves, for instance for points in the plane.

    Images are scaled to [0, 1]; points keep their units.
    """

    name = "raw"
    scaling = "x/255"
    is_pixels = True

    def __call__(self, samples) -> Extracted:
        """Samples uint8 [n, H, W, C] or float [n, D] -> features float32 [n, H W C] or [n, D]."""
        samples = np.asarray(samples)
        is_image = samples.dtype == np.uint8 and samples.ndim == 4  # text is uint8 [n, length]
        scale = 255.0 if is_image else 1.0
        return Extracted((samples.reshape(len(samples), -1) / scale).astype(np.float32))


@gin.configurable(module="features")
def raw_features() -> RawFeatures:
    """The samples themselves as features."""
    return RawFeatures()


# --- The classifiers that ship ----------------------------------------------------------------


class Classifier(Extractor):
    """A small classifier whose last hidden layer is the features.

    Attributes:
      model: keras.Model from uint8 [n, H, W, C] to (features [n, d], logits [n, K]).
    """

    scaling = "x/255"

    def __init__(self, model: keras.Model, network: classifiers.Network, weights_sha256: str):
        self.name = network.name
        self.weights_sha256 = weights_sha256
        self.trained_on = network.dataset
        self.logit_bias = model.get_layer("logits").bias.numpy()
        self.model = model
        self._shape = network.shape
        self._forward = replicated(lambda inputs: model(inputs["images"], training=False))

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Raises a UserError unless the samples have the shape of the training images."""
        if tuple(sample_shape) != self._shape:
            raise UserError(
                f"the extractor {self.name} takes images of shape {self._shape}, the data set has "
                f"samples of shape {tuple(sample_shape)}: set evaluate.extractor, for instance "
                "evaluate.extractor = @raw_features()"
            )

    def __call__(self, images) -> Extracted:
        """Images uint8 [n, H, W, C] -> features float32 [n, d], logits float32 [n, K]."""
        features, logits = self._forward({"images": tf.constant(as_uint8(images))})
        return Extracted(features.numpy(), logits.numpy())

    def classify(self, images) -> np.ndarray:
        """Images uint8 [n, H, W, C] -> probabilities of the classes float32 [n, K]."""
        return tf.nn.softmax(self(images).logits).numpy()


def load(network: classifiers.Network) -> Classifier:
    """A classifier with the weights that ship.

    Raises:
      UserError: they are missing or not those that were released.
    """
    model = classifiers.build(network)
    classifiers.assign(model, classifiers.load_arrays(network.path, network.sha256))
    return Classifier(model, network, network.sha256)


@gin.configurable(module="features")
@functools.cache
def digits_classifier() -> Classifier:
    """The classifier of 8x8 digits, loaded once in a process."""
    return load(classifiers.DIGITS)


@gin.configurable(module="features")
@functools.cache
def mnist_classifier() -> Classifier:
    """The classifier of MNIST's digits, loaded once in a process."""
    return load(classifiers.MNIST)


@gin.configurable(module="features")
@functools.cache
def fashion_mnist_classifier() -> Classifier:
    """The classifier of Fashion-MNIST's clothes, loaded once in a process."""
    return load(classifiers.FASHION_MNIST)
