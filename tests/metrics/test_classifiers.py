"""The weights that ship, and how good they are where the data are at hand."""

import hashlib
import io
import os

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import classifiers, features
from compare_gan_tf.metrics.classifiers import DIGITS, FASHION_MNIST, MNIST

NETWORKS = [DIGITS, MNIST, FASHION_MNIST]
DATA_DIR = os.environ.get("COMPARE_GAN_DATA_DIR")


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.dataset)
def test_the_shipped_weights_are_those_recorded(network):
    content = network.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == network.sha256


def test_together_they_are_small():
    assert sum(network.path.stat().st_size for network in NETWORKS) < 2_000_000


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.dataset)
def test_the_weights_are_plain_arrays_one_for_each_of_the_model(network):
    with np.load(network.path, allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays.pop("train_images_sha256").dtype.kind == "U"
    assert {array.dtype.kind for array in arrays.values()} == {"f"}
    shapes = {variable.path: variable.shape for variable in classifiers.build(network).variables}
    assert {name: array.shape for name, array in arrays.items()} == shapes


def test_the_digits_weights_were_fitted_to_the_train_split_of_today():
    splits = data.load("digits").splits
    arrays = classifiers.load_arrays(DIGITS.path, DIGITS.sha256)
    images = np.ascontiguousarray(splits["train"].images)
    assert arrays["train_images_sha256"] == hashlib.sha256(images.tobytes()).hexdigest()
    train = {image.tobytes() for image in splits["train"].images}
    for name in ("validation", "test"):
        assert not train & {image.tobytes() for image in splits[name].images}


@pytest.mark.slow
@pytest.mark.skipif(
    not DATA_DIR, reason="COMPARE_GAN_DATA_DIR names no folder with sets prepared by tfds"
)
@pytest.mark.parametrize(
    ("network", "make", "accuracy"),
    [
        (MNIST, features.mnist_classifier, 0.99),
        (FASHION_MNIST, features.fashion_mnist_classifier, 0.90),
    ],
    ids=lambda value: getattr(value, "dataset", None),
)
def test_accuracy_and_rank_on_images_never_seen(network, make, accuracy):
    splits = data.load(network.dataset, DATA_DIR).splits
    arrays = classifiers.load_arrays(network.path, network.sha256)
    train = np.ascontiguousarray(splits["train"].images[:])
    assert arrays["train_images_sha256"] == hashlib.sha256(train.tobytes()).hexdigest()
    classifier, test = make(), splits["test"]
    parts = [classifier(test.images[start : start + 500]) for start in range(0, len(test), 500)]
    logits = np.concatenate([part.logits for part in parts])
    assert np.mean(logits.argmax(axis=1) == test.labels) >= accuracy
    rows = np.concatenate([part.features for part in parts])
    eigenvalues = np.linalg.eigvalsh(np.cov(rows, rowvar=False))
    assert eigenvalues[0] > 1e-4 * eigenvalues[-1]


# --- Files that are not what they should be --------------------------------------------------


def test_changed_weights_are_refused(tmp_path):
    content = bytearray(DIGITS.path.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256.*reinstall"):
        classifiers.load_arrays(path, DIGITS.sha256)


def test_missing_weights_are_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="cannot read the weights.*reinstall") as caught:
        classifiers.load_arrays(tmp_path / "none.npz", "0")
    assert "\n" not in str(caught.value)


def test_pickles_are_never_loaded(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, kernel=np.array([{"a": 1}], dtype=object))
    path = tmp_path / "weights.npz"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="allow_pickle"):
        classifiers.load_arrays(path, hashlib.sha256(buffer.getvalue()).hexdigest())
