"""What classes are called, wherever labels come from."""

import dataclasses
import functools

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import arrays, labels
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.errors import UserError

IMAGES = np.random.default_rng(0).integers(256, size=(30, 6, 6, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3
DIGITS = tuple("0123456789")


@pytest.fixture
def load(tmp_path):
    def save_and_load(**arrays):
        np.savez(tmp_path / "set.npz", **arrays)
        return data.load(f"npz:{tmp_path / 'set.npz'}")

    return save_and_load


def test_of_sets_that_have_names_and_of_others(folder):
    assert data.load("digits").class_names == DIGITS
    assert data.load(f"folder:{folder}").class_names == ("ant", "bee")
    assert data.load("gaussian_ring").class_names is None


def test_there_are_as_many_names_as_classes():
    digits = data.load("digits")
    with pytest.raises(UserError, match="digits has 10 classes and 2 names"):
        dataclasses.replace(digits, class_names=("a", "b"))
    with pytest.raises(UserError, match="None classes and 10 names"):
        dataclasses.replace(digits, num_classes=None)


@pytest.mark.parametrize("kind", [np.str_, np.bytes_])
def test_texts_are_classes_in_natural_order(load, kind):
    dataset = load(images=IMAGES, labels=np.array(["b", "a10", "a9"], kind)[LABELS])
    assert dataset.class_names == ("a9", "a10", "b")
    for split in dataset.splits.values():
        for image, label in zip(split.images, split.labels, strict=True):
            (row,) = np.flatnonzero((IMAGES == image).all(axis=(1, 2, 3)))
            assert label == [2, 1, 0][row % 3]


@pytest.mark.parametrize("name", ["class_names", "classes", "label_names"])
def test_an_array_of_names(load, name):
    assert load(images=IMAGES, labels=LABELS, **{name: list("xyz")}).class_names == tuple("xyz")
    assert load(images=IMAGES, labels=LABELS, **{name: list("wxyz")}).num_classes == 4
    with pytest.raises(UserError, match=r"not in \[0, 2\)"):
        load(images=IMAGES, labels=LABELS, **{name: list("xy")})
    with pytest.raises(UserError, match="has names of classes and no labels"):
        load(images=IMAGES, **{name: list("xy")})


def test_an_array_of_names_orders_texts(load):
    texts = np.array(["b", "a", "c"])[LABELS]
    dataset = load(train_images=IMAGES, train_labels=texts, class_names=list("cba"))
    assert dataset.class_names == ("c", "b", "a")
    assert dataset.splits["train"].labels.tolist() == [1, 2, 0] * 10
    with pytest.raises(UserError, match="class_names of .* lacks a"):
        load(train_images=IMAGES, train_labels=texts, class_names=list("cb"))


def test_texts_in_tfrecords(made, tmp_path):
    kinds = (b"b", b"a10", b"a9")
    examples = [
        made.example(image=made.encoded(made.picture(i)), label=kinds[i % 3]) for i in range(9)
    ]
    made.write_tfrecord(tmp_path / "x.tfrecord", examples)
    dataset = data.load(f"tfrecord:{tmp_path}")
    assert dataset.class_names == ("a9", "a10", "b") and dataset.num_classes == 3


@pytest.mark.parametrize(
    ("labelling", "names"),
    [
        (labels.partial_labels, DIGITS),
        (functools.partial(labels.partial_labels, fraction=0.5), DIGITS),
        (labels.random_labels, DIGITS),
        (functools.partial(labels.random_labels, classes=7), None),
        (labels.single_label, None),
        (labels.no_labels, None),
        (lambda split, name, number: (9 - split.labels, number), None),
        (
            lambda split, name, number: (np.where(split.labels < 5, -1, split.labels), number),
            DIGITS,
        ),
    ],
)
def test_names_are_kept_where_labels_keep_their_meaning(labelling, names):
    assert data.load("digits", labels=labelling).class_names == names


def test_labelled_only_keeps_names():
    dataset = data.load("digits", labels=labels.partial_labels, labelled_only=True)
    assert dataset.class_names == DIGITS


# --- Arrays and features that may be the labels --------------------------------------------------


@pytest.mark.parametrize(
    "names", [("images", "label"), ("X", "targets"), ("data", "target"), ("Images", "Y")]
)
def test_labels_by_other_names(load, names):
    assert load(**dict(zip(names, (IMAGES, LABELS), strict=True))).num_classes == 3


def test_splits_by_other_names(load):
    dataset = load(x_train=IMAGES, y_train=LABELS, x_dev=IMAGES[:6], y_dev=LABELS[:6])
    assert dataset.splits["validation"].labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("name", ["y_labels", "fine_labels", "category", "classes"])
def test_arrays_that_may_be_the_labels_are_not_dropped(load, tmp_path, name):
    with pytest.raises(UserError, match=f"has {name}, which may be the labels: .*label_array"):
        load(images=IMAGES, **{name: LABELS})
    for value, classes in ((name, 3), (False, None)):
        made = arrays.load("x", str(tmp_path / "set.npz"), Settings(), label_array=value)
        assert made.num_classes == classes
    with pytest.raises(UserError, match="npz.label_array = 'kind': .* has"):
        arrays.load("x", str(tmp_path / "set.npz"), Settings(), label_array="kind")


def test_arrays_in_memory_are_named_alike():
    given = {"images": IMAGES, "y": np.array(["b", "a", "c"])[LABELS], "class_names": list("cba")}
    made = data.from_arrays(given)
    assert made.class_names == ("c", "b", "a") and made.num_classes == 3
    assert data.from_arrays({"images": IMAGES, "ids": LABELS}).notes
    with pytest.raises(UserError, match="has fine_labels, which may be the labels: call the"):
        data.from_arrays({"images": IMAGES, "fine_labels": LABELS})


def test_arrays_passed_over_are_named(load):
    dataset = load(images=IMAGES, labels=LABELS, ids=np.arange(30), mask=IMAGES[..., 0])
    assert dataset.notes == ("arrays passed over: ids (int64 [30]), mask (uint8 [30, 6, 6])",)


def test_features_that_may_be_the_labels_are_not_dropped(made, tmp_path):
    from compare_gan_tf.data import record_files

    path = made.write_tfrecord(
        tmp_path / "x.tfrecord",
        [
            made.example(image=made.encoded(made.picture(i)), height=8, **{"image/class": i % 2})
            for i in range(4)
        ],
    )
    with pytest.raises(UserError, match="has image/class, which may be the labels"):
        record_files.find(path)
    assert record_files.find(path, label_feature="image/class").num_classes == 2
    found = record_files.find(path, label_feature=False)
    assert found.labels is None
    assert found.notes == ("features of the records passed over: height, image/class",)
    with pytest.raises(UserError, match="label_feature = 'kind': a record of .* has height"):
        record_files.find(path, label_feature="kind")


def test_tfrecords_of_splits_beside_others(made, tmp_path):
    example = [made.example(image=made.encoded(made.picture(0)), label=0)]
    for name in ("training-0.tfrecord", "Dev-0.tfrecord"):
        made.write_tfrecord(tmp_path / name, example * 3)
    made.write(tmp_path / "README", b"")
    dataset = data.load(f"tfrecord:{tmp_path}")
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 3,
        "validation": 3,
    }
    assert dataset.notes == ("passed over, for they are no TFRecord files: README",)
    made.write_tfrecord(tmp_path / "extra-0.tfrecord", example)
    with pytest.raises(UserError, match="name a split, and extra-0.tfrecord do not name just one"):
        data.load(f"tfrecord:{tmp_path}")
