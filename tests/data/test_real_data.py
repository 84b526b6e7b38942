"""The real MNIST, Fashion-MNIST and CIFAR-10, where the environment says that they are prepared."""

import os

import numpy as np
import pytest

from compare_gan_tf import data

DATA_DIR = os.environ.get("COMPARE_GAN_DATA_DIR")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA_DIR, reason="COMPARE_GAN_DATA_DIR names no folder with sets prepared by tfds"
    ),
]
NAMES = ["mnist", "fashion_mnist", "cifar10"]


@pytest.mark.parametrize("name", NAMES)
def test_counts_means_and_classes(name, golden):
    numbers = golden("data")
    dataset = data.load(name, DATA_DIR, hold_out=False)
    train, test = dataset.splits["train"], dataset.splits["test"]
    counts = numbers["counts"][name]
    assert (len(train), len(test)) == (counts["train"], counts["test"])
    mean = (train.images.in_memory() / 255).mean(axis=(0, 1, 2))
    digits = 7 if len(mean) == 1 else 4
    assert mean.round(digits).tolist() == numbers["means"][name]
    assert np.bincount(train.labels).tolist() == numbers["classes"][name]
    held_out = data.load(name, DATA_DIR).splits
    assert len(held_out["train"]) + len(held_out["validation"]) == counts["train"]
    joined = np.concatenate([held_out["train"].images[:], held_out["validation"].images[:]])
    np.testing.assert_array_equal(joined, train.images.in_memory())


def test_stacked_mnist_has_all_thousand_modes():
    dataset = data.load("stacked_mnist", DATA_DIR)
    train = dataset.splits["train"]
    counts = np.bincount(train.labels, minlength=1000)
    assert len(train) == 50_000 and counts.min() > 0
    assert train.images.shape == (50_000, 28, 28, 3)
