"""Writes folders and files that appear whole or not at all, and replaces no other program's.

They are written in a hidden folder beside their final path. The hidden folder has a random name, a
marker and, while its writer lives, a lock; a rename moves its content to the final path. The next
writer removes hidden folders that have a marker and no lock: a killed process left them.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import files

PREFIX = ".compare_gan-"
MARKER = ".compare_gan-partial"
_OLDER = ".older"  # what is being replaced is called so, between two renames

Foreign = Callable[[str], str | None]


@contextlib.contextmanager
def staged_folder(final: str, foreign: Foreign) -> Iterator[str]:
    """Yields a folder that becomes `final` if the block ends well, and vanishes if it does not.

    Args:
      final: path of the folder; what lies there is replaced.
      foreign: function of a folder to the first path in it that may not be replaced, or None.

    Raises:
      UserError: `final` is a link or a file, or `foreign` finds something in it.
    """
    if files.is_remote(final):
        with _staged_remotely(final.rstrip("/"), foreign) as folder:
            yield folder
        return
    final = os.path.abspath(final)
    require_replaceable(final, foreign)
    with _partial(final, foreign) as folder:
        yield folder
        with _locked(os.path.dirname(folder)):
            require_replaceable(final, foreign)  # it may have come since
            _replace(folder, final)
            os.remove(os.path.join(final, MARKER))


@contextlib.contextmanager
def staged_file(final: str, *, overwrite: bool = False) -> Iterator[str]:
    """Yields the path of a file that becomes the local `final` if the block ends well.

    Args:
      final: path of the file.
      overwrite: whether a file there is replaced.

    Raises:
      UserError: there is a file and `overwrite` is not given, a link, or a folder.
    """
    final = os.path.abspath(final)
    require_free(final, overwrite=overwrite)
    with _partial(final, lambda folder: folder) as folder:
        path = os.path.join(folder, "file")
        yield path
        require_free(final, overwrite=overwrite)
        if not overwrite:
            with contextlib.suppress(OSError):  # some file systems have no second names
                os.link(path, final)  # unlike a rename it replaces nothing
                return
            require_free(final)
        os.replace(path, final)


def require_replaceable(final: str, foreign: Foreign) -> None:
    """Refuses to write a folder where something is that may not be replaced; see `staged_folder`.

    Raises:
      UserError: names it.
    """
    cure = "move it away, or choose another folder"
    if os.path.islink(final):
        raise UserError(f"{final} is a link, and what it leads to is not replaced: {cure}")
    if files.is_remote(final):
        if not files.exists(final):
            return
    else:
        try:  # one look: another writer may replace it between two
            mode = os.stat(final).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            raise UserError(f"{final} is no folder: {cure}")
    found = foreign(final)
    if found is not None:
        raise UserError(f"{os.path.join(final, found)} is in the way and not ours: {cure}")


# What may lie where a file is to be written, and what to do about it; the first that fits is said.
_IN_THE_WAY = (
    (os.path.islink, "is a link, which is not followed: choose another path"),
    (lambda path: os.path.isdir(path) or path.endswith("/"), "is a folder: name a file in it"),
    (os.path.isfile, "exists: choose another path, or give --overwrite"),
    (os.path.lexists, "is no ordinary file: choose another path"),
)


def require_free(final: str, *, overwrite: bool = False) -> None:
    """Refuses to write a file where something else is; see `staged_file`.

    Raises:
      UserError: names it.
    """
    is_replaced = overwrite and os.path.isfile(final) and not os.path.islink(final)
    for is_so, what in () if is_replaced else _IN_THE_WAY:
        if is_so(final):
            raise UserError(f"{final} {what}")


def contents(folder: str) -> Iterator[tuple[str, bool]]:
    """(path relative to the folder, whether it is a link) of everything in it, by name."""
    walk = tf.io.gfile.walk if files.is_remote(folder) else os.walk
    for root, folders, names in walk(folder):
        folders.sort()
        for name in sorted([*folders, *names]):
            path = os.path.join(root, name.rstrip("/"))
            yield path[len(folder.rstrip("/")) + 1 :], os.path.islink(path)


# --- The hidden folder ------------------------------------------------------------------------


@contextlib.contextmanager
def _partial(final: str, foreign: Foreign) -> Iterator[str]:
    """Yields a new folder beside `final`, locked; removes it, unless it was renamed."""
    parent = os.path.dirname(final)
    os.makedirs(parent, exist_ok=True)
    folder = os.path.join(parent, PREFIX + secrets.token_hex(8))
    with contextlib.ExitStack() as stack:
        with _locked(parent) as is_locked:
            if is_locked:
                _remove_leftovers(parent, foreign)
            os.mkdir(folder)
            stack.callback(_remove, folder)
            stack.enter_context(_locked(folder))
            _mark(folder)
        yield folder


def _remove_leftovers(parent: str, foreign: Foreign) -> None:
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if not name.startswith(PREFIX) or os.path.islink(path) or not os.path.isdir(path):
            continue
        with contextlib.suppress(OSError):  # one that was killed before it had a marker
            os.rmdir(path)
            continue
        if os.path.isfile(os.path.join(path, MARKER)):
            with contextlib.suppress(BlockingIOError), _locked(path, wait=False) as is_locked:
                if is_locked:
                    _remove(path)
        elif name.endswith(_OLDER) and foreign(path) is None:
            _end_replacing(path)


def _end_replacing(older: str) -> None:
    """Removes what was replaced, or puts it back if its process was killed before the new came."""
    parent, name = os.path.split(older)
    final = os.path.join(parent, name.removesuffix(_OLDER).removeprefix(PREFIX).partition(".")[2])
    if os.path.lexists(final):
        with contextlib.suppress(OSError):  # a full disk
            _mark(older)
        _remove(older)
    else:
        os.rename(older, final)


def _replace(folder: str, final: str) -> None:
    """Puts `folder` in the place of `final`; without it only between two renames."""
    if not os.path.exists(final):
        os.rename(folder, final)
        return
    older = f"{folder}.{os.path.basename(final)}{_OLDER}"
    os.rename(final, older)
    try:
        os.rename(folder, final)
    except BaseException:
        os.rename(older, final)
        raise
    _end_replacing(older)


def _mark(folder: str) -> None:
    """Writes the marker, which says that the folder may be removed."""
    with open(os.path.join(folder, MARKER), "w") as file:
        file.write("Unfinished work of compare-gan; it may be removed.\n")


def _remove(folder: str) -> None:
    """Removes a folder if it is there, its marker last: a kill in between leaves it marked."""
    with contextlib.suppress(OSError):
        for entry in [one for one in os.scandir(folder) if one.name != MARKER]:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.remove(entry.path)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: str, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock of a folder; yields whether its file system has locks.

    Raises:
      BlockingIOError: with `wait=False`, another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _lock(descriptor, wait)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _staged_remotely(final: str, foreign: Foreign) -> Iterator[str]:
    """As `staged_folder`, where there are neither links nor locks nor renames of folders."""
    require_replaceable(final, foreign)
    folder = f"{final}.partial-{secrets.token_hex(8)}"
    tf.io.gfile.makedirs(folder)
    try:
        yield folder
        require_replaceable(final, foreign)
        if tf.io.gfile.exists(final):
            tf.io.gfile.rmtree(final)
        tf.io.gfile.rename(folder, final)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.rmtree(folder)
        raise
