"""Leases: who writes to a folder that several machines share, as the kernel's locks may not reach.

The holder of a lease changes its file every `BEAT` seconds. Another process that finds the file
watches it by its own clock: if the file changes, it is held; if it does not within `PATIENCE`, its
holder is dead, and the lease is taken over. No time of one machine is compared with that of
another, nor with the time of day: clocks may jump. A holder that was stopped for longer, and has
lost the lease meanwhile, is told so by `Lease.require` before it writes.
"""

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator

from absl import logging

from compare_gan_tf.storage import files

BEAT = 5.0  # seconds
PATIENCE = 30.0  # seconds without a beat after which a holder is dead
SETTLED = 2.0  # seconds, after which of two that take over at once one has won


class Lost(Exception):
    """Another process has the lease.

    Args:
      content: of the file, which says who.
    """

    def __init__(self, content: bytes):
        super().__init__(content)
        self.content = content


class Lease:
    """A lease that this process holds, until `close`.

    Args:
      path: of its file.
      holder: what it says of this process.
    """

    def __init__(self, path: str, holder: dict):
        self._path = path
        self._holder = {**holder, **_process(), "token": secrets.token_hex(16)}
        self._beats = 0
        self._beaten = _now()
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        self._take()
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="lease")
        self._thread.start()

    def _take(self) -> None:
        """Makes the file, or waits until its holder is seen to be dead.

        Raises:
          Lost: its holder lives.
        """
        while not self._made():
            found = _read(self._path)
            if found and not _has_died(found):
                logging.warning("%s: waiting %g s for a sign of life of its holder", self._path,
                                PATIENCE)  # fmt: skip
                _watch(self._path, found)
            if _read(self._path) != found:
                continue  # it was given back, or another has taken it over
            self._write()
            time.sleep(SETTLED)
            if self._is_mine():
                return

    def _made(self) -> bool:
        """Whether there was no file, and now there is that of this process."""
        files.refuse_link(self._path)
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
        self._write()
        return True

    def _write(self) -> None:
        """Writes one more beat, in the file itself: to the others any change is a beat."""
        self._beats += 1
        content = json.dumps({**self._holder, "beat": self._beats}).encode()
        with open(self._path, "r+b") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._beaten = _now()

    def _is_mine(self) -> bool:
        found = _read(self._path)
        return not found or _parsed(found).get("token") == self._holder["token"]

    def _go_on(self) -> None:
        while not self._ended.wait(BEAT):
            with contextlib.suppress(OSError, Lost):  # the network may come back, before it is late
                self._beat()

    def _beat(self) -> None:
        with self._one_at_a_time:
            if self._ended.is_set() or self._made():
                return
            if not self._is_mine():
                raise Lost(_read(self._path))
            self._write()

    def require(self) -> None:
        """Checks that this process still has the lease.

        Raises:
          Lost: another process has taken it over.
          OSError: the file cannot be read or written.
        """
        if _now() - self._beaten > 2 * BEAT:
            self._beat()

    def close(self) -> None:
        """Gives the lease back."""
        self._ended.set()
        with self._one_at_a_time, contextlib.suppress(OSError):
            if self._is_mine():
                os.unlink(self._path)


def _watch(path: str, found: bytes) -> None:
    """Watches a file for `PATIENCE` seconds.

    Raises:
      Lost: it has changed; says who has it.
    """
    end = _now() + PATIENCE
    while (left := end - _now()) > 0:
        time.sleep(min(left, BEAT / 5))
        now = _read(path)
        if now and now != found:
            raise Lost(now)
        if not now:
            return


def _read(path: str) -> bytes:
    """The contents; nothing where there is no file."""
    try:
        with open(path, "rb") as file:  # anew each time: so NFS shows what others have written
            return file.read(2**16)
    except FileNotFoundError:
        return b""


def _parsed(content: bytes) -> dict:
    try:
        found = json.loads(content)
    except ValueError:  # it is being written
        return {}
    return found if isinstance(found, dict) else {}


def _process() -> dict:
    """What identifies this process among all machines."""
    return {"process": os.getpid(), "machine": _machine()}


def _machine() -> str | None:
    """This boot of this machine, and the processes' names in it; None where it is not known."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    return None


def _has_died(content: bytes) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    holder = _parsed(content)
    if _machine() is None or holder.get("machine") != _machine():
        return False
    process = holder.get("process")
    return isinstance(process, int) and not os.path.exists(f"/proc/{process}")


def _now() -> float:
    """Seconds since the machine was started, those it slept included: no one sets this clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@contextlib.contextmanager
def held(path: str, holder: dict) -> Iterator[Lease]:
    """Holds a lease for the time of a block; see `Lease`.

    Raises:
      Lost: another process has it.
    """
    lease = Lease(path, holder)
    try:
        yield lease
    finally:
        lease.close()
