"""Locks that allow one writer for each part of a run's folder, and end with its process."""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator

from compare_gan_tf.errors import UserError, unwritable, without_secrets
from compare_gan_tf.storage import files, leases, mounts

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
# Of file systems that have no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Held(UserError):
    """Another process, or another call in this one, has the lock."""


@contextlib.contextmanager
def sole_writer(model_dir: str, part: str) -> Iterator[Callable[[], None]]:
    """Keeps other processes, and other calls in this one, from writing a part of a run's folder.

    The lock is the kernel's (flock), so that no crash leaves one behind; the file that carries it
    says who holds it. Where other machines may use the folder too, or the file system has no locks,
    there is a lease beside it. Remote folders have neither.

    Args:
      model_dir: the run's folder, which exists.
      part: such as "training" or "report".

    Yields:
      A function that raises `Held` if another process has taken a lease over, as this one was
      stopped for long. It is called before something is written.

    Raises:
      Held: another holds it; says who.
      UserError: there is no such folder, or its disk is full.
    """
    if files.is_remote(model_dir):
        yield _nothing
        return
    path = os.path.join(model_dir, f".{part}.lock")
    descriptor, is_locked = _locked(path, model_dir, part)
    if descriptor is None:
        yield _nothing
        return
    try:
        _write(descriptor)
        if is_locked and not mounts.shared(model_dir):
            yield _nothing
            return
        with _lease(model_dir, part) as require:
            yield require
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # while it is held: see `_is_at`
        os.close(descriptor)


def _nothing() -> None:
    """The check of a lock that nobody can take over."""


@contextlib.contextmanager
def _lease(model_dir: str, part: str) -> Iterator[Callable[[], None]]:
    """As `sole_writer`, by a lease."""

    def refused(content: bytes) -> Held:
        return _held(model_dir, part, content)

    with contextlib.ExitStack() as stack:
        path = os.path.join(model_dir, f".{part}.lease")
        try:
            lease = stack.enter_context(leases.held(path, _holder()))
        except leases.Lost as lost:
            raise refused(lost.content) from None
        except OSError as error:
            what = f"cannot write to model_dir {model_dir}"
            raise UserError(unwritable(what, error)) from error

        def require() -> None:
            try:
                lease.require()
            except leases.Lost as lost:
                raise refused(lost.content) from None

        yield require


def _locked(path: str, model_dir: str, part: str) -> tuple[int | None, bool]:
    """A descriptor of the lock's file, and whether it is locked.

    The descriptor is None in a folder that cannot be written to.
    """
    while True:
        files.refuse_link(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            if error.errno in _READ_ONLY:
                return None, False
            what = f"cannot write to model_dir {model_dir}"
            raise UserError(unwritable(what, error)) from error
        is_locked = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            content = os.pread(descriptor, 2**16, 0)
            os.close(descriptor)
            raise _held(model_dir, part, content) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
            is_locked = False
        if _is_at(path, descriptor):
            return descriptor, is_locked
        os.close(descriptor)  # its holder removed it between the two calls


def _held(model_dir: str, part: str, content: bytes) -> Held:
    """The error that another holds a lock, with what its file says of the holder."""
    return Held(
        f"another {part} is writing to {model_dir}{_described(content)}: wait until it ends, stop"
        " it, or use another folder"
    )


def _is_at(path: str, descriptor: int) -> bool:
    """Whether an open file is the one at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder() -> dict:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": now}
    return holder | {"command": [without_secrets(one) for one in sys.argv]}


def _write(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # it is a help for others, no more
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_holder()).encode(), 0)


def _described(content: bytes) -> str:
    """Who holds a lock, in words; nothing where it has not said so."""
    try:
        holder = json.loads(content)
        return f" (process {holder['process']} on {holder['host']}, since {holder['since']})"
    except (ValueError, TypeError, KeyError):
        return ""
