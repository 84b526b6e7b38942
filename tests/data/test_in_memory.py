"""Arrays and tf.data as data sets: every form that they come in, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import UserError, data, from_arrays

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(50, 6, 5, 3), dtype=np.uint8)
GREY = IMAGES[..., 0]
LABELS = np.arange(50) % 5
SOFT = np.eye(5, dtype=np.float32)[LABELS]
POINTS = RNG.normal(size=(50, 2)).astype(np.float32)


def whole(dataset):
    """All images of a data set, in the order of the bytes of each."""
    images = np.concatenate([split.images for split in dataset.splits.values()])
    return sorted(image.tobytes() for image in images)


def rows(images):
    return sorted(image.tobytes() for image in images)


def stream(*parts, batch=None, **batching):
    made = tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])
    return made if batch is None else made.batch(batch, **batching)


# --- What the values mean ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "images",
    [IMAGES, IMAGES / 255, IMAGES.astype(np.float32) / 255, IMAGES / 127.5 - 1,
     tf.constant(IMAGES), (IMAGES / 255).tolist()],
    ids=["uint8", "float64", "float32", "below 0", "tensor", "list"],
)  # fmt: skip
def test_images_become_the_uint8_that_they_were(images):
    made = from_arrays(images)
    assert made.sample_shape == (6, 5, 3) and made.is_images and made.num_classes is None
    assert {name: len(split) for name, split in made.splits.items()} == {
        "train": 40, "validation": 5, "test": 5,
    }  # fmt: skip
    assert whole(made) == rows(IMAGES)


def test_grey_images_and_points():
    assert from_arrays(GREY).sample_shape == (6, 5, 1)
    made = from_arrays(POINTS)
    assert made.sample_shape == (2,) and not made.is_images and whole(made) == rows(POINTS)


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.astype(np.uint8), SOFT])
def test_labels_go_with_their_images(labels):
    made = from_arrays((IMAGES, labels))
    assert made.num_classes == 5
    label_of = {image.tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    for split in made.splits.values():
        soft = split.labels.ndim == 2
        assert soft == (labels is SOFT) and split.labels.dtype == (np.float32 if soft else np.int32)
        found = split.labels.argmax(1) if soft else split.labels
        assert [label_of[image.tobytes()] for image in split.images] == found.tolist()


# --- Splits -----------------------------------------------------------------------------------

SPLITS = {
    "by split": {"train": (IMAGES[:40], LABELS[:40]), "test": (IMAGES[40:], LABELS[40:])},
    "as in npz": {"x_train": IMAGES[:40], "y_train": LABELS[:40],
                  "x_test": IMAGES[40:], "y_test": LABELS[40:]},
    "as Keras": ((IMAGES[:40], LABELS[:40]), (IMAGES[40:], LABELS[40:])),
    "tf.data": {"train": stream(IMAGES[:40], LABELS[:40]),
                "test": stream(IMAGES[40:], LABELS[40:])},
}  # fmt: skip


@pytest.mark.parametrize("form", SPLITS)
def test_splits_that_are_given_stay_as_they_are(form):
    made = from_arrays(SPLITS[form])
    assert set(made.splits) == {"train", "test"} and made.num_classes == 5
    np.testing.assert_array_equal(made.splits["train"].images, IMAGES[:40])
    np.testing.assert_array_equal(made.splits["test"].labels, LABELS[40:])


def test_a_validation_split_may_be_called_val():
    made = from_arrays({"train": IMAGES[:40], "val": IMAGES[40:]})
    assert list(made.splits) == ["train", "validation"]


# --- tf.data ----------------------------------------------------------------------------------

STREAMS = {
    "images": (stream(IMAGES), IMAGES),
    "images in batches": (stream(IMAGES, batch=8), IMAGES),
    "batches of one size": (stream(IMAGES, batch=8, drop_remainder=True), IMAGES[:48]),
    "grey": (stream(GREY), GREY),
    "grey in batches": (stream(GREY, batch=8), GREY),
    "grey in batches of one size": (stream(GREY, batch=8, drop_remainder=True), GREY[:48]),
    "points": (stream(POINTS), POINTS),
    "points in batches": (stream(POINTS, batch=8), POINTS),
    "points in batches of one size": (stream(POINTS, batch=8, drop_remainder=True), POINTS[:48]),
    "floats": (stream((IMAGES / 127.5 - 1).astype(np.float32), batch=8), IMAGES),
    "wide points": (stream(np.tile(POINTS, 8), batch=8), np.tile(POINTS, 8)),
    "from a generator": (
        tf.data.Dataset.from_generator(
            lambda: iter(GREY), output_signature=tf.TensorSpec((None, None), tf.uint8)), GREY),
}  # fmt: skip


@pytest.mark.parametrize("form", STREAMS)
def test_tf_data_is_read_whole(form):
    given, expected = STREAMS[form]
    assert whole(from_arrays(given)) == rows(expected)


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], SOFT], ids=["[N]", "[N, 1]", "soft"])
@pytest.mark.parametrize("samples", [IMAGES, GREY, POINTS], ids=["images", "grey", "points"])
@pytest.mark.parametrize("batch", [None, 8])
def test_tf_data_with_labels(samples, labels, batch):
    made = from_arrays({"train": stream(samples, labels, batch=batch)})
    split = made.splits["train"]
    np.testing.assert_array_equal(np.squeeze(split.images), samples)
    found = split.labels.argmax(1) if split.labels.ndim == 2 else split.labels
    np.testing.assert_array_equal(found, LABELS)


def test_tf_data_of_dicts():
    given = tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS, "id": LABELS})
    made = from_arrays(given.batch(7))
    assert made.num_classes == 5 and whole(made) == rows(IMAGES)


# --- What is refused --------------------------------------------------------------------------

REFUSED = {
    "large floats": (IMAGES.astype(np.float32), {},
                     r"floats from 0 to 255: scale them to \[0, 1\]"),
    "below -1": (IMAGES / 100.0 - 2, {}, r"floats from -2 to .*\[-1, 1\]"),
    "whole numbers": (IMAGES.astype(np.int64), {}, "are int64 .*must be uint8, or floats"),
    "not finite": (np.where(GREY == GREY[3, 0, 0], np.nan, 0.5), {},
                   "sample 3: a value is not finite"),
    "two channels": (IMAGES[..., :2], {}, r"shape \[50, 6, 5, 2\]: .* C = 1, 3 or 4"),
    "one dimension": (POINTS[:, 0], {}, "of shape"),
    "five dimensions": (IMAGES[None], {}, "of shape"),
    "no samples": (IMAGES[:0], {}, r"shape \[0, 6, 5, 3\]: .* N, H, W > 0"),
    "too few": (IMAGES[:2], {}, "leave none for training"),
    "fewer labels": ((IMAGES, LABELS[:49]), {}, "50 images and 49 labels"),
    "labels out of range": ((IMAGES, LABELS), {"classes": 3}, r"not in \[0, 3\)"),
    "labels of floats": ((IMAGES, LABELS.astype(float)), {}, "labels of .* are float64"),
    "no probabilities": ((IMAGES, 2 * SOFT), {}, "no probabilities: row 0 sums to 2"),
    "three parts": ((IMAGES, LABELS, LABELS), {}, r"tuples of 3: give .* pairs \(images, labels\)"),
    "no train": ({"test": IMAGES}, {}, "has no split to train on, only test"),
    "other names": ({"a": IMAGES, "b": LABELS}, {}, "has the arrays a, b: name them images"),
    "other shapes": ({"train": IMAGES, "test": IMAGES[:, 1:]}, {}, "differ in shape"),
    "ragged": ([[1, 2], [3]], {}, "cannot be made an array"),
    "None": (None, {}, "of the type NoneType: it must be arrays"),
    "a generator": ((x for x in IMAGES), {}, "of the type generator: it must be arrays"),
    "no end": (stream(IMAGES).repeat(), {}, "without an end"),
    "too large": (stream(IMAGES, batch=8), {"memory_budget": 1000},
                  "more than memory_budget = 1000"),
    "an end that is far": (
        stream(IMAGES).repeat().take_while(lambda x: True), {"memory_budget": 5000},
        "more than memory_budget = 5000"),
    "empty stream": (stream(IMAGES).take(0), {}, "without elements"),
    "stream of three": (stream(IMAGES, LABELS, LABELS), {}, "tuples of 3: give images, or pair"),
    "stream of sizes": (
        tf.data.Dataset.from_generator(
            lambda: iter([IMAGES[0], IMAGES[0, 1:]]),
            output_signature=tf.TensorSpec((None, None, 3), tf.uint8)), {}, "differ: "),
    "stream that fails": (
        stream(np.full((3, 2, 2), np.nan)).map(lambda x: tf.debugging.check_numerics(x, "bad")), {},
        "cannot be read: .*bad"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_cannot_be_used_is_refused_in_one_line(case):
    given, settings, message = REFUSED[case]
    with pytest.raises(UserError, match=message) as refused:
        from_arrays(given, **settings)
    assert "\n" not in str(refused.value)


def test_a_name_or_a_data_set_is_one_already():
    assert data.as_dataset("digits").name == "digits"
    made = from_arrays(IMAGES, name="mine")
    assert data.as_dataset(made) is made and made.name == "mine"
    with pytest.raises(UserError, match="unknown data set 'digit'"):
        data.as_dataset("digit")


def test_arrays_with_and_without_the_name_of_a_split_are_refused():
    images = np.zeros((20, 4, 4, 1), np.uint8)
    with pytest.raises(UserError, match="arrays with and without the name of a split"):
        from_arrays({"images": images, "test_images": images})
