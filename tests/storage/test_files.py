"""Small files that are never half-written, nor written or deleted through a link."""

import os

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import files


@pytest.mark.parametrize("link", ["file", "file.partial"])
def test_nothing_is_written_through_a_link(tmp_path, link):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / link).symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match=f"{link} is a link to .*mine"):
        files.write_text(str(tmp_path / "file"), "new")
    assert sorted(os.listdir(tmp_path)) == sorted([link, "mine"])
    assert (tmp_path / link).is_symlink() and (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["part", "part/file", "part/folder", "part/in/deep/file"])
@pytest.mark.parametrize("target", ["a file", "a folder", "nowhere"])
def test_a_link_anywhere_in_a_part_of_a_folder_is_refused(tmp_path, name, target):
    outside, run = tmp_path / target, tmp_path / "run"
    outside.mkdir() if target == "a folder" else target == "a file" and outside.touch()
    (run / name).parent.mkdir(parents=True)
    (run / name).symlink_to(outside)
    with pytest.raises(UserError, match=f"{name} is a link to "):
        files.refuse_links(str(run), ["missing", "part"])
    files.refuse_links(str(run), ["missing", "other"])  # another part, which is another's


@pytest.mark.parametrize("name", ["manifest.json", "checkpoints/in/deep/file", "scores.jsonl"])
def test_a_pipe_in_the_place_of_a_run_s_file_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=f"{name} is neither a file nor a folder"):
        files.refuse_unreadable(str(tmp_path))
    with pytest.raises(UserError, match=f"{name} is not a file"):
        files.read_text(str(tmp_path / name))


@pytest.mark.parametrize(
    "name",
    ["config.gin", "checkpoints/checkpoint", "checkpoints/best/ckpt-2.index", "logs/a.json"],
)
def test_a_file_without_end_is_refused_where_one_is_read_whole(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    for allowed in (name, "checkpoints.npz", "mine/a.json"):  # long files of others are no fault
        (tmp_path / allowed).parent.mkdir(exist_ok=True)
        with open(tmp_path / allowed, "wb") as file:
            file.truncate(2**30 + (allowed != name))
    files.refuse_unreadable(str(tmp_path))
    os.truncate(tmp_path / name, 2**30 + 1)
    with pytest.raises(UserError, match=f"{name} has 1,073,741,825 bytes, which no run writes"):
        files.refuse_unreadable(str(tmp_path))
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"{name} is a folder, but a run has a file there: remove"):
        files.refuse_unreadable(str(tmp_path))


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    path, said = tmp_path / "file", []
    path.write_text("old")

    def synced(descriptor):
        said.append((os.fstat(descriptor).st_size, path.read_text()))

    monkeypatch.setattr(os, "fsync", synced)
    files.write_text(str(path), "newer")
    assert said == [(5, "old")]  # all five bytes, while readers still see the old ones
    assert path.read_text() == "newer" and os.listdir(tmp_path) == ["file"]


def test_of_a_file_that_cannot_be_written_nothing_is_left_and_the_old_one_stays(
    tmp_path, monkeypatch
):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(str(tmp_path / "file"), "new")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


def test_a_file_that_is_none_or_no_text(tmp_path):
    assert files.read_text(str(tmp_path / "missing")) is None
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot read .*binary as text: .utf-8. codec"):
        files.read_text(str(tmp_path / "binary"))
    with pytest.raises(UserError, match="is not a file"):
        files.read_text(str(tmp_path))


@pytest.mark.parametrize("name", ["[1]", "*", "a?b", "{a,b}", "back\\slash", "plain"])
def test_a_path_that_tensorflow_takes_for_no_pattern(tmp_path, name):
    import tensorflow as tf

    (tmp_path / name).mkdir()
    (tmp_path / name / "ckpt-1.index").touch()
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "ckpt-2.index").touch()  # which the patterns would find
    with files.without_patterns(str(tmp_path / name / "ckpt-")) as prefix:
        found = tf.io.gfile.glob(f"{prefix}*")
    assert [os.path.basename(path) for path in found] == ["ckpt-1.index"]
