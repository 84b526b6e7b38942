"""What folders of images are taken for, and that nothing is passed over in silence."""

import os

import pytest

from compare_gan_tf import data
from compare_gan_tf.data import broken_files, folders
from compare_gan_tf.data.naming import natural_key, printable
from compare_gan_tf.data.own_images import split_of
from compare_gan_tf.errors import UserError, first_line


@pytest.fixture
def put(made, tmp_path):
    """A function (names of images, names of other files) -> folder with both."""

    def write(images, others=()):
        for number, name in enumerate(images):
            made.write(tmp_path / "x" / name, made.encoded(made.picture(number)))
        for name in others:
            made.write(tmp_path / "x" / name, b"")
        return str(tmp_path / "x")

    return write


def few(folder, number=3):
    return [f"{folder}/{folder}{i}.png".lstrip("/") for i in range(number)]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("train2017", "train")),
        *(("val", "validation"), ("dev", "validation"), ("eval", "validation")),
        *(("Testing", "test"), ("test_images", "test"), ("images-test", "test")),
        *(("extra", None), ("test_tube", None), ("train_test", None), ("7", None), ("", None)),
    ],
)
def test_names_of_splits(name, split):
    assert split_of(name) == split


def test_splits_by_other_names(put):
    root = put([*few("Training"), *few("Dev"), *few("testing")])
    dataset = data.load(f"folder:{root}")
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 3,
        "validation": 3,
        "test": 3,
    }
    assert dataset.splits["validation"].name(0) == "Dev/Dev0.png"


def test_two_folders_of_one_split_are_named(put):
    found = folders.find(put([*few("train"), *few("val"), *few("dev")]))
    assert "the folders dev, val are one split, validation" in found.notes


@pytest.mark.parametrize("beside", ["extra/a.png", "unlabeled/a.png", "a.png"])
def test_splits_beside_others_are_asked_about(put, beside):
    root = put([*few("train"), *few("test"), beside])
    with pytest.raises(UserError, match="has test, train beside .* set folder.class_folders"):
        folders.find(root)
    assert folders.find(root, class_folders=False).split is None


def test_a_class_called_train(put):
    root = put([*few("bus"), *few("train"), *few("car")])
    with pytest.raises(UserError, match="has train beside bus, car"):
        folders.find(root)
    assert folders.find(root, class_folders=True).class_names == ("bus", "car", "train")


def test_classes_are_in_natural_order(put):
    names = ["2", "10", "1", "a10", "a9", "0"]
    found = folders.find(put([f"{name}/x.png" for name in names]))
    assert found.class_names == ("0", "1", "2", "10", "a9", "a10")
    assert [int(label) for label in found.labels] == [0, 1, 3, 2, 5, 4]  # paths are 0 1 10 2 a10 a9
    assert sorted(["b", "a" + "9" * 9000, "a1"], key=natural_key)[::2] == ["a1", "b"]


def test_a_folder_around_all_is_looked_into(put):
    found = folders.find(put([f"all/{k}/{i}.png" for k in ("cat", "dog") for i in range(3)]))
    assert found.class_names == ("cat", "dog") and "all images lie in all/" in found.notes


def test_splits_in_a_folder_around_them(put):
    found = folders.find(put([f"all/{k}/{i}.png" for k in ("train", "test") for i in range(3)]))
    assert sorted(set(found.split)) == ["test", "train"] and found.labels is None


def test_one_folder_is_no_class_and_said_so(put):
    root = put(few("cat"))
    (note,) = folders.find(root).notes
    assert note.startswith("the one folder of images, cat, is taken for no class")
    found = folders.find(root, class_folders=True)
    assert found.class_names == ("cat",) and not found.notes


def test_images_deeper_than_their_class_and_beside_them(put):
    root = put([*few("cat"), "cat/young/a.png", "dog/b.png", "c.png"])
    found = folders.find(root, class_folders=True)
    assert "1 images beside the folders of classes have no label" in found.notes
    assert any("1 images lie deeper" in note and "cat/young" in note for note in found.notes)


def test_what_is_passed_over_is_named(put):
    others = ["a.heic", "cat/b.HEIC", "README.md", "LICENSE", ".secret.png", ".git/x"]
    litter = [".DS_Store", "cat/._cat0.png", "Thumbs.db"]
    found = folders.find(put([*few("cat"), *few("dog")], [*others, *litter]))
    assert len(found.records) == 6
    assert found.notes == (
        "files passed over, for they are no images: 2 .heic, 1 LICENSE, 1 .md",
        "hidden files and folders passed over: .git, .secret.png",
    )
    with pytest.raises(UserError, match="there are no images in .* 1 .heic"):
        data.load(f"folder:{put([], ['y/a.heic'])}/y")


def test_names_that_break_lines_or_are_no_text(put, made):
    root = put(["a\nb/1.png", "a\nb/2.png", "{c}'\"/3.png", "{c}'\"/4.png"])
    strange = os.fsencode(root) + b"/\xff"
    os.mkdir(strange)
    with open(strange + b"/5\n\n.png", "wb") as file:
        file.write(b"no image")
    with pytest.raises(UserError) as error:
        data.load(f"folder:{root}")
    assert "\\udcff/5\\n\\n.png: not an image. Repair" in first_line(error.value)

    def skip(problems, total, where):
        return broken_files.skip_broken(problems, total, where, max_fraction=0.5)

    dataset = data.load(f"folder:{root}", broken=skip)
    assert dataset.class_names == ("a\\nb", "{c}'\"", "\\udcff")
    assert all(name.isprintable() for name in (*dataset.class_names, *dataset.notes))
    assert printable("plain name.png") == "plain name.png"
