"""SIGTERM and Ctrl-C end a verb within seconds, at any time: unfinished files go, one line is said.

A training in its steps writes a checkpoint first, and a study stops its runs: see `callbacks` and
`driver`, which have handlers of their own for that time.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

GRACE = 10.0  # seconds, for what tidies up


_IMPORTING: list[str] = []  # not empty in `at_once`


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Has SIGTERM raise a `KeyboardInterrupt`, as SIGINT does; its argument is the signal's number.

    A library may hold the exception up, or swallow it: after `GRACE` seconds the process ends all
    the same, which loses no more than kill -9 does. A second signal ends it at once.

    Raises:
      SystemExit: with the code, where the block does not handle the exception.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timers: list[threading.Timer] = []
    stderr = os.dup(2)  # `quiet` takes the number 2 away while it filters

    def interrupt(number, _):
        if _IMPORTING:
            _end(stderr, number)
        for one in kept:
            signal.signal(one, signal.SIG_DFL)
        timers.append(threading.Timer(GRACE, _end, [stderr, number]))
        timers[-1].daemon = True
        timers[-1].start()
        raise KeyboardInterrupt(number)

    numbers = (signal.SIGTERM, signal.SIGINT)
    numbers = [one for one in numbers if signal.getsignal(one) is not signal.SIG_IGN]  # as of nohup
    kept = {one: signal.signal(one, interrupt) for one in numbers}
    try:
        yield
    except KeyboardInterrupt as interrupted:
        _say(stderr, number_of(interrupted))
        sys.exit(128 + number_of(interrupted))
    except SystemExit as end:
        # Python would end by SIGINT, and not by this code, if the exception has passed through C
        # code that runs Python.
        if timers and isinstance(end.code, int):
            _exit(end.code)
        raise
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
        for one in timers:
            one.cancel()
        os.close(stderr)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Has a signal end the process without an exception, for imports: nothing is to be tidied up.

    Modules being imported swallow exceptions, and callbacks of the garbage collection print them.
    """
    _IMPORTING.append("modules")
    try:
        yield
    finally:
        _IMPORTING.pop()


def number_of(interrupt: KeyboardInterrupt) -> int:
    """Of the signal that raised it."""
    return interrupt.args[0] if interrupt.args else signal.SIGINT


def _say(stderr: int, number: int) -> None:
    os.write(stderr, f"compare-gan: interrupted by {signal.Signals(number).name}\n".encode())


def _end(stderr: int, number: int) -> None:
    _say(stderr, number)
    os._exit(128 + number)


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
