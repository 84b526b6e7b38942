"""Locks that allow one writer for each part of a run's folder, and end with its process."""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator

from absl import logging

from compare_gan_tf.errors import UserError, unwritable, without_secrets
from compare_gan_tf.storage import files

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
# File systems that have no locks: a run in them is as safe as its user is careful.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Held(UserError):
    """Another process, or another call in this one, has the lock."""


@contextlib.contextmanager
def sole_writer(model_dir: str, part: str) -> Iterator[None]:
    """Keeps other processes, and other calls in this one, from writing a part of a run's folder.

    The lock is the kernel's (flock), so that no crash leaves one behind; the file that carries it
    says who holds it. Remote folders have none.

    Args:
      model_dir: the run's folder, which exists.
      part: such as "training" or "report".

    Raises:
      Held: another holds it; says who.
      UserError: there is no such folder, or its disk is full.
    """
    if files.is_remote(model_dir):
        yield
        return
    path = os.path.join(model_dir, f".{part}.lock")
    descriptor = _locked(path, model_dir, part)
    if descriptor is None:
        yield
        return
    try:
        _write(descriptor)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # while it is held: see `_is_at`
        os.close(descriptor)


def _locked(path: str, model_dir: str, part: str) -> int | None:
    """A descriptor of the lock's file, locked; None in a folder that cannot be written to."""
    while True:
        files.refuse_link(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            if error.errno in _READ_ONLY:
                return None
            what = f"cannot write to model_dir {model_dir}"
            raise UserError(unwritable(what, error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise Held(
                f"another {part} is writing to {model_dir}{holder}: wait until it ends, stop it, or"
                " use another folder"
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
            logging.warning("%s cannot be locked (%s)", model_dir, error.strerror)
        if _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed it between the two calls


def _is_at(path: str, descriptor: int) -> bool:
    """Whether an open file is the one at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write(descriptor: int) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": now}
    holder["command"] = [without_secrets(one) for one in sys.argv]
    with contextlib.suppress(OSError):  # it is a help for others, no more
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    """Who holds a lock, in words; nothing where it has not said so."""
    try:
        holder = json.loads(os.pread(descriptor, 2**16, 0))
        return f" (process {holder['process']} on {holder['host']}, since {holder['since']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
