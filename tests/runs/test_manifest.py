"""`manifest.json`: what every start of a run adds to it."""

import datetime
import importlib.metadata
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import compare_gan_tf
from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import manifest


def test_a_start_tells_command_versions_devices_and_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["compare-gan", "train", "--model_dir=x"])
    entry = manifest.write(str(tmp_path / "run"), seed=7, strategy="mirrored", replicas=2)
    assert entry["command"] == ["compare-gan", "train", "--model_dir=x"]
    assert (entry["seed"], entry["strategy"], entry["replicas"]) == (7, "mirrored", 2)
    assert entry["compare_gan_tf"] == compare_gan_tf.__version__
    assert entry["packages"]["tensorflow"] == tf.__version__
    assert entry["packages"]["numpy"] == np.__version__
    assert entry["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "CPU:0" in entry["devices"]
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(entry["time"])
    assert abs(age.total_seconds()) < 60
    content = json.loads((tmp_path / "run/manifest.json").read_text())
    assert content["starts"] == [entry] == manifest.read(str(tmp_path / "run"))


def test_starts_are_added_and_nothing_half_written_is_left(tmp_path):
    for seed in range(3):
        manifest.write(str(tmp_path), seed=seed, strategy="default")
    assert [start["seed"] for start in manifest.read(str(tmp_path))] == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("text", ["", '{"starts": [{"seed', "\x00\xff", "[" * 100_000])
def test_a_damaged_manifest_is_begun_again_with_a_warning(tmp_path, caplog, text):
    (tmp_path / "manifest.json").write_text(text)
    assert manifest.read(str(tmp_path)) == []
    assert "manifest.json is damaged" in caplog.text
    manifest.write(str(tmp_path), seed=1, strategy="default")
    assert len(manifest.read(str(tmp_path))) == 1


def test_a_manifest_that_was_changed_counts_as_damaged_and_is_kept(tmp_path, caplog):
    manifest.write(str(tmp_path), seed=17, strategy="default")
    changed = (tmp_path / "manifest.json").read_text().replace('"seed": 17', '"seed": 71')
    (tmp_path / "manifest.json").write_text(changed)
    assert manifest.read(str(tmp_path)) == []
    assert "was changed after it was written" in caplog.text
    manifest.write(str(tmp_path), seed=2, strategy="default")
    assert [start["seed"] for start in manifest.read(str(tmp_path))] == [2]
    assert (tmp_path / "manifest.json.damaged").read_text() == changed


def test_a_manifest_of_an_earlier_version_has_no_checksum(tmp_path):
    (tmp_path / "manifest.json").write_text('{"starts": [{"seed": 3}]}')
    assert manifest.read(str(tmp_path)) == [{"seed": 3}]


def test_the_config_is_that_of_the_manifest_where_the_file_is_damaged(tmp_path):
    path = tmp_path / "config.gin"
    for text in ("a = 1\nb = 2\n", "a = 1\nb = 2\n", "a = 1\nb = 3\n"):
        manifest.write(str(tmp_path), seed=1, strategy="default", config=text)
        path.write_text(text)
    texts = [start.get("config") for start in manifest.read(str(tmp_path))]
    assert texts == ["a = 1\nb = 2\n", None, "a = 1\nb = 3\n"]
    assert manifest.config(str(tmp_path)) == texts[-1]
    path.write_text(texts[0])  # as of a start that was killed before it wrote the file
    assert manifest.config(str(tmp_path)) == texts[0]
    for damaged in ("a = 1\n", "", "a = 1\nb = 7\n"):
        path.write_text(damaged)
        assert manifest.config(str(tmp_path)) == texts[-1]
    path.unlink()
    assert manifest.config(str(tmp_path)) is None


@pytest.mark.parametrize("content", [[], 5, {}, {"starts": {}}, {"starts": [{}, 5]}])
def test_a_manifest_of_another_program_is_refused_and_kept(tmp_path, content):
    text = json.dumps(content)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="manifest.json was not written by compare-gan"):
        manifest.write(str(tmp_path), seed=1, strategy="default")
    assert (tmp_path / "manifest.json").read_text() == text


def test_no_manifest_is_no_start(tmp_path):
    assert manifest.read(str(tmp_path)) == []


def test_a_checkout_is_told_by_its_commit_and_whether_it_was_changed(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    package = tmp_path / "package"
    package.mkdir()
    assert manifest.source_commit(package) is None
    (package / "module.py").write_text("one")
    git("init", "--quiet")
    assert manifest.source_commit(package) is None  # nothing is committed yet
    git("add", ".")
    git("commit", "--quiet", "--no-verify", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert manifest.source_commit(package) == {"commit": commit, "dirty": False}
    (package / "module.py").write_text("two")
    assert manifest.source_commit(package) == {"commit": commit, "dirty": True}
    installed = tmp_path / ".venv" / "package"
    installed.mkdir(parents=True)
    assert manifest.source_commit(installed) is None  # the commit is that of other code


def test_where_git_does_not_tell_of_changes_nobody_does(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    said = {"rev-parse": "0123", "status": None}
    monkeypatch.setattr(manifest, "_git", lambda root, verb, *arguments: said[verb])
    assert manifest.source_commit(tmp_path / "package") == {"commit": "0123", "dirty": None}


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert manifest.source_commit(tmp_path / "package") is None


def test_the_version_of_another_build_of_tensorflow_is_known(monkeypatch):
    """As of tensorflow-tpu, under which no package is named tensorflow."""

    def version(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert manifest.version_of("tensorflow") == tf.__version__
    assert manifest.version_of("numpy") is None
