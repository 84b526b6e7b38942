"""Commands in processes of their own, and kill -9 for all of them: at a time, or at a write.

A command is forked from a process that has imported TensorFlow, and leads a process group, with all
that it starts. Its writes are counted by inotify(7), so that a kill hits in the midst of them.
"""

import contextlib
import ctypes
import multiprocessing
import os
import pathlib
import re
import select
import signal
import struct
import sys
import time

PATIENCE = 600  # seconds
_EVENTS = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200  # modified, written, moved (2), made, deleted
_MADE, _IS_FOLDER = 0x100, 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Changes:
    """Counts what changes in a folder and all below it.

    Args:
      folder: which exists.
    """

    def __init__(self, folder):
        self.number = 0
        self._folders: dict[int, str] = {}
        self._descriptor = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watch(str(folder))

    def _watch(self, folder: str):
        watch = _LIBC.inotify_add_watch(self._descriptor, os.fsencode(folder), _EVENTS)
        if watch < 0:
            return  # it is gone again
        self._folders[watch] = folder
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_dir(follow_symlinks=False):
                    self._watch(entry.path)

    def wait(self, seconds: float):
        """Waits for changes, at most so long, and counts them."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return
        content, place = os.read(self._descriptor, 2**16), 0
        while place < len(content):
            watch, mask, _, length = struct.unpack_from("iIII", content, place)
            name = content[place + 16 : place + 16 + length].rstrip(b"\0")
            place += 16 + length
            self.number += 1
            if mask & _MADE and mask & _IS_FOLDER and watch in self._folders:
                self._watch(os.path.join(self._folders[watch], os.fsdecode(name)))

    def close(self):
        """Ends the watch."""
        os.close(self._descriptor)


class Commands:
    """Starts commands of `compare-gan`, watched.

    Args:
      log: the file for what they say.
    """

    def __init__(self, log: pathlib.Path):
        self.log = log
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["preloaded"])
        before = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = f"{pathlib.Path(__file__).parent}{os.pathsep}{before}"
        first = self._forks.Process(target=os.getpid)  # it waits for the imports, once
        first.start()
        first.join()
        os.environ["PYTHONPATH"] = before

    def run(
        self, arguments, folder, *, at_second=None, at_change=None, number=signal.SIGKILL
    ) -> tuple:
        """Runs a command until it ends, or a signal ends it with all that it has started.

        Args:
          arguments: the verb and its flags.
          folder: whose changes are counted.
          at_second, at_change: when the signal is sent; None for never.
          number: of the signal. SIGTERM goes to the command alone, others to its whole group.

        Returns:
          (exit code, seconds, changes, seconds from the signal to the end, or None); the code is
          negative for a signal.
        """
        changes, began, sent = Changes(folder), time.monotonic(), None
        process = self._forks.Process(target=_verb, args=(list(arguments), str(self.log)))
        process.start()
        while process.is_alive():
            changes.wait(0.02)
            seconds = time.monotonic() - began
            late = at_second is not None and seconds >= at_second
            late = late and (number == signal.SIGKILL or catches(process.pid, signal.SIGTERM))
            if sent is None and (late or (at_change is not None and changes.number >= at_change)):
                sent = time.monotonic()
                end(process.pid, number)
            assert seconds < PATIENCE, f"{arguments} took more than {PATIENCE} s"
        process.join()
        changes.close()
        ended = time.monotonic()
        return process.exitcode, ended - began, changes.number, sent and ended - sent


def end(group: int, number=signal.SIGKILL):
    """Sends a signal to a process, unless it is SIGTERM with all of its group."""
    with contextlib.suppress(ProcessLookupError):
        try:
            (os.kill if number == signal.SIGTERM else os.killpg)(group, number)
        except ProcessLookupError:  # it leads no group yet
            os.kill(group, number)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler of a signal; see proc(5)."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


def _verb(arguments: list[str], log: str):
    """Runs a verb in this process, which was just forked."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    from compare_gan_tf.bin import main

    sys.argv = ["compare-gan", *arguments]
    main.main(sys.argv)
