import concurrent.futures
import dataclasses
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.data import Split, resizing
from compare_gan_tf.data import lazy_images as references_module
from compare_gan_tf.data.decode import Decoder
from compare_gan_tf.data.flips_and_crops import Augmentation
from compare_gan_tf.data.layout import encoded as encoded_names
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.pipeline import batches
from compare_gan_tf.data.records import Files
from compare_gan_tf.errors import UserError

DECODER = Decoder((8, 8), 3, resizing.whole)
NUMBER = 23


@pytest.fixture(scope="module")
def pixels(made):
    return np.stack([made.picture(number) for number in range(NUMBER)])


@pytest.fixture(scope="module")
def records(made, pixels, tmp_path_factory):
    root = tmp_path_factory.mktemp("records")
    names = [f"{number:02}.png" for number in range(NUMBER)]
    for name, image in zip(names, pixels, strict=True):
        made.write(root / name, made.encoded(image))
    return Files(str(root), encoded_names(names))


@pytest.fixture
def references(records):
    return LazyImages(records, DECODER)


LABELS = np.arange(NUMBER, dtype=np.int32)


def read(split, **settings):
    settings = dict(key=7, batch_size=4, slices=2, start=0, stop=12) | settings
    return [[np.array(x) for x in element] for element in batches(split, **settings)]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_they_are_indexed_like_an_array(references, pixels):
    assert references.shape == pixels.shape and references.dtype == pixels.dtype
    assert references.nbytes == pixels.nbytes and len(references) == NUMBER
    np.testing.assert_array_equal(references[3], pixels[3])
    np.testing.assert_array_equal(references[-1], pixels[-1])
    np.testing.assert_array_equal(references[5:50], pixels[5:])
    np.testing.assert_array_equal(references[:0], pixels[:0])
    np.testing.assert_array_equal(references[np.array([4, 4, 1])], pixels[[4, 4, 1]])
    np.testing.assert_array_equal(references[LABELS > 20], pixels[21:])
    np.testing.assert_array_equal(np.asarray(references), pixels)
    with pytest.raises(IndexError):
        references[NUMBER]


def test_a_subset_keeps_names_with_images(references, pixels):
    some = references.subset(np.array([9, 2])).subset(np.array([1]))
    np.testing.assert_array_equal(some[:], pixels[[2]])
    assert some.name(0) == "02.png"


@pytest.mark.parametrize("flip", [False, True])
def test_batches_are_those_of_the_array(references, pixels, flip):
    augmentation = Augmentation(flip=flip)
    array = read(Split(pixels, LABELS, augmentation))
    assert_same(read(Split(references, LABELS, augmentation)), array)
    assert_same(read(Split(references.with_keep(True), LABELS, augmentation)), array)


def test_batches_with_crops_do_not_depend_on_what_is_kept(references):
    augmentation = Augmentation(flip=True, min_area=0.4)
    decoder = dataclasses.replace(DECODER, min_area=0.4)
    lazy = LazyImages(references.records, decoder)
    assert_same(
        read(Split(lazy, LABELS, augmentation)),
        read(Split(lazy.with_keep(True), LABELS, augmentation)),
    )


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_number_of_threads_that_decode_changes_nothing(references, monkeypatch, threads):
    decoder = dataclasses.replace(DECODER, min_area=0.4)
    split = Split(LazyImages(references.records, decoder), LABELS, Augmentation(True, 0.4))
    usual = read(split, batch_size=16)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        monkeypatch.setattr(references_module, "pool", lambda: pool)
        assert_same(read(split, batch_size=16), usual)


@pytest.mark.parametrize("area", [1.0, 0.4])
def test_a_later_start_and_other_replicas_see_the_same(references, pixels, area):
    augmentation = Augmentation(flip=True, min_area=area)
    for images in (references, pixels):
        split = Split(images, LABELS, augmentation)
        whole = read(split)
        assert_same(read(split, start=5), whole[5:])
        parts = read(split, replicas=2, local_replicas=2)
        joined = [
            [np.concatenate([a, b]) for a, b in zip(parts[i], parts[i + 1], strict=True)]
            for i in range(0, len(parts), 2)
        ]
        assert_same(joined, whole)


def test_an_epoch_flips_another_half_of_the_images(pixels):
    split = Split(pixels, LABELS, Augmentation(flip=True))
    flips = {}
    for images, labels in read(split, batch_size=NUMBER, slices=1, stop=40):
        for image, label in zip(images[:, 0], labels[:, 0], strict=True):
            mirrored = not np.array_equal(image, pixels[label])
            np.testing.assert_array_equal(image[:, :: -1 if mirrored else 1], pixels[label])
            flips.setdefault(int(label), []).append(mirrored)
    counts = np.array([sum(flips[label]) for label in range(NUMBER)])
    assert 4 < counts.min() and counts.max() < 36  # of 40, a binomial of deviation 3.2


def test_soft_labels_stay_probabilities(pixels):
    soft = np.random.default_rng(0).dirichlet(np.ones(5), NUMBER).astype(np.float32)
    images, labels = read(Split(pixels, soft), stop=1)[0]
    assert labels.shape == (4, 2, 5) and labels.dtype == np.float32
    row = np.flatnonzero((pixels == images[0, 0]).all(axis=(1, 2, 3)))[0]
    np.testing.assert_array_equal(labels[0, 0], soft[row])


def test_shapes_are_static(references):
    spec = batches(Split(references), key=1, batch_size=8, slices=2, start=0, stop=1).element_spec
    assert tuple(spec.shape) == (8, 2, 8, 8, 3)


def test_large_arrays_are_not_copied_into_the_graph(pixels, monkeypatch):
    from compare_gan_tf.data import pipeline

    small = read(Split(pixels, LABELS))
    monkeypatch.setattr(pipeline, "_IN_GRAPH", 0)
    assert_same(read(Split(pixels, LABELS)), small)


def test_decoding_is_parallel_under_deterministic_ops(references, monkeypatch):
    """Op determinism makes tf.data order what has state; the threads that decode are ours."""
    import threading

    threads = set()
    fill = references_module._fill

    def counted(*arguments):
        threads.add(threading.current_thread().name)
        return fill(*arguments)

    monkeypatch.setattr(references_module, "_fill", counted)
    tf.config.experimental.enable_op_determinism()
    read(Split(references), batch_size=16)
    assert threads
    assert all(name.startswith("decode") for name in threads)


def test_a_view_is_applied_to_what_is_decoded(references, pixels):
    inverted = references.with_view(lambda images: 255 - images)
    np.testing.assert_array_equal(inverted[:4], 255 - pixels[:4])
    halved = inverted.with_view(lambda images: images // 2)
    np.testing.assert_array_equal(halved[:4], (255 - pixels[:4]) // 2)
    np.testing.assert_array_equal(halved.with_keep(True).in_memory(), (255 - pixels) // 2)


def test_a_file_that_breaks_later_is_named(records, made, tmp_path):
    for name in ("00.png", "01.png"):
        made.write(tmp_path / name, made.encoded(made.picture(0)))
    (tmp_path / "01.png").write_bytes(b"")
    references = LazyImages(Files(str(tmp_path), encoded_names(["00.png", "01.png"])), DECODER)
    with pytest.raises(UserError, match="01.png: the file is empty; repair or remove it"):
        references[:]
    with pytest.raises(tf.errors.OpError):
        read(Split(references), batch_size=2)
    assert "01.png" in str(references.failure)


def test_a_million_references_take_a_few_bytes_each():
    tracemalloc.start()
    names = np.zeros(1_000_000, "S24")
    references = LazyImages(Files("/photos", names), DECODER)
    Split(references).subset(np.arange(900_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
