"""Publishing on the Hub and loading from there: huggingface_hub against a Hub of this machine."""

import json
import shutil
import sys

import doc_pages
import fake_hugging_face
import fake_server
import numpy as np
import pytest

from compare_gan_tf import pretrained, publishing
from compare_gan_tf.errors import UserError
from compare_gan_tf.pretrained import shipped

pytest.importorskip("huggingface_hub", reason="it uploads and downloads")

DIGITS = str(shipped.FOLDER / "digits")
ADDRESS = "hf://ada/digits"


def forget():
    """Makes the next import read the environment, as in a new process."""
    for name in [name for name in sys.modules if name.split(".")[0] == "huggingface_hub"]:
        del sys.modules[name]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with fake_server.serving(fake_hugging_face.Hub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_TOKEN", fake_hugging_face.TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # its storage has no protocol of plain HTTP
        for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"):
            monkeypatch.delenv(name, raising=False)
        forget()
        yield hub
    forget()


def test_what_was_pushed_is_loaded_and_makes_the_same_samples(hub):
    done = publishing.push(DIGITS, ADDRESS)
    [_, (sha, files)] = hub.commits["ada/digits"]
    assert done.address == f"{ADDRESS}@{sha}" and done.page == f"{hub.url}/ada/digits"
    expected = {path.name: path.read_bytes() for path in (shipped.FOLDER / "digits").iterdir()}
    assert files == expected | {".gitattributes": b""}
    samples = pretrained.load(ADDRESS).sample(5)
    np.testing.assert_array_equal(samples, pretrained.load("digits").sample(5))
    assert not [r for r in hub.requests if "resolve" in r and "samples.png" in r]


def test_the_python_of_the_documentation_runs(hub):
    publishing.push(DIGITS, "hf://user/name")
    (block,) = (b for b in doc_pages.blocks("docs/publishing.md") if b.language == "python")
    found = {}
    exec(block.code, found)
    assert found["images"].shape == (16, 8, 8, 1)


def test_a_second_push_of_the_same_uploads_nothing(hub):
    first = publishing.push(DIGITS, ADDRESS)
    before = hub.count("PUT")
    assert before == 3  # both players and the picture
    assert publishing.push(DIGITS, ADDRESS).address == first.address
    assert hub.count("PUT") == before and len(hub.commits["ada/digits"]) == 2


def test_an_interrupted_push_is_resumed(hub):
    hub.uploads_left = 1
    with pytest.raises(UserError, match=f"{ADDRESS}: .*the connection broke"):
        publishing.push(DIGITS, ADDRESS)
    assert len(hub.commits["ada/digits"]) == 1  # nobody sees a half
    uploaded = len(hub.blobs)
    hub.uploads_left = None
    refused = hub.count("PUT") - uploaded
    publishing.push(DIGITS, ADDRESS)
    assert hub.count("PUT") - refused == 3  # what was there was not sent again
    assert uploaded == 1 and "generator.keras" in hub.head("ada/digits")


def test_a_pinned_revision_stays_what_it_was(hub, tmp_path):
    first = publishing.push(DIGITS, ADDRESS)
    other = tmp_path / "other"
    shutil.copytree(shipped.FOLDER / "digits_bits", other)
    second = publishing.push(str(other), ADDRESS)
    assert first.address != second.address
    assert pretrained.load(first.address).card["name"] == "digits"
    assert pretrained.load(second.address).card["name"] == "digits_bits"
    assert pretrained.load(ADDRESS).card["name"] == "digits_bits"


def test_files_that_a_newer_export_lacks_are_gone(hub):
    publishing.push(DIGITS, ADDRESS)
    hub.head("ada/digits").update({"generator/saved_model.pb": b"old", "LICENSE": b"mine"})
    publishing.push(DIGITS, ADDRESS)
    assert "generator/saved_model.pb" not in hub.head("ada/digits")
    assert hub.head("ada/digits")["LICENSE"] == b"mine"


@pytest.mark.parametrize("offline", ["by the variable", "without a network", "pinned"])
def test_the_cache_is_enough_without_a_network(hub, monkeypatch, offline):
    address = publishing.push(DIGITS, ADDRESS).address if offline == "pinned" else ADDRESS
    publishing.push(DIGITS, ADDRESS)
    expected = pretrained.load(address).sample(3)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    if offline == "by the variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    forget()
    before = len(hub.requests)
    np.testing.assert_array_equal(pretrained.load(address).sample(3), expected)
    assert len(hub.requests) == before
    with pytest.raises(UserError, match="not in the cache, and cannot be reached"):
        pretrained.load("hf://ada/other")


def test_a_damaged_file_is_refused_until_it_is_downloaded_anew(hub):
    publishing.push(DIGITS, ADDRESS)
    whole = hub.head("ada/digits")["generator.keras"]
    hub.damaged["generator.keras"] = whole[:-1] + bytes([whole[-1] ^ 1])  # of the same length
    with pytest.raises(UserError, match=r"damaged.*generator.keras is not.*remove") as said:
        pretrained.load(ADDRESS)
    hub.damaged.clear()
    with pytest.raises(UserError, match="damaged"):
        pretrained.load(ADDRESS)  # the cache has it
    shutil.rmtree(str(said.value).split("remove ")[1].split(" to download")[0])
    assert pretrained.load(ADDRESS).card["name"] == "digits"


def test_facts_that_do_not_fit_the_manifest_are_refused(hub):
    publishing.push(DIGITS, ADDRESS)
    files = hub.head("ada/digits")
    files["model.json"] = json.dumps(json.loads(files["model.json"]) | {"name": "x"}).encode()
    with pytest.raises(UserError, match=r"model.json is not the file"):
        pretrained.load(ADDRESS)


def test_what_is_no_export_is_told(hub):
    publishing.push(DIGITS, ADDRESS)
    hub.head("ada/digits").clear()
    hub.head("ada/digits")["config.json"] = b"{}"
    with pytest.raises(UserError, match=r"hf://ada/digits has no manifest.json: it is no export"):
        pretrained.load(ADDRESS)


def test_wrong_tokens_names_and_revisions_are_one_line(hub, monkeypatch):
    publishing.push(DIGITS, ADDRESS)
    with pytest.raises(UserError, match="there is no hf://ada/digit, or it is private"):
        pretrained.load("hf://ada/digit")
    with pytest.raises(UserError, match="@v9 has no such revision"):
        pretrained.load(f"{ADDRESS}@v9")
    for token in ("hf_bad", ""):
        monkeypatch.setenv("HF_TOKEN", token)
        forget()
        with pytest.raises(UserError, match="access to hf://ada/digits is refused: log in"):
            publishing.push(DIGITS, ADDRESS)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    forget()
    with pytest.raises(UserError, match="hf://ada/digits cannot be reached"):
        publishing.push(DIGITS, ADDRESS)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    forget()
    with pytest.raises(UserError, match="while HF_HUB_OFFLINE is set"):
        publishing.push(DIGITS, ADDRESS)
