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
    with interrupts.as_exceptions():
        with pytest.raises(KeyboardInterrupt) as raised:
            signal.raise_signal(number)
    assert interrupts.number_of(raised.value) == number
    assert [signal.getsignal(one) for one in BOTH] == before
    assert interrupts.number_of(KeyboardInterrupt()) == signal.SIGINT


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_is_not_handled_is_one_line_and_a_code(number, code, capfd):
    with pytest.raises(SystemExit) as end, interrupts.as_exceptions():
        signal.raise_signal(number)
    assert end.value.code == code
    assert capfd.readouterr().err == f"compare-gan: interrupted by {number.name}\n"


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


def start(grace, program=SWALLOWS):
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(grace)],
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
    assert errors == f"compare-gan: interrupted by {number.name}\n"


IMPORTS = """
import sys, time
from compare_gan_tf.bin import interrupts, quiet
with interrupts.as_exceptions(), quiet.filtered_stderr(), interrupts.at_once():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("not at once", flush=True)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_import_is_ended_at_once(number, code):
    process = start(60, IMPORTS)
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert errors == f"compare-gan: interrupted by {number.name}\n"


OF_C = """
import ctypes, sys
from compare_gan_tf.bin import interrupts
with interrupts.as_exceptions():
    try:
        run = ctypes.pythonapi.PyRun_String
        run.restype = ctypes.py_object
        run.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.py_object, ctypes.py_object]
        run(b"import os; os.kill(os.getpid(), 15)", 257, globals(), globals())
    except KeyboardInterrupt:
        pass
    print("tidied up")
    sys.exit(143)
"""


def test_the_code_is_right_also_where_c_code_has_passed_the_exception_on(tmp_path):
    """Such as pybind11's, in TensorFlow's import: `python -m` then wants to end by SIGINT."""
    (tmp_path / "of_c.py").write_text(OF_C)
    command = [sys.executable, "-m", "of_c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 143 and done.stdout == "tidied up\n", done.stderr


def test_a_second_signal_ends_it_at_once():
    process, began = start(grace=60), time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "swallowed\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM and time.monotonic() - began < 30
    process.stdout.close()
    process.stderr.close()
