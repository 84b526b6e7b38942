"""Folders and files that appear whole or not at all, and in nobody else's place."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import staging


def anything(folder):
    """All of a folder may be replaced."""
    return None


def nothing(folder):
    """Nothing of a folder may be replaced; an empty one has nothing."""
    return next((path for path, _ in staging.contents(folder)), None)


def write(folder, text="new"):
    with open(os.path.join(folder, "content"), "w") as file:
        file.write(text)


def test_a_folder_appears_when_the_block_ends_and_not_before(tmp_path):
    final = tmp_path / "made" / "here"
    with staging.staged_folder(str(final), nothing) as folder:
        write(folder)
        assert not final.exists()
    assert os.listdir(final) == ["content"] and os.listdir(final.parent) == ["here"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    final = tmp_path / "30"
    final.mkdir()
    (final / "old").write_text("old")
    with staging.staged_folder(f"{final}/", anything) as folder:
        write(folder)
        assert os.listdir(final) == ["old"]
    assert os.listdir(final) == ["content"] and os.listdir(tmp_path) == ["30"]


def test_what_may_not_be_replaced_stays_also_where_it_came_meanwhile(tmp_path):
    final = tmp_path / "30"
    with (
        pytest.raises(UserError, match="30/thesis is in the way"),
        staging.staged_folder(str(final), nothing) as folder,
    ):
        write(folder)
        final.mkdir()
        (final / "thesis").write_text("years")
    assert os.listdir(final) == ["thesis"] and os.listdir(tmp_path) == ["30"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_remains_of_a_block_that_failed(tmp_path, error):
    with pytest.raises(error), staging.staged_folder(str(tmp_path / "30"), anything) as folder:
        write(folder)
        raise error
    with pytest.raises(error), staging.staged_file(str(tmp_path / "file")) as path:
        write(os.path.dirname(path))
        raise error
    assert os.listdir(tmp_path) == []


def test_the_older_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    final = tmp_path / "30"
    final.mkdir()
    (final / "old").write_text("old")
    rename = os.rename

    def fails_at_last(source, target):
        if target == str(final) and not source.endswith(".older"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails_at_last)
    with (
        pytest.raises(OSError, match="No space left"),
        staging.staged_folder(str(final), anything) as folder,
    ):
        write(folder)
    assert os.listdir(tmp_path) == ["30"] and os.listdir(final) == ["old"]


KILLED = """
import sys, time
from compare_gan_tf.storage import staging
with staging.staged_folder(sys.argv[1], lambda folder: None) as folder:
    open(folder + "/half", "w").close()
    print(folder, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    final = str(tmp_path / "30")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, final], stdout=subprocess.PIPE, text=True
    )
    left = process.stdout.readline().strip()
    with staging.staged_folder(final, anything) as folder:
        write(folder)
    assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(left), "30"])
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.listdir(left) != [] and os.listdir(final) == ["content"]
    with staging.staged_file(str(tmp_path / "file")) as path:
        open(path, "w").close()
    assert sorted(os.listdir(tmp_path)) == ["30", "file"]


def killed_at(number, work):
    """Does the work in a fork, and kills it at this call of the file system; whether it was."""
    child = os.fork()
    if child == 0:
        left = [number]

        def count(event, _):
            if event.startswith(("os.", "open", "shutil.")):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_at_any_call_leaves_nothing_and_loses_nothing(tmp_path):
    """Of a writer that replaces a folder, and removes what another that was killed has left."""
    final, number = tmp_path / "30", 0

    def replace(text):
        with staging.staged_folder(str(final), anything) as folder:
            os.mkdir(os.path.join(folder, "inner"))
            write(os.path.join(folder, "inner"), text)
            write(folder, text)

    def contents(folder):
        files = ("content", "inner/content")
        return {(folder / name).read_text() for name in files if (folder / name).exists()}

    while True:
        number += 1
        replace("old")
        killed_at(1 + 7 * number % 28, lambda: replace("half"))
        was_killed = killed_at(number, lambda: replace("new"))
        older = [path for path in tmp_path.iterdir() if path.name.endswith(".older")]
        whole = [contents(path) for path in ([final] if final.exists() else older)]
        assert whole in ([{"old"}], [{"half"}], [{"new"}])
        replace("last")
        assert os.listdir(tmp_path) == ["30"], number
        assert sorted(os.listdir(final)) == ["content", "inner"]
        assert contents(final) == {"last"}
        if not was_killed:
            break
    assert number > 20


def test_what_was_being_replaced_comes_back_if_the_new_one_never_came(tmp_path):
    older = tmp_path / f"{staging.PREFIX}4567.30.older"
    older.mkdir()
    (older / "content").write_text("old")
    with staging.staged_folder(str(tmp_path / "31"), anything) as folder:
        write(folder)
    assert sorted(os.listdir(tmp_path)) == ["30", "31"]
    assert (tmp_path / "30" / "content").read_text() == "old"


def test_folders_that_only_look_like_leftovers_stay(tmp_path):
    alike = tmp_path / f"{staging.PREFIX}0123"
    alike.mkdir()
    (alike / "thesis").write_text("years")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / staging.MARKER).write_text("")
    (tmp_path / f"{staging.PREFIX}link").symlink_to(elsewhere)
    replaced = tmp_path / f"{staging.PREFIX}4567.older"
    replaced.mkdir()
    (replaced / "thesis").write_text("years")
    with staging.staged_folder(str(tmp_path / "30"), nothing) as folder:
        write(folder)
    kept = [alike / "thesis", elsewhere / staging.MARKER, replaced / "thesis"]
    assert all(path.exists() for path in kept)


def test_a_file_in_the_place_of_a_folder_is_kept(tmp_path):
    final = tmp_path / "30"
    final.write_text("mine")
    with (
        pytest.raises(UserError, match="30 is no folder"),
        staging.staged_folder(str(final), anything),
    ):
        pass
    assert final.read_text() == "mine" and os.listdir(tmp_path) == ["30"]


@pytest.mark.parametrize("without", ["locks at all", "a lock of the inner folder"])
def test_without_locks_nothing_counts_as_left_by_the_dead(tmp_path, monkeypatch, without):
    lock = staging._lock  # (descriptor, whether it waits, as for the parent it does)
    has_one = {"locks at all": lambda wait: False, "a lock of the inner folder": bool}[without]
    monkeypatch.setattr(staging, "_lock", lambda of, wait: has_one(wait) and lock(of, wait))
    living = tmp_path / f"{staging.PREFIX}0123"
    living.mkdir()
    (living / staging.MARKER).touch()
    replaced = tmp_path / f"{staging.PREFIX}4567.older"
    replaced.mkdir()
    with staging.staged_folder(str(tmp_path / "30"), anything) as folder:
        write(folder)
    assert living.exists()
    assert replaced.exists() == (without == "locks at all")


def test_writers_of_one_folder_do_not_mix(tmp_path):
    final, errors = str(tmp_path / "30"), []

    def writer(text):
        try:
            for _ in range(20):
                with staging.staged_folder(final, anything) as folder:
                    for name in ("a", "b"):
                        with open(os.path.join(folder, name), "w") as file:
                            file.write(text)
                        time.sleep(0.0005)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=writer, args=[str(i)]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert os.listdir(tmp_path) == ["30"] and sorted(os.listdir(final)) == ["a", "b"]
    texts = {open(os.path.join(final, name)).read() for name in ("a", "b")}
    assert len(texts) == 1


# --- Files ------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_replaced_only_if_asked(tmp_path):
    final = tmp_path / "file"
    final.write_text("old")
    with (
        pytest.raises(UserError, match="file exists: .*--overwrite"),
        staging.staged_file(str(final)),
    ):
        pass
    with staging.staged_file(str(final), overwrite=True) as path:
        with open(path, "w") as file:
            file.write("new")
        assert final.read_text() == "old"
    assert final.read_text() == "new" and os.listdir(tmp_path) == ["file"]


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path):
    final = tmp_path / "file"
    with pytest.raises(UserError, match="file exists"), staging.staged_file(str(final)) as path:
        open(path, "w").close()
        final.write_text("another's")
    assert final.read_text() == "another's" and os.listdir(tmp_path) == ["file"]


def test_a_file_that_came_after_the_last_look_is_not_replaced(tmp_path, monkeypatch):
    final, looks, look = tmp_path / "file", [], staging.require_free

    def last_look(path, **settings):
        look(path, **settings)
        looks.append(path)
        if len(looks) == 2:
            final.write_text("another's")

    monkeypatch.setattr(staging, "require_free", last_look)
    with pytest.raises(UserError, match="file exists"), staging.staged_file(str(final)) as path:
        open(path, "w").close()
    assert final.read_text() == "another's" and os.listdir(tmp_path) == ["file"]


def test_a_link_that_came_meanwhile_is_not_replaced_though_files_are(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with (
        pytest.raises(UserError, match="file is a link"),
        staging.staged_file(str(tmp_path / "file"), overwrite=True) as path,
    ):
        open(path, "w").close()
        (tmp_path / "file").symlink_to(tmp_path / "mine")
    assert (tmp_path / "file").is_symlink() and (tmp_path / "mine").read_text() == "mine"


def test_a_file_system_without_second_names_will_do(tmp_path, monkeypatch):
    def no_link(source, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    with staging.staged_file(str(tmp_path / "file")) as path, open(path, "w") as file:
        file.write("new")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_file_is_written_through_a_link_or_over_a_folder_or_a_device(tmp_path, overwrite):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "dangling", "folder", "pipe"):
        with (
            pytest.raises(UserError, match=f"{name} (is|exists)"),
            staging.staged_file(str(tmp_path / name), overwrite=overwrite),
        ):
            pass
    assert (tmp_path / "target").read_text() == "old" and not (tmp_path / "nowhere").exists()


# --- Remote -----------------------------------------------------------------------------------


def test_remotely_too_nothing_is_in_the_place_of_others_and_nothing_remains():
    with tf.io.gfile.GFile("ram://run/hub/30/thesis", "w") as file:
        file.write("years")
    with (
        pytest.raises(UserError, match="ram://run/hub/30/thesis is in the way"),
        staging.staged_folder("ram://run/hub/30", nothing),
    ):
        pass
    with (
        pytest.raises(KeyboardInterrupt),
        staging.staged_folder("ram://run/hub/40", nothing) as folder,
    ):
        with tf.io.gfile.GFile(f"{folder}/content", "w") as file:
            file.write("new")
        raise KeyboardInterrupt
    assert tf.io.gfile.exists("ram://run/hub/30/thesis")
    assert not tf.io.gfile.exists(f"{folder}/content")
