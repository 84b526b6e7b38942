import numpy as np
import pytest
from sklearn.datasets import load_digits

from compare_gan_tf import data
from compare_gan_tf.errors import UserError


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_sizes_types_and_shape(digits):
    assert {name: len(split) for name, split in digits.splits.items()} == {
        "train": 1197,
        "validation": 300,
        "test": 300,
    }
    assert digits.sample_shape == (8, 8, 1)
    assert digits.is_images and digits.num_classes == 10
    for split in digits.splits.values():
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int32


def test_every_digit_of_the_source_is_in_one_split(digits):
    counts, labels = load_digits(return_X_y=True)
    source = sorted(
        (tuple(c * 255 // 16), y) for c, y in zip(counts.astype(int), labels, strict=True)
    )
    found = sorted(
        (tuple((image.reshape(-1).astype(int) * 16 + 127) // 255 * 255 // 16), label)
        for split in digits.splits.values()
        for image, label in zip(split.images, split.labels, strict=True)
    )
    assert found == source


def test_the_brightest_pixel_is_white_and_half_is_rounded_up(digits):
    images = np.concatenate([split.images for split in digits.splits.values()])
    assert np.unique(images).tolist() == [int(np.floor(v * 255 / 16 + 0.5)) for v in range(17)]


def test_splits_hold_all_classes_in_like_shares(digits):
    for split in digits.splits.values():
        shares = np.bincount(split.labels, minlength=10) / len(split)
        assert shares.min() > 0.06 and shares.max() < 0.15


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown data set 'digit'.*digits"):
        data.load("digit")
    with pytest.raises(UserError, match="unknown data set 'zzz'.*digits.*swiss_roll"):
        data.load("zzz")
