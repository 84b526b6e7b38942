"""Paths that TensorFlow can read from, whatever the file system lets a folder be called."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from compare_gan_tf.errors import UserError

_PATTERN = "[\\"  # TensorFlow looks a path up as a pattern, in which these do not mean themselves


@contextlib.contextmanager
def readable(folder: str) -> Iterator[str]:
    r"""Yields a path of the same folder without [ and \, in which TensorFlow finds no checkpoint.

    Args:
      folder: a path, or an address such as gs://.
    """
    if not is_pattern(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as own:
        link = os.path.join(own, "folder")
        os.symlink(os.path.abspath(folder), link)
        yield link


def is_pattern(path: str) -> bool:
    """Whether TensorFlow takes a local path for a pattern that does not match itself."""
    return "://" not in path and any(character in path for character in _PATTERN)


def require_text(path: str) -> None:
    """Refuses a path that is not UTF-8, for TensorFlow takes no other.

    Raises:
      UserError: it is not.
    """
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"the path {shown} is not UTF-8, and TensorFlow takes no other: rename the folder"
        ) from error
