"""Loads SavedModels, after a look at what their folders hold."""

import os

import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.storage import files, programs

FILE = "saved_model.pb"
_MOST_BYTES = 2**31  # of a graph, which is all that a protocol buffer may have
_LONGEST_REASON = 200  # characters of a library's error message


def load(folder: str | os.PathLike, *, trusted: bool = False):
    """The module in the folder of a SavedModel.

    Args:
      folder: local or remote.
      trusted: whether the caller trusts its origin, see `programs.require`.

    Raises:
      UserError: it is not trusted, is damaged, or holds what is no file.
    """
    folder = os.fspath(folder)
    if not files.is_remote(folder):
        _check(folder)
    programs.require(folder, "a SavedModel", trusted)
    try:
        _check_fingerprint(folder)
        with files.without_patterns(os.path.join(folder, FILE)) as path:
            return tf.saved_model.load(os.path.dirname(path))
    except Exception as error:  # TensorFlow raises whatever the bytes lead it into
        reason = first_line(error)[:_LONGEST_REASON]
        raise UserError(
            f"{folder} cannot be read as a SavedModel: {reason}; export or copy it anew"
        ) from error


def _check(folder: str) -> None:
    """Refuses what TensorFlow would wait for or read without end."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            if not (os.path.isfile(path) or os.path.isdir(path)):
                raise UserError(f"{path} is no file: {folder} is no whole SavedModel, copy it anew")
    graph = os.path.join(folder, FILE)
    if not os.path.isfile(graph):
        raise UserError(f"there is no {graph}: {folder} is no SavedModel")
    if (size := os.path.getsize(graph)) >= _MOST_BYTES:
        raise UserError(
            f"{graph} has {size:,} bytes, more than a SavedModel can have: copy it anew"
        )


def _check_fingerprint(folder: str) -> None:
    """Refuses a damaged fingerprint, of which TensorFlow would only print a traceback."""
    try:
        tf.saved_model.experimental.read_fingerprint(folder)
    except FileNotFoundError:  # of an older version
        return
