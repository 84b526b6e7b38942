"""Publishing on Kaggle and loading from there: kagglehub against a Kaggle of this machine."""

import shutil

import fake_kaggle
import fake_server
import numpy as np
import pytest

from compare_gan_tf import pretrained, publishing
from compare_gan_tf.errors import UserError
from compare_gan_tf.pretrained import shipped

pytest.importorskip("kagglehub", reason="it uploads and downloads")

DIGITS = shipped.FOLDER / "digits"
ADDRESS = "kaggle://ada/gan/digits"


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    with fake_server.serving(fake_kaggle.Kaggle()) as kaggle:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))  # has no token
        for name, value in kaggle.environment(tmp_path / "cache").items():
            monkeypatch.setenv(name, value)
        # It searches the stack, in seconds for one as deep as a test's, for what calls it.
        monkeypatch.setattr("kagglehub.clients.get_user_agent", lambda: "kagglehub")
        yield kaggle


@pytest.fixture
def no_network(monkeypatch):
    """A function after whose call nobody listens at Kaggle's address."""
    return lambda: monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")


def pushed(folder=DIGITS):
    return publishing.push(str(folder), ADDRESS)


def test_what_was_pushed_is_loaded_and_makes_the_same_samples(kaggle):
    done = pushed()
    assert done.address == ADDRESS
    assert done.page == "http://localhost/models/ada/gan/keras/digits"
    [files] = kaggle.models["ada", "gan"]["digits"]
    assert files == {path.name: path.read_bytes() for path in DIGITS.iterdir()}
    samples = pretrained.load(ADDRESS).sample(5)
    np.testing.assert_array_equal(samples, pretrained.load("digits").sample(5))
    assert not kaggle.count("GET /files/ada/gan/digits/1/samples.png")
    full = "kaggle://ada/gan/keras/digits/1"  # as the addresses of the pages have it
    assert pretrained.load(full).card["name"] == "digits"


def test_folders_and_only_what_the_manifest_lists_are_uploaded(kaggle, tmp_path):
    from compare_gan_tf.export import cards

    folder = tmp_path / "made"
    shutil.copytree(DIGITS, folder)
    (folder / "generator" / "variables").mkdir(parents=True)
    (folder / "generator" / "variables" / "variables.index").write_bytes(b"i")
    (folder / "notes [1]").mkdir()
    (folder / "notes [1]" / "a*.txt").write_text("mine")
    names = [*cards.listed(str(folder)), "generator/variables/variables.index"]
    cards.write_manifest(str(folder), names)
    pushed(folder)
    [files] = kaggle.models["ada", "gan"]["digits"]
    assert files.keys() == {*names, "manifest.json"}


def test_a_second_push_of_the_same_uploads_nothing_and_knows_the_version(kaggle):
    pushed()
    before = kaggle.received
    assert pushed().address == f"{ADDRESS}/1"
    assert kaggle.received == before and len(kaggle.models["ada", "gan"]["digits"]) == 1


def test_a_broken_upload_goes_on_where_it_broke(kaggle):
    kaggle.breaks = 3
    pushed()
    assert kaggle.breaks == 0
    assert kaggle.received == sum(path.stat().st_size for path in DIGITS.iterdir())
    assert pretrained.load(ADDRESS).card["name"] == "digits"


def test_a_pinned_version_stays_what_it_was(kaggle):
    pushed()
    pushed(shipped.FOLDER / "digits_bits")
    assert pretrained.load(f"{ADDRESS}/1").card["name"] == "digits"
    assert pretrained.load(f"{ADDRESS}/2").card["name"] == "digits_bits"
    assert pretrained.load(ADDRESS).card["name"] == "digits_bits"


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/1"])
def test_the_cache_is_enough_without_a_network(kaggle, no_network, address):
    pushed()
    expected = pretrained.load(address).sample(3)
    no_network()
    before = len(kaggle.requests)
    np.testing.assert_array_equal(pretrained.load(address).sample(3), expected)
    assert len(kaggle.requests) == before
    for missing in ("kaggle://ada/gan/other", f"{ADDRESS}/2"):
        with pytest.raises(UserError, match=f"{missing} cannot be reached"):
            pretrained.load(missing)
    with pytest.raises(UserError, match=f"{ADDRESS} cannot be reached"):
        pushed()


def test_without_a_network_the_newest_version_that_is_whole_is_loaded(kaggle, no_network, tmp_path):
    pushed()
    pushed(shipped.FOLDER / "digits_bits")
    pretrained.load(f"{ADDRESS}/1")
    pretrained.load(f"{ADDRESS}/2")
    no_network()
    assert pretrained.load(ADDRESS).card["name"] == "digits_bits"
    (tmp_path / "cache/models/ada/gan/keras/digits/2/generator.keras").unlink()
    assert pretrained.load(ADDRESS).card["name"] == "digits"


def test_a_damaged_file_is_refused_until_it_is_downloaded_anew(kaggle):
    pushed()
    whole = kaggle.models["ada", "gan"]["digits"][0]["generator.keras"]
    kaggle.damaged["generator.keras"] = whole[:-1] + bytes([whole[-1] ^ 1])
    with pytest.raises(UserError, match=r"damaged.*generator.keras is not.*remove") as said:
        pretrained.load(ADDRESS)
    kaggle.damaged.clear()
    shutil.rmtree(str(said.value).split("remove ")[1].split(" to download")[0])
    assert pretrained.load(ADDRESS).card["name"] == "digits"


def test_wrong_tokens_and_names_are_one_line(kaggle, monkeypatch):
    pushed()
    for missing in ("kaggle://ada/gan/digit", "kaggle://ada/other/digits", f"{ADDRESS}/7"):
        with pytest.raises(UserError, match=f"there is no export at {missing}, or it is private"):
            pretrained.load(missing)
    for token in ("bad", ""):
        monkeypatch.setenv("KAGGLE_API_TOKEN", token)
        with pytest.raises(UserError, match=f"access to {ADDRESS} is refused: put an API token"):
            pushed()
        with pytest.raises(UserError, match=f"access to {ADDRESS} is refused: put an API token"):
            pretrained.load(ADDRESS)
