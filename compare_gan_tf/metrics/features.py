"""Feature extractors: uint8 images (or points) in, one row of features each out.

An extractor is a value with a `name`, the `weights_sha256` of its weights (None without any), a
`resize` that says how samples are brought to its size, and a call. It is part of the protocol of
every score, so a change of its weights is a change of its hash.
"""

import functools
import hashlib
import io
import pathlib

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError

# Written by `python -m compare_gan_tf.metrics.train_digits_classifier --output=FILE`.
DIGITS_WEIGHTS = pathlib.Path(__file__).parent / "weights" / "digits_classifier.npz"
DIGITS_SHA256 = "03ae9a2589f1c84edd6ef9516e460937765f795cac59e55ec5d6aa7ef224857c"
DIGITS_SHAPE = (8, 8, 1)
DIGITS_CLASSES = 10
DIGITS_FEATURES = 64


class RawFeatures:
    """The samples themselves, flattened: for points, where the score is that of the plane.

    Images are scaled to [0, 1]; points keep their units.
    """

    name = "raw"
    weights_sha256 = None
    resize = "none"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Accepts every shape."""

    def __call__(self, samples) -> np.ndarray:
        """Samples uint8 [n, H, W, C] or float [n, D] -> features float32 [n, H W C] or [n, D]."""
        samples = np.asarray(samples)
        scale = 255.0 if samples.dtype == np.uint8 else 1.0
        return (samples.reshape(len(samples), -1) / scale).astype(np.float32)


class DigitsClassifier:
    """The small classifier of 8x8 digits whose last hidden layer is the space of their FID.

    Attributes:
      model: keras.Model from uint8 [n, 8, 8, 1] to (features [n, 64], logits [n, 10]).
    """

    name = "digits-cnn"
    resize = "none"

    def __init__(self, model: keras.Model, weights_sha256: str):
        self.model = model
        self.weights_sha256 = weights_sha256
        signature = [tf.TensorSpec([None, *DIGITS_SHAPE], tf.uint8)]
        self._forward = tf.function(
            functools.partial(model, training=False), input_signature=signature
        )

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Raises a UserError unless samples are 8x8 images of one channel."""
        if tuple(sample_shape) != DIGITS_SHAPE:
            raise UserError(
                f"the extractor {self.name} takes images of shape {DIGITS_SHAPE}, the data set has "
                f"samples of shape {tuple(sample_shape)}: bind evaluate.extractor, for instance "
                "evaluate.extractor = @raw_features()"
            )

    def __call__(self, images) -> np.ndarray:
        """Images uint8 [n, 8, 8, 1] -> features float32 [n, 64]."""
        return self._forward(_as_uint8(images))[0].numpy()

    def classify(self, images) -> np.ndarray:
        """Images uint8 [n, 8, 8, 1] -> probabilities of the digits float32 [n, 10]."""
        return tf.nn.softmax(self._forward(_as_uint8(images))[1]).numpy()


def _as_uint8(images):
    """Refuses images of another range than uint8's instead of casting them to black."""
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        raise ValueError(f"an extractor takes uint8 images, not {images.dtype.name}")
    return images


def digits_model(dropout: float = 0.0) -> keras.Model:
    """The untrained network: uint8 [n, 8, 8, 1] -> (features [n, 64], logits [n, 10]).

    Its activations are smooth, so no feature is dead and the features' covariance has full rank.
    """
    images = keras.Input(DIGITS_SHAPE, dtype="uint8", name="images")
    x = keras.layers.Rescaling(1 / 255, name="to_unit_interval")(images)
    x = keras.layers.Conv2D(16, 3, padding="same", activation="gelu", name="conv_1")(x)
    x = keras.layers.Conv2D(32, 3, 2, padding="same", activation="gelu", name="conv_2")(x)
    x = keras.layers.Conv2D(32, 3, 2, padding="same", activation="gelu", name="conv_3")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(dropout, name="dropout_1")(x)
    features = keras.layers.Dense(DIGITS_FEATURES, activation="gelu", name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout_2")(features)
    logits = keras.layers.Dense(DIGITS_CLASSES, name="logits")(x)
    return keras.Model(images, (features, logits), name="digits_classifier")


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """{"layer/variable": values} of a model's trainable variables."""
    return {variable.path: variable.numpy() for variable in model.trainable_variables}


def load_arrays(path, sha256: str) -> dict[str, np.ndarray]:
    """Reads an npz of weights if it is the file it should be.

    Raises:
      UserError: the file is missing or has another SHA-256.
    """
    path = str(path)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
    except tf.errors.OpError as error:
        raise UserError(f"cannot read the weights {path}: reinstall compare_gan_tf") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(
            f"the weights {path} have SHA-256 {found}, not {sha256}: they were changed or cut "
            "off, reinstall compare_gan_tf"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


@gin.configurable(module="features")
@functools.cache
def digits_classifier() -> DigitsClassifier:
    """The classifier of digits that ships with the package, loaded once in a process.

    Raises:
      UserError: its weights are missing or not those that were released.
    """
    arrays = load_arrays(DIGITS_WEIGHTS, DIGITS_SHA256)
    model = digits_model()
    for variable in model.trainable_variables:
        variable.assign(arrays[variable.path])
    return DigitsClassifier(model, DIGITS_SHA256)


@gin.configurable(module="features")
def raw_features() -> RawFeatures:
    """The samples themselves as features."""
    return RawFeatures()
