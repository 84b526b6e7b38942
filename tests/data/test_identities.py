"""What tells data sets apart, for runs that go on."""

import json
import os
import shutil
import time
import zipfile

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import identities, labels


def of(folder, **options):
    return data.identity(data.load(f"folder:{folder}", **options))


def test_it_is_short_readable_and_ready_for_json(folder):
    found = of(folder)
    assert json.loads(json.dumps(found)) == found
    assert found["shape"] == [8, 8, 3] and found["class_names"] == ["ant", "bee"]
    assert {name: split["samples"] for name, split in found["splits"].items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    for split in found["splits"].values():
        assert len(split["content"]) == len(split["labels"]) == 16
    assert str(folder) not in json.dumps(found)


def test_it_is_the_same_elsewhere_later_and_packed(folder, tmp_path):
    before = of(folder)
    elsewhere = tmp_path / "elsewhere" / "deep"
    shutil.copytree(folder, elsewhere)
    os.utime(elsewhere / "ant" / "01.png", (1, 1))
    assert of(elsewhere) == before
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    assert data.identity(data.load(f"zip:{tmp_path / 'x.zip'}")) == before


def replaced(folder, made):
    """Another image in a file of the same name and length."""
    path = folder / "ant" / "01.png"
    content = bytearray(path.read_bytes())
    other = made.encoded(255 - made.picture(1))
    assert len(other) == len(content)
    path.write_bytes(other)


@pytest.mark.parametrize(
    "change",
    [
        replaced,
        lambda folder, made: (folder / "ant" / "01.png").unlink(),
        lambda folder, made: (folder / "ant" / "01.png").rename(folder / "ant" / "0a.png"),
        lambda folder, made: (folder / "ant" / "01.png").rename(folder / "bee" / "01.png"),
        lambda folder, made: (folder / "ant").rename(folder / "asp"),
        lambda folder, made: made.write(folder / "ant" / "new.png", made.encoded(made.picture(30))),
    ],
)
def test_it_is_another_after_a_change(folder, made, change):
    before = of(folder)
    change(folder, made)
    after = of(folder)
    assert after != before and data.changes(before, after)
    assert not data.changes(after, after)


def test_changes_are_said_in_numbers(folder, made):
    before = of(folder)
    for number in range(20, 30):
        made.write(folder / "ant" / f"{number}.png", made.encoded(made.picture(number)))
    assert "it had 16 train samples and now has 24" in data.changes(before, of(folder))
    other = {**before, "num_classes": 3, "shape": [16, 16, 3]}
    assert data.changes(before, other) == [
        "its shape was [8, 8, 3] and is now [16, 16, 3]",
        "its number of classes was 2 and is now 3",
    ]


def test_labels_count(folder):
    before = of(folder)
    after = of(folder, labels=labels.partial_labels)
    assert data.changes(before, after) == ["its train labels are others"]


def test_arrays_count_by_their_content(tmp_path):
    images = np.random.default_rng(0).integers(256, size=(30, 6, 6, 3), dtype=np.uint8)

    def identity(images):
        np.savez(tmp_path / "x.npz", train_images=images)
        return data.identity(data.load(f"npz:{tmp_path / 'x.npz'}"))

    before = identity(images)
    assert identity(images.copy()) == before
    images[7, 3, 2, 1] ^= 1
    assert data.changes(before, identity(images)) == ["its train samples are others"]


def test_tfrecords_elsewhere(made, tmp_path):
    examples = [made.example(image=made.encoded(made.picture(i)), label=i % 2) for i in range(8)]
    found = []
    for folder in ("a", "b"):
        made.write_tfrecord(tmp_path / folder / "x.tfrecord", examples)
        found.append(data.identity(data.load(f"tfrecord:{tmp_path / folder}")))
    made.write_tfrecord(tmp_path / "b" / "x.tfrecord", examples[::-1])
    other = data.identity(data.load(f"tfrecord:{tmp_path / 'b'}"))
    assert found[0] == found[1] != other


def test_sets_that_are_drawn_are_known_by_their_name_and_digits_by_their_content():
    ring = data.identity(data.load("gaussian_ring"))
    assert ring["source"] == "gaussian_ring" and ring["splits"]["train"]["content"] is None
    assert ring != data.identity(data.load("gaussian_grid"))
    digits = data.identity(data.load("digits"))
    assert digits["source"] is None and digits["splits"]["train"]["content"]


def test_ten_thousand_images_take_no_time(folder, monkeypatch):
    dataset = data.load(f"folder:{folder}")
    train = dataset.splits["train"]
    many = train.subset(np.arange(10_000) % len(train))
    dataset.splits["train"] = many
    monkeypatch.setattr(identities.LazyImages, "read", None)  # nothing is decoded
    start = time.process_time()
    assert data.identity(dataset)["splits"]["train"]["samples"] == 10_000
    assert time.process_time() - start < 0.5  # 0.01 on a quiet machine


def test_numbers_have_one_hash_whatever_the_order_of_their_bytes():
    numbers = np.arange(3)
    big, little = (identities._little(numbers.astype(kind)) for kind in (">i4", "<i4"))
    assert identities._hash(big) == identities._hash(little)
