"""Small files that are never half-written, on any file system TensorFlow knows, and whose they are.

Nothing is written, replaced or deleted through a link: it may lead to what another program made.
"""

import contextlib
import os
import stat
from collections.abc import Iterator

from compare_gan_tf.errors import UserError

_PATTERNS = "[]*?\\{}"
CONFIG = "config.gin"  # in a run's folder: what it was trained with


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
    if is_remote(folder):
        return
    for name in names:
        path = os.path.join(folder, name)
        refuse_link(path)
        for parent, folders, files in os.walk(path):
            for inner in (*folders, *files):
                refuse_link(os.path.join(parent, inner))


def refuse_pipes(folder: str, names) -> None:
    """Refuses what would be waited for without end in these parts of a run's folder.

    Raises:
      UserError: names a pipe, a socket or a device.
    """
    if is_remote(folder):
        return
    for name in names:
        path = os.path.join(folder, name)
        inner = (os.path.join(parent, one) for parent, _, all_ in os.walk(path) for one in all_)
        for one in (path, *inner):
            mode = os.stat(one).st_mode if os.path.exists(one) else stat.S_IFREG
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise UserError(f"{one} is neither a file nor a folder: remove it")


def exists(path: str) -> bool:
    """Whether there is a file or folder; imports TensorFlow for remote ones alone."""
    if not is_remote(path):
        return os.path.exists(path)
    import tensorflow as tf

    return tf.io.gfile.exists(path)


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
    try:
        if is_remote(path):
            import tensorflow as tf

            if not tf.io.gfile.exists(path):
                return None
            with tf.io.gfile.GFile(path, "rb") as file:
                return file.read().decode()
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            raise UserError(f"{path} is not a file: remove it")
        with open(path, "rb") as file:
            return file.read().decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make it readable") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: it is damaged, or not what it should be") from (
            error
        )
