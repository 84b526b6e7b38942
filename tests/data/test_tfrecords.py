import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.data import tfrecords
from compare_gan_tf.data.cache import Cache
from compare_gan_tf.errors import UserError


@pytest.fixture
def files(made, tmp_path):
    """Two files of 5 and 3 records; (their paths, the images)."""
    images = [made.encoded(made.picture(number, 20, 20)) for number in range(8)]
    examples = [
        made.example(
            image=image,
            label=number - 1,
            weights=[0.5, number],
            file_name=f"n{number}.png".encode(),
        )
        for number, image in enumerate(images)
    ]
    paths = [
        made.write_tfrecord(tmp_path / "a.tfrecord", examples[:5]),
        made.write_tfrecord(tmp_path / "b.tfrecord", examples[5:]),
    ]
    return paths, images


def test_extents_are_exactly_the_images(files):
    paths, images = files
    extents, _ = tfrecords.index([(path, 0, -1) for path in paths])
    assert [extents.read(i) for i in range(len(extents))] == images


def test_small_features_are_read_in_passing(files):
    paths, _ = files
    parts = [(path, 0, -1) for path in paths]
    _, found = tfrecords.index(parts, wanted=("label", "file_name", "weights", "none"))
    assert found["label"] == list(range(-1, 7))  # a negative one takes ten bytes
    assert found["file_name"][6] == b"n6.png"
    assert found["weights"][3] == [0.5, 3.0]
    assert "none" not in found


def test_parts_of_files_are_those_asked_for(files):
    paths, images = files
    extents, found = tfrecords.index([(paths[0], 1, 2), (paths[1], 2, -1)], wanted=("label",))
    assert [extents.read(i) for i in range(3)] == [images[1], images[2], images[7]]
    assert found["label"] == [0, 1, 6]


def test_the_walk_agrees_with_tensorflow_on_random_examples(made, tmp_path):
    """Names and values of many lengths, so that varints have one to three bytes."""
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(50):
        image = rng.bytes(int(rng.integers(1, 40_000)))
        name = "x" * int(rng.integers(1, 300))
        label = int(rng.integers(0, 2**40))
        examples.append(made.example(image=image, label=label, **{name: b"pad"}))
    path = made.write_tfrecord(tmp_path / "x.tfrecord", examples)
    extents, found = tfrecords.index([(path, 0, -1)], wanted=("label",))
    for number, record in enumerate(tf.data.TFRecordDataset(path)):
        parsed = tf.train.Example.FromString(record.numpy()).features.feature
        assert extents.read(number) == parsed["image"].bytes_list.value[0]
        assert found["label"][number] == parsed["label"].int64_list.value[0]


def test_an_empty_image_is_refused(made, tmp_path):
    path = made.write_tfrecord(tmp_path / "x.tfrecord", [made.example(image=b"", label=0)])
    with pytest.raises(UserError, match="'image' of .* is not the bytes of an image"):
        tfrecords.index([(path, 0, -1)])


def as_lists(index):
    extents, found = index
    return [list(zip(extents.file, extents.offset, extents.length, strict=True)), found]


def test_a_large_index_is_made_once(files, tmp_path, monkeypatch):
    paths, _ = files
    parts = [(paths[0], 1, 3), (paths[1], 0, -1)]
    cache = Cache(str(tmp_path / "cache"), budget=1)

    def index():
        return as_lists(tfrecords.index(parts, wanted=("label", "file_name"), cache=cache))

    first = index()
    assert not list(tmp_path.glob("cache/*"))  # eight records are no large index
    monkeypatch.setattr(tfrecords, "_KEPT_FROM", 6)
    assert index() == first
    assert len(list(tmp_path.glob("cache/index-*.npz"))) == 1
    with monkeypatch.context() as patch:
        patch.setattr(tfrecords, "_walked", None)  # would fail if it were called
        assert index() == first


def test_an_index_of_changed_files_or_other_features_is_another(files, made, tmp_path, monkeypatch):
    paths, images = files
    monkeypatch.setattr(tfrecords, "_KEPT_FROM", 1)
    cache = Cache(str(tmp_path / "cache"), budget=1)
    parts = [(paths[0], 0, -1)]
    tfrecords.index(parts, cache=cache)
    _, found = tfrecords.index(parts, wanted=("label",), cache=cache)
    assert found["label"] == [-1, 0, 1, 2, 3]
    made.write_tfrecord(tmp_path / "a.tfrecord", [made.example(image=images[7], label=7)])
    extents, found = tfrecords.index(parts, wanted=("label",), cache=cache)
    assert found["label"] == [7] and extents.read(0) == images[7]


def test_values_of_other_kinds_are_read_anew(files, tmp_path, monkeypatch):
    paths, _ = files
    monkeypatch.setattr(tfrecords, "_KEPT_FROM", 1)
    cache = Cache(str(tmp_path / "cache"), budget=1)
    for _ in range(2):
        _, found = tfrecords.index([(paths[0], 0, -1)], wanted=("weights",), cache=cache)
        assert found["weights"][3] == [0.5, 3.0]
    assert not list(tmp_path.glob("cache/*"))
