"""SIGTERM and Ctrl-C end a verb, whatever a library makes of the exception."""

import signal
import subprocess
import sys
import time

import pytest

from compare_gan_tf.bin import interrupts

BOTH = [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("number", BOTH)
def test_both_are_exceptions_and_the_handlers_come_back(number):
    before = [signal.getsignal(one) for one in BOTH]
    with pytest.raises(KeyboardInterrupt) as raised, interrupts.as_exceptions():
        signal.raise_signal(number)
    assert interrupts.number_of(raised.value) == number
    assert [signal.getsignal(one) for one in BOTH] == before
    assert interrupts.number_of(KeyboardInterrupt()) == signal.SIGINT


def test_an_ignored_signal_stays_ignored():
    """As that of Ctrl-C in a script that `nohup` has started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.as_exceptions():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


SWALLOWS = """
import sys, time
from compare_gan_tf.bin import interrupts
interrupts.GRACE = float(sys.argv[1])
with interrupts.as_exceptions():
    said = "ready"
    while True:
        try:
            print(said, flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            said = "swallowed"
"""


def start(grace):
    process = subprocess.Popen(
        [sys.executable, "-c", SWALLOWS, str(grace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_exception_that_is_swallowed_ends_the_process_all_the_same(number, code):
    process = start(grace=0.5)
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == code and out == "swallowed\n"
    assert errors == f"interrupted by {number.name}\n"


def test_a_second_signal_ends_it_at_once():
    process, began = start(grace=60), time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "swallowed\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM and time.monotonic() - began < 30
    process.stdout.close()
    process.stderr.close()
