"""Publishing in folders, of this machine and remote ones, and what every push checks."""

import json
import os
import pathlib
import shutil
import sys

import pytest
import tensorflow as tf

from compare_gan_tf import pretrained, publishing
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import cards
from compare_gan_tf.pretrained import shipped
from compare_gan_tf.publishing import folders

DIGITS, BITS = str(shipped.FOLDER / "digits"), str(shipped.FOLDER / "digits_bits")


@pytest.fixture(params=["local", "remote"])
def target(request, tmp_path):
    """A folder that is new, by its path or as TensorFlow's remote file systems are addressed.

    ram:// does not do: it takes generator.keras for a file in the folder generator.
    """
    return f"{'' if request.param == 'local' else 'file://'}{tmp_path}/a/b"


def contents(folder):
    found = {}
    for root, _, names in tf.io.gfile.walk(folder):
        for name in names:
            with tf.io.gfile.GFile(os.path.join(root, name), "rb") as file:
                found[os.path.join(root, name)[len(folder) + 1 :]] = file.read()
    return found


def test_what_was_pushed_is_loaded(target):
    done = publishing.push(DIGITS, target + "/")
    assert done.address == done.page == target
    assert contents(target) == contents(DIGITS)
    assert pretrained.load(done.address).card["name"] == "digits"


def test_an_interrupted_push_is_resumed_and_loads_only_when_whole(target, monkeypatch):
    copied = []

    def copy(source, to, is_last=lambda: len(copied) == 3):
        if is_last():
            raise tf.errors.UnavailableError(None, None, "the connection broke")
        copied.append(os.path.basename(source))
        tf.io.gfile.makedirs(os.path.dirname(to))
        tf.io.gfile.copy(source, to)

    with monkeypatch.context() as patch:
        patch.setattr(folders, "_copy_one", copy)
        with pytest.raises(UserError, match=f"cannot write to {target}: the connection broke"):
            publishing.push(DIGITS, target)
    with pytest.raises(UserError, match=r"is damaged or missing|has no"):
        pretrained.load(target)
    tf.io.gfile.copy(f"{DIGITS}/model.json", f"{target}/samples.png.partial")  # of a killed one
    with monkeypatch.context() as patch:
        patch.setattr(folders, "_copy_one", lambda *paths: copy(*paths, is_last=lambda: False))
        publishing.push(DIGITS, target)
    assert copied[-1] == "manifest.json" and sorted(copied) == sorted(os.listdir(DIGITS))
    assert pretrained.load(target).card["name"] == "digits"


def test_another_export_is_replaced_only_on_request(target):
    publishing.push(DIGITS, target)
    older = f"{target}/generator/saved_model.pb"  # of an export with modules
    tf.io.gfile.makedirs(os.path.dirname(older))
    with tf.io.gfile.GFile(older, "w") as file:
        file.write("older")
    before = contents(target)
    with pytest.raises(UserError, match=rf"{target}/.* is of another export: .*--overwrite"):
        publishing.push(BITS, target)
    assert contents(target) == before
    publishing.push(BITS, target, overwrite=True)
    assert contents(target) == contents(BITS)


def test_files_of_no_export_are_never_replaced(target):
    publishing.push(DIGITS, target)
    with tf.io.gfile.GFile(f"{target}/thesis.tex", "w") as file:
        file.write("mine")
    with pytest.raises(UserError, match=r"thesis.tex is of no export"):
        publishing.push(DIGITS, target)
    with pytest.raises(UserError, match=r"thesis.tex is of no export"):
        publishing.push(BITS, target, overwrite=True)
    assert contents(target) == contents(DIGITS) | {"thesis.tex": b"mine"}


def test_nothing_is_written_through_a_link_or_into_a_file(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UserError, match="is a link"):
        publishing.push(DIGITS, str(tmp_path / "link"))
    (tmp_path / "real" / "model.json").symlink_to("/etc/hostname")
    with pytest.raises(UserError, match=r"model.json is a link"):
        publishing.push(DIGITS, str(tmp_path / "real"), overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file: choose another folder"):
        publishing.push(DIGITS, str(tmp_path / "file"))


# --- What every push checks -------------------------------------------------------------------

TARGETS = ["hf://ada/x", "kaggle://ada/gan/x", "ram://never/x"]


@pytest.fixture
def copy(tmp_path):
    return pathlib.Path(shutil.copytree(DIGITS, tmp_path / "copy"))


@pytest.mark.parametrize("to", TARGETS)
def test_a_damaged_export_is_not_published(copy, to):
    (copy / "samples.png").write_bytes(b"other")
    with pytest.raises(UserError, match=r"samples.png is not the file that was exported"):
        publishing.push(str(copy), to)
    (copy / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"manifest.json is damaged or missing"):
        publishing.push(str(copy), to)
    assert not tf.io.gfile.exists("ram://never/x")


def test_a_manifest_that_leads_out_of_the_folder_is_damaged(copy):
    (copy.parent / "secret").write_text("x")
    for name in ("../secret", str(copy.parent / "secret")):
        cards.write_manifest(str(copy), [name])
        with pytest.raises(UserError, match=r"manifest.json is damaged"):
            publishing.push(str(copy), str(copy.parent / "to"))


def test_an_export_that_cannot_be_loaded_is_not_published(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"]["generator.keras"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"has no generator.keras, without which pretrained.load"):
        publishing.push(str(copy), str(copy.parent / "to"))


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("hf://ada", "hf://user/name"),
        ("hf://ada/x/y", "hf://user/name"),
        ("hf://ada/x@", "hf://user/name"),
        ("hf://", "hf://user/name"),
        ("kaggle://ada/x", "kaggle://user/model/variation"),
        ("kaggle://ada/gan/x/newest", "kaggle://user/model/variation"),
        ("kaggle://ada/gan/pyTorch/x/1", "kaggle://user/model/variation"),
    ],
)
def test_a_wrong_address_is_told_with_its_form(address, form):
    for what in (lambda: publishing.push(DIGITS, address), lambda: pretrained.load(address)):
        with pytest.raises(UserError, match=f"{address} is no model: write {form}"):
            what()


def test_a_push_names_no_version_and_replaces_none():
    with pytest.raises(UserError, match="names a revision, and a push makes a new one"):
        publishing.push(DIGITS, "hf://ada/x@main")
    with pytest.raises(UserError, match="names a version, and a push makes a new one"):
        publishing.push(DIGITS, "kaggle://ada/gan/x/2")
    with pytest.raises(UserError, match="keeps all versions: leave --overwrite out"):
        publishing.push(DIGITS, "hf://ada/x", overwrite=True)


@pytest.mark.parametrize(
    ("address", "library", "extra"),
    [
        ("hf://ada/x", "huggingface_hub", "hf"),
        ("kaggle://ada/gan/x", "kagglehub", "kaggle"),
    ],
)
def test_a_missing_library_is_told_with_its_extra(monkeypatch, address, library, extra):
    monkeypatch.setitem(sys.modules, library, None)
    for what in (lambda: publishing.push(DIGITS, address), lambda: pretrained.load(address)):
        with pytest.raises(UserError, match=rf"needs {library}: pip install .*\[{extra}\]"):
            what()


def test_a_remote_export_is_first_copied_for_a_service(tmp_path):
    remote = f"file://{tmp_path}/remote"
    publishing.push(DIGITS, remote)
    with pytest.raises(UserError, match=f"{remote} is remote: copy it to this machine"):
        publishing.push(remote, "hf://ada/x")
    assert publishing.push(remote, str(tmp_path / "x")).page == str(tmp_path / "x")
    assert contents(str(tmp_path / "x")) == contents(DIGITS)


def test_a_file_of_the_same_length_is_not_the_same(tmp_path):
    target = str(tmp_path / "there")
    publishing.push(DIGITS, target)
    path = tmp_path / "there" / "model.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-2] + b" \n")
    with pytest.raises(UserError, match=r"model.json is of another export"):
        publishing.push(DIGITS, target)
    publishing.push(DIGITS, target, overwrite=True)
    assert path.read_bytes() == whole
