"""Reads and writes small files whole, on every file system that TensorFlow knows.

Nothing is written, replaced or deleted through a link: it may lead to what another program made.
"""

import contextlib
import os
from collections.abc import Iterator

from compare_gan_tf.errors import UserError, as_user_error

_PATTERNS = "[]*?\\{}"
CONFIG = "config.gin"  # in a run's folder: what it was trained with
_FOLDERS = ("checkpoints", "logs")  # of a run
# Ends of names in a run's folder that are read whole or by lines, and how many bytes they have.
_READ_WHOLE, _LONGEST = ("checkpoint", ".index", ".json", ".jsonl", ".gin"), 2**30


def is_remote(path: str) -> bool:
    """Whether TensorFlow's file systems have it, and not this machine's."""
    return "://" in path


@contextlib.contextmanager
def without_patterns(path: str) -> Iterator[str]:
    """Yields a path to the same file that TensorFlow cannot take for a pattern.

    It reads checkpoints and SavedModels by patterns: in a folder called "[1]" it would find none,
    in one called "*" those of another.
    """
    folder, name = os.path.split(path)
    if is_remote(path) or not any(character in folder for character in _PATTERNS):
        yield path
        return
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield os.path.join(f"/proc/self/fd/{descriptor}", name)
    finally:
        os.close(descriptor)


def refuse_link(path: str) -> None:
    """Refuses a path that is a link itself; folders on the way to it may be links.

    Raises:
      UserError: names it, and where it leads.
    """
    if not is_remote(path) and os.path.islink(path):
        raise UserError(
            f"{path} is a link to {os.readlink(path)}, and nothing is written or deleted through"
            " one: put the file or folder itself there"
        )


def refuse_links(folder: str, names) -> None:
    """Refuses links anywhere in these parts of a run's folder, which is its user's and may be one.

    Raises:
      UserError: see `refuse_link`.
    """
    for path in _in_parts(folder, names):
        refuse_link(path)


def refuse_unreadable(model_dir: str) -> None:
    """Refuses what would be read without end where a run has files that are read whole.

    Raises:
      UserError: names a pipe, a socket, a device, a folder in the place of a file, or a file that
        is too long to be the run's own.
    """
    here = [] if is_remote(model_dir) or not os.path.isdir(model_dir) else os.listdir(model_dir)
    names = [name for name in here if name in _FOLDERS or name.endswith(_READ_WHOLE)]
    for path in _in_parts(model_dir, names):
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise UserError(f"{path} is neither a file nor a folder: remove it")
        if not path.endswith(_READ_WHOLE):
            continue
        if os.path.isdir(path):
            raise UserError(f"{path} is a folder, but a run has a file there: remove it")
        if os.path.exists(path) and os.path.getsize(path) > _LONGEST:
            size = f"{os.path.getsize(path):,} bytes"
            raise UserError(f"{path} has {size}, which no run writes there: remove it")


def _in_parts(folder: str, names) -> Iterator[str]:
    """The paths of these parts of a local folder, and of all that is in them, outermost first."""
    for name in () if is_remote(folder) else names:
        yield os.path.join(folder, name)
        for parent, folders, files in os.walk(os.path.join(folder, name)):
            yield from (os.path.join(parent, inner) for inner in (*folders, *files))


def exists(path: str) -> bool:
    """Whether there is a file or folder; imports TensorFlow for remote ones alone."""
    if not is_remote(path):
        return os.path.exists(path)
    import tensorflow as tf

    return tf.io.gfile.exists(path)


def is_file(path: str) -> bool:
    """Whether a regular file is at a path, which may be remote.

    A pipe, a socket or a device, which is none, might be read without end.
    """
    if is_remote(path):
        import tensorflow as tf

        return exists(path) and not tf.io.gfile.isdir(path)
    return os.path.isfile(path)


def write_text(path: str, text: str):
    """Writes a file whole: whoever reads `path` sees the old contents or the new.

    Raises:
      UserError: it is a link.
      OSError, tf.errors.OpError: it cannot be written; nothing is left of it.
    """
    write_bytes(path, text.encode())


def write_bytes(path: str, content: bytes):
    """As `write_text`."""
    partial = f"{path}.partial"
    refuse_link(path)
    refuse_link(partial)
    if is_remote(path):
        import tensorflow as tf

        with tf.io.gfile.GFile(partial, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(partial, path, overwrite=True)
        return
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise


def read_text(path: str) -> str | None:
    """A file's contents, or None if there is none.

    Raises:
      UserError: it cannot be read, or is no text.
    """
    with as_user_error(f"cannot read {path} as text", OSError, UnicodeDecodeError):
        if not exists(path):
            return None
        if is_remote(path):
            import tensorflow as tf

            with tf.io.gfile.GFile(path, "rb") as file:
                return file.read().decode()
        if not os.path.isfile(path):  # a pipe would be waited for
            raise UserError(f"{path} is not a file: remove it")
        with open(path, "rb") as file:
            return file.read().decode()
