import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError

IMAGES = np.random.default_rng(0).integers(256, size=(50, 6, 6, 3), dtype=np.uint8)
LABELS = np.arange(50) % 5


@pytest.fixture
def load(tmp_path):
    def save_and_load(**arrays):
        np.savez(tmp_path / "set.npz", **arrays)
        return data.load(f"npz:{tmp_path / 'set.npz'}")

    return save_and_load


def test_images_and_labels_are_split_together(load):
    dataset = load(images=IMAGES, labels=LABELS)
    assert dataset.num_classes == 5 and dataset.sample_shape == (6, 6, 3)
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 40,
        "validation": 5,
        "test": 5,
    }
    for split in dataset.splits.values():
        for image, label in zip(split.images, split.labels, strict=True):
            (row,) = np.flatnonzero((IMAGES == image).all(axis=(1, 2, 3)))
            assert label == row % 5


@pytest.mark.parametrize(
    "names", [("train_images", "train_labels", "test_images"), ("x_train", "y_train", "x_test")]
)
def test_named_splits_and_grey_images(load, names):
    dataset = load(**dict(zip(names[::2], (IMAGES[:40, ..., 0], IMAGES[40:, ..., 0]), strict=True)))
    assert dataset.sample_shape == (6, 6, 1) and dataset.num_classes is None
    np.testing.assert_array_equal(dataset.splits["test"].images[..., 0], IMAGES[40:, ..., 0])
    assert set(dataset.splits) == {"train", "test"}


def test_floats_between_0_and_1_are_rounded_to_uint8(load):
    dataset = load(train_images=IMAGES / 255, test_images=IMAGES / 255)
    np.testing.assert_array_equal(dataset.splits["train"].images, IMAGES)
    with pytest.raises(UserError, match=r"floats from 0 to 255: scale them to \[0, 1\]"):
        load(images=IMAGES.astype(np.float32))


def test_alpha_is_laid_over_white(load):
    clear = np.concatenate([IMAGES, np.zeros_like(IMAGES[..., :1])], -1)
    assert (load(train_images=clear).splits["train"].images == 255).all()


def test_points_are_floats_of_two_dimensions(load):
    points = np.random.default_rng(1).normal(size=(30, 2))
    dataset = load(images=points)
    assert dataset.sample_shape == (2,) and not dataset.is_images
    assert dataset.splits["train"].images.dtype == np.float32


def test_soft_labels_are_probabilities(load):
    soft = np.random.default_rng(2).dirichlet(np.ones(4), size=50)
    dataset = load(images=IMAGES, labels=soft)
    assert dataset.num_classes == 4
    assert dataset.splits["train"].labels.shape == (40, 4)
    assert dataset.splits["train"].labels.dtype == np.float32
