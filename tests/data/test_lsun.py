import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError

lmdb = pytest.importorskip("lmdb", reason="LSUN is read by the package lmdb, of the extra data")


@pytest.fixture
def bedrooms(made, tmp_path):
    """A folder with 200 small bedrooms in LSUN's form; number i is picture(i, 10, 14)."""
    path = tmp_path / "lsun" / "bedroom_train_lmdb"
    path.mkdir(parents=True)
    with lmdb.open(str(path), map_size=2**24) as environment, environment.begin(write=True) as out:
        for number in range(200):
            image = made.encoded(made.picture(number, 10, 14), "WEBP", lossless=True)
            out.put(f"{number:040}".encode(), image)
    return tmp_path


def test_splits_are_98_1_and_1_percent_in_the_order_of_keys(bedrooms, made):
    dataset = data.load("lsun_bedroom", str(bedrooms), image_size=10)
    assert [len(split) for split in dataset.splits.values()] == [196, 2, 2]
    assert dataset.num_classes is None
    for split, first in (("train", 0), ("validation", 196), ("test", 198)):
        found = dataset.splits[split].images[:2]
        for row in range(2):
            np.testing.assert_array_equal(found[row], made.picture(first + row, 10, 14)[:, 2:12])
    all_of_them = data.load("lsun_bedroom", str(bedrooms), image_size=10, hold_out=False)
    assert [len(split) for split in all_of_them.splits.values()] == [198, 2]


def test_sizes_are_those_of_the_name(bedrooms):
    assert data.load("lsun-bedroom", str(bedrooms)).sample_shape == (128, 128, 3)
    assert data.load("lsun_bedroom_256", str(bedrooms)).sample_shape == (256, 256, 3)


def test_what_is_missing_is_said(bedrooms, tmp_path):
    with pytest.raises(UserError, match="church_outdoor_train_lmdb.zip into .*/lsun"):
        data.load("lsun_church", str(bedrooms))
    (tmp_path / "lsun" / "church_outdoor_train_lmdb").mkdir()
    with pytest.raises(UserError, match="is no lmdb folder"):
        data.load("lsun_church", str(bedrooms))
