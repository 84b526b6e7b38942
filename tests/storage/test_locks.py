"""One writer for each part of a run's folder."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import locks

HOLDER = """
import sys, time
from compare_gan_tf.storage import locks
with locks.sole_writer(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def take(folder, part="training"):
    with locks.sole_writer(str(folder), part):
        return sorted(os.listdir(folder))


def test_a_second_writer_is_refused_and_told_who_the_first_is(holder, tmp_path):
    with pytest.raises(UserError, match=f"another training is writing .*process {holder.pid} on"):
        take(tmp_path)
    assert ".export.lock" in take(tmp_path, "export")  # of another part


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_crash_leaves_a_lock_behind(holder, tmp_path, number):
    holder.send_signal(number)
    holder.wait()
    assert take(tmp_path) == [".training.lock"]
    assert os.listdir(tmp_path) == []


def test_a_lock_does_not_stay_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locks.sole_writer(str(tmp_path), "training"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_two_calls_in_one_process_are_two_writers(tmp_path):
    with locks.sole_writer(str(tmp_path), "training"), pytest.raises(UserError, match="another"):
        take(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[1]"])
def test_whatever_a_lock_file_holds_it_is_no_lock(tmp_path, content):
    (tmp_path / ".training.lock").write_bytes(content)
    take(tmp_path)


def test_a_lock_file_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".training.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="is a link"):
        take(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_folder_that_is_none_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"):
        take(tmp_path / "file")


def test_a_lock_that_its_holder_removes_just_then_is_taken_anew(tmp_path, monkeypatch):
    lock, flock = tmp_path / ".training.lock", fcntl.flock

    def removed_before_it_is_had(descriptor, operation):
        monkeypatch.undo()
        lock.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removed_before_it_is_had)
    with locks.sole_writer(str(tmp_path), "training"), pytest.raises(UserError, match="another"):
        take(tmp_path)


def test_an_error_of_the_disk_is_no_lock(tmp_path, monkeypatch):
    def fails(descriptor, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fails)
    with pytest.raises(OSError, match="Input/output"):
        take(tmp_path)


def test_a_folder_that_cannot_be_written_to_needs_no_lock(tmp_path, monkeypatch):
    def fails(path, flags, mode):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", fails)
    assert take(tmp_path) == []


def test_a_link_that_comes_after_the_look_for_one_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".training.lock").symlink_to(tmp_path / "mine")
    monkeypatch.setattr(locks.files, "refuse_link", lambda path: None)
    with pytest.raises(UserError, match="cannot write to"):
        take(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
