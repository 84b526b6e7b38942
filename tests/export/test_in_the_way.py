"""What an export does not replace, and the names of folders that it may be in."""

import os
import re

import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but

from compare_gan_tf import export, load_keras
from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import files

STEP = 30
WRITTEN = {
    *("generator", "discriminator", "generator.keras", "discriminator.keras"),
    *("model.json", "README.md", "samples.png", "manifest.json"),
}
pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def tiny(make):
    """The smallest run."""
    return make("points")


def refused(run, folder, match):
    """Exports a run where something is in the way, and checks that it stays as it is."""
    before = sorted(str(path) for path in folder.rglob("*"))
    with pytest.raises(UserError, match=match) as caught:
        export.export_run(run, str(folder), STEP)
    assert "\n" not in str(caught.value)
    assert sorted(str(path) for path in folder.rglob("*")) == before


def test_a_folder_that_no_export_wrote_is_not_replaced(tiny, tmp_path):
    (tmp_path / "hub/30").mkdir(parents=True)
    (tmp_path / "hub/30/thesis.txt").write_text("years")
    refused(tiny, tmp_path, r"hub/30/thesis\.txt is in the way")
    assert (tmp_path / "hub/30/thesis.txt").read_text() == "years"


@pytest.mark.parametrize("added", ["notes.txt", "generator/notes.txt", "generator/assets/words"])
def test_an_export_to_which_something_was_added_is_not_replaced(tiny, tmp_path, added):
    export.export_run(tiny, str(tmp_path), STEP)
    (tmp_path / "hub/30" / added).write_text("mine")
    refused(tiny, tmp_path, rf"hub/30/{added} is in the way")


def test_a_model_of_others_is_not_replaced(tiny, tmp_path):
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "hub/30/generator"))
    refused(tiny, tmp_path, "hub/30/generator.* is in the way")
    with pytest.raises(UserError, match=r"saved_model\.pb|assets .*in the way"):
        export.export_generator(
            tiny.generator, tiny.latents, None, str(tmp_path / "hub/30/generator")
        )
    assert float(tf.saved_model.load(str(tmp_path / "hub/30/generator")).weight) == 1.0


def test_a_link_is_not_followed_and_not_replaced(tiny, tmp_path):
    export.export_run(tiny, str(tmp_path / "other"), STEP)
    (tmp_path / "run/hub").mkdir(parents=True)
    (tmp_path / "run/hub/30").symlink_to(tmp_path / "other/hub/30")
    refused(tiny, tmp_path / "run", "hub/30 is a link")
    (tmp_path / "run/hub/30").unlink()
    (tmp_path / "run/hub/30").symlink_to(tmp_path / "nowhere")
    refused(tiny, tmp_path / "run", "hub/30 is a link")
    (tmp_path / "run/hub/30").unlink()
    export.export_run(tiny, str(tmp_path / "run"), STEP)
    (tmp_path / "run/hub/30/generator.keras").unlink()
    (tmp_path / "run/hub/30/generator.keras").symlink_to(tmp_path / "other/hub/30/generator.keras")
    refused(tiny, tmp_path / "run", r"generator\.keras is in the way")
    assert set(os.listdir(tmp_path / "other/hub/30")) == WRITTEN


def test_folders_that_earlier_versions_would_have_cleared_stay(tiny, tmp_path):
    for name in ("30.partial", "30.old", ".compare_gan-own"):
        (tmp_path / "hub" / name).mkdir(parents=True)
        (tmp_path / "hub" / name / "thesis.txt").write_text("years")
    export.export_run(tiny, str(tmp_path), STEP)
    assert sorted(os.listdir(tmp_path / "hub")) == [
        ".compare_gan-own",
        "30",
        "30.old",
        "30.partial",
    ]


# --- Names of folders -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    slow_but(
        [
            "a b",
            "x[1]",
            "[a-z]*",
            "q?",
            "quo'te\"",
            "%s{x}",
            "two\nlines",
            "Zoë 日本",
            "-m",
            "back\\slash",
        ]
        + ["n" * 200],
        "x[1]",
        "Zoë 日本",
        "-m",
    ),
)
def test_any_name_of_the_folder(name, tiny, tmp_path):
    paths = export.export_run(tiny, str(tmp_path / name), STEP)
    assert set(os.listdir(tmp_path / name / "hub/30")) == WRITTEN
    loaded = load_keras(paths["generator_keras"])({"z": tf.ones([1, 6])}, training=False)
    with files.without_patterns(paths["generator"]) as path:
        module = tf.saved_model.load(path)
    np.testing.assert_allclose(module(tf.ones([1, 6])), loaded, rtol=1e-6)
    assert os.listdir(tmp_path) == [name]


def test_a_name_that_is_no_text_is_one_line(tiny, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/x\xff")
    with pytest.raises(UserError, match="is not UTF-8.*rename"):
        export.export_run(tiny, folder, STEP)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["README.md", "model.json", "samples.png"])
def test_a_card_that_was_edited_is_not_replaced(name, tiny, tmp_path):
    export.export_run(tiny, str(tmp_path), 30)
    card = tmp_path / "hub/30" / name
    card.write_text("mine")
    with pytest.raises(UserError, match=re.escape(name)):
        export.export_run(tiny, str(tmp_path), 30)
    assert card.read_text() == "mine"


def test_a_readme_beside_the_modules_of_an_older_version_is_not_replaced(tiny, tmp_path):
    export.export_run(tiny, str(tmp_path), 30)
    folder = tmp_path / "hub/30"
    for name in ("README.md", "model.json", "samples.png", "manifest.json"):
        (folder / name).unlink()
    for content in ("{}", '{"files": {}}'):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(UserError, match="manifest.json"):
            export.export_run(tiny, str(tmp_path), 30)
    (folder / "manifest.json").unlink()
    export.export_run(tiny, str(tmp_path), 30)
    assert (folder / "model.json").exists()
