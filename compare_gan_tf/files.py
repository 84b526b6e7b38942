"""Small files that are never half-written, on any file system TensorFlow knows."""

import tensorflow as tf

CONFIG = "config.gin"  # in a run's folder: what it was trained with


def write_text(path: str, text: str):
    """Writes a file whole: whoever reads `path` sees the old contents or the new."""
    write_bytes(path, text.encode())


def write_bytes(path: str, content: bytes):
    """As `write_text`."""
    with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
        file.write(content)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def read_text(path: str) -> str | None:
    """A file's contents, or None if there is none."""
    try:
        with tf.io.gfile.GFile(path) as file:
            return file.read()
    except tf.errors.NotFoundError:
        return None
