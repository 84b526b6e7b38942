"""Small files of the forms that data come in."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image


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
