"""Small files that are never half-written, on any file system TensorFlow knows."""

import tensorflow as tf


def write_text(path: str, text: str):
    """Writes a file whole: whoever reads `path` sees the old contents or the new."""
    with tf.io.gfile.GFile(f"{path}.partial", "w") as file:
        file.write(text)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def read_text(path: str) -> str | None:
    """A file's contents, or None if there is none."""
    try:
        with tf.io.gfile.GFile(path) as file:
            return file.read()
    except tf.errors.NotFoundError:
        return None
