"""Data sets of every source give through the cache what they give without it."""

import zipfile

import numpy as np
import pytest
from decoded import NUMBER, ROW

from compare_gan_tf import data
from compare_gan_tf.data.pipeline import batches


def read_all(split, **settings):
    settings = dict(key=7, batch_size=4, slices=2, start=0, stop=12) | settings
    return [[np.array(x) for x in element] for element in batches(split, **settings)]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("flip", [False, True])
def test_batches_are_those_of_other_ways(folder, caches, flip):
    name = f"folder:{folder}"
    kept = data.load(name, flip=flip).splits["train"]
    anew = data.load(name, flip=flip, memory_budget=0, disk_budget=0).splits["train"]
    disk = data.load(name, flip=flip, memory_budget=0).splits["train"]
    expected = read_all(kept)
    assert_same(read_all(anew), expected)
    assert not caches.exists()
    assert_same(read_all(disk), expected)
    assert_same(read_all(disk, start=5), expected[5:])
    assert len(list(caches.glob("decoded-8x8x3-*.uint8"))) == 1


def test_a_view_is_of_what_is_stored(folder, caches):
    settings = {"memory_budget": 0, "view": lambda images: 255 - images}
    disk = data.load(f"folder:{folder}", **settings).splits["train"]
    plain = data.load(f"folder:{folder}").splits["train"]
    for (images, labels), (before, same_labels) in zip(
        read_all(disk), read_all(plain), strict=True
    ):
        np.testing.assert_array_equal(images, 255 - before)
        np.testing.assert_array_equal(labels, same_labels)


def test_all_splits_of_a_folder_share_a_file(folder, caches, counted):
    splits = data.load(f"folder:{folder}", memory_budget=0).splits
    for split in splits.values():
        split.images.prepare()
    assert counted["images"] == NUMBER + 16
    np.testing.assert_array_equal(
        splits["test"].images[:], data.load(f"folder:{folder}").splits["test"].images[:]
    )
    assert len(list(caches.glob("*.uint8"))) == 1


def test_broken_images_that_are_skipped_are_no_rows(folder, caches):
    (folder / "ant" / "05.png").write_bytes(b"")
    skip = data.dataset.broken_files.skip_broken
    splits = data.load(f"folder:{folder}", memory_budget=0, broken=skip).splits
    splits["train"].images.prepare()
    (path,) = caches.glob("*.uint8")
    assert path.stat().st_size == (NUMBER - 1) * ROW


def test_random_crops_are_decoded_anew(folder, caches):
    settings = {"memory_budget": 0, "image_size": 8, "min_crop_area": 0.5}
    disk = data.load(f"folder:{folder}", **settings).splits["train"]
    anew = data.load(f"folder:{folder}", disk_budget=0, **settings).splits["train"]
    assert_same(read_all(disk), read_all(anew))
    assert not caches.exists()


def test_sets_beyond_the_disk_budget_are_decoded_anew(folder, caches):
    split = data.load(f"folder:{folder}", memory_budget=0, disk_budget=NUMBER * ROW - 1)
    read_all(split.splits["train"], stop=1)
    assert not caches.exists()


def test_records_in_a_zip_and_in_tfrecords_are_stored_too(folder, made, tmp_path, caches):
    archive = tmp_path / "photos.zip"
    examples = []
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(NUMBER):
            content = made.encoded(made.picture(number))
            file.writestr(f"{number:02}.png", content)
            examples.append(made.example(image=content, label=number % 2))
    records = made.write_tfrecord(tmp_path / "x.tfrecord", examples)
    for name in (f"zip:{archive}", f"tfrecord:{records}"):
        disk = data.load(name, memory_budget=0).splits["train"]
        expected = data.load(name).splits["train"].images
        disk.images.prepare()
        np.testing.assert_array_equal(disk.images[:], expected[:])
    assert len(list(caches.glob("*.uint8"))) == 2
