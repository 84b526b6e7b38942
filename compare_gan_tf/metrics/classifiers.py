"""The small classifiers that ship with the package: digits, MNIST and Fashion-MNIST.

Their last hidden layers give features of small images without a download, for instance for a
Fréchet distance. Their logits serve mode counts and the formula of the Inception Score.
"""

import dataclasses
import hashlib
import io
import pathlib

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError

_FOLDER = pathlib.Path(__file__).parent / "weights"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A classifier's architecture, and the file of its weights.

    `python -m compare_gan_tf.metrics.train_classifier --dataset=DATASET --output=FILE` writes it.

    Attributes:
      name: of the extractor.
      dataset: whose train split it was fitted to.
      shape: (height, width, channels) of its images.
      convolutions: (filters, kernel size, stride) of each.
      features: width of the last hidden layer.
      classes: number of logits.
      sha256: of the file of weights.
    """

    name: str
    dataset: str
    shape: tuple[int, int, int]
    convolutions: tuple[tuple[int, int, int], ...]
    features: int
    classes: int = 10
    sha256: str

    @property
    def path(self) -> pathlib.Path:
        """Where its weights lie."""
        return _FOLDER / f"{self.dataset}_classifier.npz"


DIGITS = Network(
    name="digits-cnn",
    dataset="digits",
    shape=(8, 8, 1),
    convolutions=((16, 3, 1), (32, 3, 2), (32, 3, 2)),
    features=64,
    sha256="03ae9a2589f1c84edd6ef9516e460937765f795cac59e55ec5d6aa7ef224857c",
)
MNIST = Network(
    name="mnist-cnn",
    dataset="mnist",
    shape=(28, 28, 1),
    convolutions=((32, 5, 2), (64, 3, 1), (64, 3, 2)),
    features=128,
    sha256="b4c6fe437205a04fda4ee32cfd17cf636d12b24c719397bfb597bf21a4ed7117",
)
FASHION_MNIST = Network(
    name="fashion-mnist-cnn",
    dataset="fashion_mnist",
    shape=(28, 28, 1),
    convolutions=((32, 5, 2), (64, 3, 1), (64, 3, 2)),
    features=128,
    sha256="511b213eb6366c5bed03fee290353b6abf2c1d9049e4acc21e2bcc25e42e6f45",
)
NETWORKS = {network.dataset: network for network in (DIGITS, MNIST, FASHION_MNIST)}


def build(network: Network, dropout: float = 0.0) -> keras.Model:
    """The untrained network: uint8 [n, H, W, C] -> (features [n, d], logits [n, K]).

    Its activations are smooth, so that no feature is dead and the covariance has full rank.
    """
    images = keras.Input(network.shape, dtype="uint8", name="images")
    x = keras.layers.Rescaling(1 / 255, name="to_unit_interval")(images)
    for index, (filters, size, stride) in enumerate(network.convolutions, start=1):
        x = keras.layers.Conv2D(
            filters, size, stride, padding="same", activation="gelu", name=f"conv_{index}"
        )(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(dropout, name="dropout_1")(x)
    features = keras.layers.Dense(network.features, activation="gelu", name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout_2")(features)
    logits = keras.layers.Dense(network.classes, name="logits")(x)
    return keras.Model(images, (features, logits), name=f"{network.dataset}_classifier")


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """{"layer/variable": values} of a model's trainable variables."""
    return {variable.path: variable.numpy() for variable in model.trainable_variables}


def assign(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Puts arrays named as by `weight_arrays` into a model; float16 ones are widened."""
    for variable in model.trainable_variables:
        variable.assign(arrays[variable.path].astype(np.float32))


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
