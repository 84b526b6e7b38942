"""Label files that do not fit the images, or are none."""

import json
import zipfile

import pytest
from label_files import NUMBERS, TEXTS, lines, refused

from compare_gan_tf.data import folders, zips
from compare_gan_tf.errors import UserError


def test_a_file_that_is_named_must_be_there(put, tmp_path):
    root = put({"truth.csv": lines(TEXTS)})
    message = refused(root, label_file="nothing.csv")
    assert "label_file = 'nothing.csv': there is no such file" in message and "truth.csv" in message
    outside = tmp_path / "outside.csv"
    outside.write_text(lines(TEXTS))
    assert folders.find(str(root), label_file=str(outside)).class_names == ("cat", "dog")
    outside.unlink()
    assert "cannot be read: No such file" in refused(root, label_file=str(outside))
    assert "it must be a name in quotes, or False" in refused(root, label_file=True)


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (NUMBERS[1:], "labels.csv of the folder .* has no label for 1 of 6 images, such as 0.png"),
        ([*NUMBERS, ("z.png", 1)], "names 1 images that are not there: z.png"),
        ([("x.png", 0), ("y.png", 1)], "names none of the images, such as 0.png, but x.png"),
        ([*NUMBERS, ("0.png", 1)], "has two labels for 0.png"),
        ([*NUMBERS, ("3",)], "row 7 of .* has 1 cells and the first 2"),
        ([], "is empty: set folder.label_file = False to use no label file"),
    ],
)
def test_a_file_that_does_not_fit_to_the_images(put, rows, part):
    import re

    assert re.search(part, refused(put({"labels.csv": lines(rows)})))


@pytest.mark.parametrize(
    ("images", "rows"),
    [
        (["a/0.png", "b/0.png"], [("0.png", 1)]),  # which of the two?
        (["c/0.png"], [("a/0.png", 0), ("b/0.png", 1)]),  # by which of the two?
    ],
)
def test_a_name_that_is_not_unique_labels_nothing(put, images, rows):
    root = put({"labels.csv": lines(rows)}, images)
    assert "names none of the images" in refused(root, label_file="labels.csv")


def test_a_name_is_the_same_however_its_accents_are_written(put):
    composed, apart = "\u00e9.png", "e\u0301.png"
    for name, row in ((composed, apart), (apart, composed)):
        root = put({"labels.csv": lines([(row, 1), ("0.png", 0)])}, [name, "0.png"])
        assert folders.find(str(root)).labels.tolist() == [0, 1]  # by path: "0.png" is first
        (root / name).unlink()


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("x", "the label 'x' of 0.png in labels.csv is no whole number"),
        ("nan", "the label 'nan' of 0.png"),
        ("-inf", "the label '-inf' of 0.png"),
        ("2.5", "the label '2.5' of 0.png"),
        ("1e300", "the label '1e300' of 0.png"),
        ("9" * 5000, "of 0.png in labels.csv is no whole number up to 2147483647"),
        ("2147483648", "the label '2147483648' of 0.png in labels.csv is no whole number up to 2"),
        ("-99999999999999999999", "is no whole number up to 2147483647"),
        ("1.5", "of 0.png in labels.csv is no whole number"),
        ("-2", "1 labels of labels.csv are not in [0, 2)"),
        ("1000000", "the largest label of labels.csv is 1000000, with 6 samples"),
    ],
)
def test_labels_that_cannot_be(put, label, part):
    assert part in refused(put({"labels.csv": lines([("0.png", label), *NUMBERS[1:]])}))


@pytest.mark.parametrize(
    "label", [True, -5, 1e300, float("nan"), 10**40, 2.5, {"a": 1}, [1, 2], [], "cat", [0.5, 0.5]]
)
def test_labels_of_other_types(put, label):
    text = json.dumps({"labels": [("0.png", label), *NUMBERS[1:]]})
    assert "dataset.json" in refused(put({"dataset.json": text}))


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("dataset.json", b"[" * 100_000, "is no JSON"),
        ("dataset.json", b'{"labels": [["0.png", ' + b"9" * 5000 + b"]]}", "is no JSON"),
        ("dataset.json", b"5", "is neither"),
        ("dataset.json", b'{"labels": [1, 2]}', "is neither"),
        ("dataset.json", b'{"0.png": 1, "0.png": 2}', "has '0.png' twice"),
        ("labels.csv", b"0.png,caf\xe9\n1.png,tea", "is not in UTF-8"),
        ("labels.csv", b"0.png," + b"x" * 200_000, "is no table of names and labels"),
        ("metadata.jsonl", b'{"file_name": 3, "label": 1}', "record 1 of"),
        ("metadata.jsonl", b"[1]", 'is not {"file_name"'),
    ],
)
def test_files_of_another_form(put, file, content, part):
    assert part in refused(put({file: content}))


def test_a_label_file_of_a_zip_that_inflates_is_not_read(made, tmp_path, monkeypatch):
    from compare_gan_tf.data import label_files

    monkeypatch.setattr(label_files, "_MOST_BYTES", 1_000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", made.encoded(made.picture(0)))
        archive.writestr("labels.csv", "0.png,1\n" * 1_000)
    with pytest.raises(UserError, match="has 8,000 bytes, more than the 1,000 that are read"):
        zips.find(str(tmp_path / "x.zip"))
