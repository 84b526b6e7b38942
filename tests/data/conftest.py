"""Small files of the forms that data come in."""

import collections
import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from decoded import NUMBER
from label_files import NAMES
from PIL import Image

from compare_gan_tf.data import lazy_images
from compare_gan_tf.data.layout import encoded as encoded_names
from compare_gan_tf.data.records import Files


def picture(seed: int, height: int = 8, width: int = 8, channels: int = 3) -> np.ndarray:
    """Random uint8 pixels [height, width(, 3)]."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind, **options)
    return buffer.getvalue()


def write(path, content: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def example(**features) -> bytes:
    """A serialised tf.train.Example; bytes, ints and lists of floats."""
    made = tf.train.Example()
    for name, value in features.items():
        feature = made.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.extend(value)
    return made.SerializeToString()


def write_tfrecord(path, examples) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in examples:
            writer.write(each)
    return str(path)


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """The user's folder of caches is a new one for each test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "compare_gan_tf"


class Made:
    """The functions above, for tests."""

    picture = staticmethod(picture)
    encoded = staticmethod(encoded)
    write = staticmethod(write)
    example = staticmethod(example)
    write_tfrecord = staticmethod(write_tfrecord)
    pack = staticmethod(struct.pack)


@pytest.fixture(scope="session")
def made():
    return Made


@pytest.fixture
def folder(tmp_path):
    """Twenty PNGs of 8 x 8 in the classes ant and bee; the pixels of number i are picture(i)."""
    root = tmp_path / "photos"
    for number in range(20):
        name = f"{'ant' if number % 2 else 'bee'}/{number:02}.png"
        write(root / name, encoded(picture(number)))
    return root


@pytest.fixture
def put(made, tmp_path):
    """A function (files, names of images) -> folder with both."""

    def write(files, images=NAMES):
        root = tmp_path / "photos"
        for number, name in enumerate(images):
            made.write(root / name, made.encoded(made.picture(number)))
        for name, text in files.items():
            made.write(root / name, text if isinstance(text, bytes) else text.encode())
        return root

    return write


@pytest.fixture
def records(made, tmp_path):
    names = [f"{number:02}.png" for number in range(NUMBER)]
    for number, name in enumerate(names):
        made.write(tmp_path / "photos" / name, made.encoded(made.picture(number)))
    return Files(str(tmp_path / "photos"), encoded_names(names))


@pytest.fixture
def counted(monkeypatch):
    """Counts the images that are decoded."""
    counts = collections.Counter()
    decode_all = lazy_images.decoded

    def decoded(records, decoder, chosen, draws=None):
        counts["images"] += len(chosen)
        return decode_all(records, decoder, chosen, draws)

    monkeypatch.setattr(lazy_images, "decoded", decoded)
    return counts
