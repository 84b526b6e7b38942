"""Labels in files beside the images: every form that people have, and every way it can be wrong."""

import json
import zipfile

import numpy as np
import pytest
from label_files import NAMES, NUMBERS, TEXTS, lines, refused

from compare_gan_tf import config, data
from compare_gan_tf.config import configurables
from compare_gan_tf.data import folders


def records(rows):
    return "\n".join(json.dumps({"file_name": name, "label": label}) for name, label in rows)


def labels_of(dataset):
    """{name of the sample: name or number of its class}."""
    found = {}
    for split in dataset.splits.values():
        for index, label in enumerate(split.labels.tolist()):
            known = dataset.class_names and label >= 0
            found[split.name(index)] = dataset.class_names[label] if known else label
    return found


@pytest.mark.parametrize(
    ("file", "text", "rows"),
    [
        ("dataset.json", json.dumps({"labels": NUMBERS}), NUMBERS),
        ("dataset.json", json.dumps({"labels": dict(TEXTS)}), TEXTS),
        ("dataset.json", json.dumps(dict(NUMBERS)), NUMBERS),
        ("labels.json", json.dumps(NUMBERS), NUMBERS),
        ("labels.csv", lines(NUMBERS), NUMBERS),
        ("Labels.CSV", "\ufeff" + lines(TEXTS).replace("\n", "\r\n"), TEXTS),
        ("labels.csv", "filename,label\n" + lines(TEXTS), TEXTS),
        ("labels.csv", "picture;kind\n" + lines(TEXTS, ";"), TEXTS),
        ("labels.csv", lines((f'"{name}"', f'"{label}"') for name, label in TEXTS), TEXTS),
        ("labels.csv", "file,width,class\n" + lines((n, 8, c) for n, c in TEXTS), TEXTS),
        ("labels.csv", lines((f".\\{name}", label) for name, label in TEXTS), TEXTS),
        ("labels.csv", "id,breed\n" + lines((n[:-4], c) for n, c in TEXTS), TEXTS),
        ("labels.csv", "file,label\n" + lines((n, f"{c}.0") for n, c in NUMBERS), NUMBERS),
        ("labels.tsv", lines(TEXTS, "\t"), TEXTS),
        ("labels.txt", lines(NUMBERS, " "), NUMBERS),
        ("metadata.csv", "file_name,label\n" + lines(TEXTS), TEXTS),
        ("metadata.jsonl", records(TEXTS), TEXTS),
        ("metadata.jsonl", records(NUMBERS), NUMBERS),
    ],
)
def test_forms_of_label_files(put, tmp_path, file, text, rows):
    root = put({file: text})
    dataset = data.load(f"folder:{root}")
    assert labels_of(dataset) == dict(rows)
    assert dataset.class_names == (("cat", "dog") if rows is TEXTS else None)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in root.iterdir():
            archive.write(path, path.name)
    packed = data.load(f"zip:{tmp_path / 'photos.zip'}")
    assert labels_of(packed) == dict(rows) and packed.class_names == dataset.class_names


def test_unlabelled_images_and_probabilities(put):
    rows = [*NUMBERS[:4], ("4.png", None), ("5.png", -1)]
    dataset = data.load(f"folder:{put({'dataset.json': json.dumps({'labels': rows})})}")
    assert labels_of(dataset) == dict([*NUMBERS[:4], ("4.png", -1), ("5.png", -1)])
    soft = [[name, [0.25, 0.75]] for name in NAMES]
    found = folders.find(str(put({"dataset.json": json.dumps({"labels": soft})})))
    np.testing.assert_array_equal(found.labels, [[0.25, 0.75]] * 6)
    assert found.num_classes == 2
    none = folders.find(str(put({"dataset.json": json.dumps({"labels": None})})))
    assert none.labels is None and "dataset.json says that there are no labels" in none.notes


def test_folders_of_stylegan_are_no_classes(put):
    images = [f"0000{number % 2}/img{number}.png" for number in range(6)]
    rows = [(name, number // 2) for number, name in enumerate(images)]
    root = put({"dataset.json": json.dumps({"labels": rows})}, images)
    assert labels_of(data.load(f"folder:{root}")) == dict(rows)


def test_a_file_for_each_split_has_classes_in_common(put):
    images = ["train/0.png", "train/1.png", "train/2.png", "test/0.png"]
    files = {
        "train/metadata.csv": "file_name,label\n0.png,emu\n1.png,ant\n2.png,emu\n",
        "test/metadata.csv": "file_name,label\n0.png,bee\n",
    }
    dataset = data.load(f"folder:{put(files, images)}")
    assert dataset.class_names == ("ant", "bee", "emu")
    assert labels_of(dataset) == {
        "train/0.png": "emu",
        "train/1.png": "ant",
        "train/2.png": "emu",
        "test/0.png": "bee",
    }


@pytest.mark.parametrize("place", ["", "images/"])
def test_names_without_their_folder(put, place):
    root = put({f"{place}labels.csv": lines(TEXTS)}, [f"images/{name}" for name in NAMES])
    assert labels_of(data.load(f"folder:{root}")) == {f"images/{n}": c for n, c in TEXTS}


# --- Which file ----------------------------------------------------------------------------------


def test_which_file_is_asked_where_it_is_not_clear(put):
    root = put({"labels.csv": lines(NUMBERS), "dataset.json": json.dumps(dict(TEXTS))})
    message = refused(root)
    assert "has dataset.json, labels.csv: set folder.label_file" in message
    assert "folder.label_file = False" in message
    assert folders.find(str(root), label_file="dataset.json").class_names == ("cat", "dog")
    assert folders.find(str(root), label_file="labels.csv").class_names is None
    unlabelled = folders.find(str(root), label_file=False)
    assert unlabelled.labels is None and any("1 .csv" in note for note in unlabelled.notes)


@pytest.mark.parametrize(
    ("first", "second"),
    [("train/labels.csv", "test/labels.json"), ("labels.csv", "train/labels.csv")],
)
def test_files_of_two_names_or_one_above_the_other_are_asked_about(put, first, second):
    images = ["train/0.png", "train/1.png", "test/0.png", "test/1.png"]
    files = {first: "0.png,1\n1.png,0\n", second: json.dumps({"0.png": 0, "1.png": 1})}
    message = refused(put(files, images))
    assert first in message and second in message and "set folder.label_file" in message


def test_a_table_that_names_the_only_image_is_no_secret(put):
    root = put({"kinds.csv": "0.png,dog\n"}, ["0.png"])
    assert "has no labels, but kinds.csv names images of it" in refused(root)


def test_folders_of_classes_beside_a_label_file(put):
    images = [f"{'ant' if number % 2 else 'bee'}/{number}.png" for number in range(6)]
    root = put({"labels.csv": lines(TEXTS)}, images)
    assert "has folders of classes and labels.csv: set folder.label_file" in refused(root)
    assert folders.find(str(root), label_file="labels.csv").class_names == ("cat", "dog")
    assert folders.find(str(root), label_file=False).class_names == ("ant", "bee")
    by_folder = folders.find(str(root), class_folders=True)
    assert by_folder.class_names == ("ant", "bee")
    assert any(note.startswith("labels.csv is not used") for note in by_folder.notes)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("train.csv", "id,breed\n" + lines((n[:-4], c) for n, c in TEXTS)),
        ("annotations.json", json.dumps({"images": [{"file_name": name} for name in NAMES]})),
        ("list.txt", lines(NUMBERS, " ")),
    ],
)
def test_a_table_of_another_name_is_no_secret(put, file, text):
    root = put({file: text})
    assert f"has no labels, but {file} names images of it: set folder.label_file" in refused(root)
    assert folders.find(str(root), label_file=False).labels is None
    if "json" not in file:
        assert folders.find(str(root), label_file=file).num_classes == 2


def test_classes_called_as_columns_make_no_line_of_headings(put):
    rows = [(name, ["label", "class"][number % 2]) for number, name in enumerate(NAMES)]
    assert labels_of(data.load(f"folder:{put({'labels.csv': lines(rows)})}")) == dict(rows)


def test_captions_are_no_labels(put):
    found = folders.find(str(put({"metadata.csv": "file_name,text\n0.png,a cat\n"})))
    assert found.labels is None and "metadata.csv has no column of labels" in found.notes


def test_the_column_is_asked_for_where_it_is_not_clear(put):
    rows = "file,kind,age\n" + lines((name, label, 3) for name, label in TEXTS)
    root = put({"labels.csv": rows})
    assert "has the columns file, kind, age: say which" in refused(root)
    found = folders.find(str(root), label_column="kind")
    assert found.class_names == ("cat", "dog")
    assert any("the columns age of" in note for note in found.notes)
    assert "folder.label_column = 'sort'" in refused(root, label_column="sort")
    two = put({"labels.csv": "file,label,target\n" + lines((n, c, c) for n, c in TEXTS)})
    assert "has label, target: say which" in refused(two)
    (two / "labels.csv").unlink()
    assert "has no label file" in refused(two, label_column="kind")


def test_gin_names_the_file(put):
    root = put({"truth.csv": lines(TEXTS)})
    configurables.load()
    config.parse([], [f"data.load.name = 'folder:{root}'", "folder.label_file = 'truth.csv'"])
    try:
        assert data.load().class_names == ("cat", "dog")
    finally:
        config.parse([])
