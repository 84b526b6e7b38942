"""One writer where the kernel's locks do not reach: folders that several machines share."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import leases, locks, mounts

HOLDER = """
import sys, time
from compare_gan_tf.storage import leases
leases.BEAT, leases.PATIENCE, leases.SETTLED = 0.1, 1.0, 0.3
if sys.argv[2] != "here":
    leases._machine = lambda: sys.argv[2]
try:
    with leases.held(sys.argv[1], {"host": sys.argv[2]}) as lease:
        print("held", flush=True)
        for line in sys.stdin:
            lease.require()
            print("still held", flush=True)
except leases.Lost as lost:
    print("lost to", leases._parsed(lost.content)["host"], flush=True)
"""


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    for name, seconds in (("BEAT", 0.1), ("PATIENCE", 1.0), ("SETTLED", 0.3)):
        monkeypatch.setattr(leases, name, seconds)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / ".training.lease")


@pytest.fixture
def holder(path):
    """Starts a process on a machine, which asks for the lease."""
    started = []

    def start(machine):
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        command = [sys.executable, "-c", HOLDER, path, machine]
        started.append(subprocess.Popen(command, text=True, bufsize=1, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(process):
    return process.stdout.readline().strip()


def host(path):
    with open(path) as file:
        return json.load(file)["host"]


def test_a_second_holder_is_refused_while_the_first_lives(holder, path):
    first = holder("one")
    assert says(first) == "held"
    assert says(holder("two")) == "lost to one"
    with pytest.raises(leases.Lost), leases.held(path, {"host": "here"}):
        pass
    print("go on", file=first.stdin, flush=True)
    assert says(first) == "still held"


def test_it_is_given_back(path, tmp_path):
    for _ in range(2):  # at once: nobody is waited for
        began = time.monotonic()
        with leases.held(path, {}):
            assert os.listdir(tmp_path) == [".training.lease"]
        assert os.listdir(tmp_path) == [] and time.monotonic() - began < leases.PATIENCE


def test_that_of_a_machine_that_died_is_taken_over_after_the_patience(holder, path):
    first = holder("one")
    assert says(first) == "held"
    first.kill()
    first.wait()
    began = time.monotonic()
    with leases.held(path, {"host": "here"}):
        assert time.monotonic() - began >= leases.PATIENCE
        assert host(path) == "here"


def test_that_of_a_process_that_died_on_this_machine_is_taken_over_at_once(
    holder, path, monkeypatch
):
    first = holder("here")
    assert says(first) == "held"
    first.kill()
    first.wait()
    monkeypatch.setattr(leases, "PATIENCE", 600)
    with leases.held(path, {"host": "this"}):
        assert host(path) == "this"


def test_one_that_was_stopped_for_long_finds_that_it_has_lost(holder, path):
    first = holder("one")
    assert says(first) == "held"
    first.send_signal(signal.SIGSTOP)
    second = holder("two")
    assert says(second) == "held"
    first.send_signal(signal.SIGCONT)
    print("go on", file=first.stdin, flush=True)
    assert says(first) == "lost to two"
    print("go on", file=second.stdin, flush=True)
    assert says(second) == "still held" and host(path) == "two"


def test_of_five_that_take_over_at_once_one_has_it(holder, path):
    with open(path, "w") as file:
        file.write(json.dumps({"host": "dead", "beat": 7}))
    found = [holder(name) for name in "abcde"]
    said = sorted(says(process).split()[0] for process in found)
    assert said == ["held", "lost", "lost", "lost", "lost"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[1]"])
def test_a_file_that_says_nothing_is_one_of_the_dead(path, content):
    with open(path, "wb") as file:
        file.write(content)
    with leases.held(path, {"host": "here"}):
        assert host(path) == "here"


@pytest.mark.parametrize("year", [1970, 2100])
def test_no_clock_of_the_day_matters(holder, path, year, monkeypatch):
    """Neither the time of the file, nor that of this machine."""
    first = holder("one")
    assert says(first) == "held"
    for module in (time, leases.time):
        monkeypatch.setattr(module, "time", lambda: (year - 1970) * 3.15e7)
    os.utime(path, ((year - 1970) * 3.15e7,) * 2)
    with pytest.raises(leases.Lost), leases.held(path, {}):
        pass
    first.kill()
    first.wait()
    os.utime(path, ((year - 1970) * 3.15e7,) * 2)
    with leases.held(path, {"host": "here"}):
        assert host(path) == "here"


def test_a_file_that_was_deleted_is_made_again(path):
    with leases.held(path, {"host": "here"}) as lease:
        os.unlink(path)
        time.sleep(3 * leases.BEAT)
        lease.require()
        assert host(path) == "here"


# --- As a part of the locks -------------------------------------------------------------------


def without_locks(monkeypatch, number=errno.ENOLCK):
    def fails(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fails)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_has_one_writer(tmp_path, monkeypatch, number):
    without_locks(monkeypatch, number)
    with locks.sole_writer(str(tmp_path), "training") as require:
        assert sorted(os.listdir(tmp_path)) == [".training.lease", ".training.lock"]
        require()
        with (
            pytest.raises(UserError, match=f"another training .* \\(process {os.getpid()} on"),
            locks.sole_writer(str(tmp_path), "training"),
        ):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("kind", "number"), [("nfs4", 1), (None, 0)])
def test_a_folder_that_machines_share_has_a_lease_beside_the_lock(
    tmp_path, monkeypatch, kind, number
):
    monkeypatch.setattr(mounts, "shared", lambda path: kind)
    with locks.sole_writer(str(tmp_path), "training"):
        assert os.listdir(tmp_path).count(".training.lease") == number


def test_a_writer_that_has_lost_its_lease_is_told_so(tmp_path, monkeypatch):
    without_locks(monkeypatch)
    monkeypatch.setattr(leases.Lease, "_go_on", lambda self: None)
    now = leases._now()
    with locks.sole_writer(str(tmp_path), "training") as require:
        other = {"token": "of another", "process": 3, "host": "two", "since": "then"}
        (tmp_path / ".training.lease").write_text(json.dumps(other))
        monkeypatch.setattr(leases, "_now", lambda: now + 60)
        with pytest.raises(locks.Held, match=r"another training .* \(process 3 on two"):
            require()
    assert "of another" in (tmp_path / ".training.lease").read_text()


def test_a_link_in_its_place_is_refused(tmp_path, monkeypatch):
    without_locks(monkeypatch)
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".training.lease").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="is a link"), locks.sole_writer(str(tmp_path), "training"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"
