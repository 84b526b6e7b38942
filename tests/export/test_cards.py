"""The card of an export: facts, model card, picture and hashes."""

import hashlib
import json
import pathlib

import pytest
import yaml
from PIL import Image

from compare_gan_tf.errors import UserError
from compare_gan_tf.export import cards
from compare_gan_tf.runs import results

pytestmark = pytest.mark.usefixtures("in_this_process")


def facts(**changes):
    known = {
        "format": 1, "name": "mine", "compare_gan_tf": "0.1.0", "kind": "images", "step": 2000,
        "ema": True, "sample_shape": [8, 8, 1], "num_classes": 10, "class_names": None,
        "latents": {"name": "normal", "dim": 6}, "alphabet": None,
        "parameters": {"generator": 1234, "discriminator": 567},
        "data": {"name": "digits", "licence": "CC BY 4.0", "address": "https://example.org"},
        "training": {"config": "train.seed = 3\n", "seconds": 90.0, "devices": ["CPU:0"],
                     "cpu_count": 2},
        "scores": [{"metric": "fid", "split": "test", "value": 5.5, "interval": [4.5, 6.5],
                    "protocol_id": "fid-a", "protocol": {}}],
    }  # fmt: skip
    return known | changes


def front_matter(text):
    _, yaml_text, body = text.split("---\n", 2)
    return yaml.safe_load(yaml_text), body


def test_the_front_matter_is_a_model_index():
    head, body = front_matter(cards.text(facts(), picture=True))
    [model] = head["model-index"]
    [result] = model["results"]
    assert model["name"] == "mine" and head["datasets"] == ["digits"]
    assert result["metrics"] == [{"type": "fid", "value": 5.5, "name": "fid-a"}]
    assert result["dataset"] == {"name": "digits", "type": "digits", "split": "test"}
    assert "| fid | test | 5.5 [4.5, 6.5] | `fid-a` |" in body
    assert "licence: CC BY 4.0" in body and "2,000 steps took 1 min 30 s on CPU:0" in body
    assert "train.seed = 3" in body and "![" in body


@pytest.mark.parametrize("value", [1e-05, 5.5, 123456789.25, -2.5e-07, 1e22])
def test_any_value_is_a_number_of_yaml(value):
    score = facts()["scores"][0] | {"value": value}
    head, _ = front_matter(cards.text(facts(scores=[score]), picture=False))
    assert head["model-index"][0]["results"][0]["metrics"][0]["value"] == pytest.approx(value)


def test_a_card_without_scores_data_or_picture():
    unknown = facts(scores=[], data={"name": None, "licence": None, "address": None}, training={
        "config": None, "seconds": None})  # fmt: skip
    head, body = front_matter(cards.text(unknown, picture=False))
    assert "model-index" not in head and "datasets" not in head
    assert "None were computed" in body and "![" not in body and "gin" not in body


@pytest.mark.parametrize("name", ["a: b", "[x]", "# no", 'quo"te', "日本"])
def test_any_name_is_yaml(name):
    head, _ = front_matter(cards.text(facts(name=name), picture=False))
    assert head["model-index"][0]["name"] == name


@pytest.mark.parametrize("name", ["unconditional", "conditional", "points"])
def test_an_export_has_facts_picture_and_hashes(name, exported):
    one = exported[name]
    folder = pathlib.Path(one.folder)
    known = cards.read(one.folder)
    assert known["sample_shape"] == list(one.run.sample_shape)
    assert known["parameters"]["generator"] == one.run.sampling_generator.count_params()
    assert Image.open(folder / "samples.png").size[0] > 100
    hashes = json.loads((folder / "manifest.json").read_text())["files"]
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert hashes.keys() == there - {"manifest.json", ".compare_gan"} - {
        path for path in there if path.startswith(".")
    }
    for path, kept in hashes.items():
        content = (folder / path).read_bytes()
        assert kept == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_the_last_score_of_each_protocol_is_on_the_card(tmp_path, make):
    def row(**changes):
        return {
            "run": "a", "step": 0, "checkpoint": "c", "split": "test", "metric": "fid",
            "value": 1.0, "reason": None, "interval": None, "protocol": {}, "protocol_id": "p",
            "seconds": 0.1, "time": "2026-01-01T00:00:00+00:00",
        } | changes  # fmt: skip

    gan = make("points")
    step = gan.current_step
    path = results.path(tmp_path)
    results.append(path, row(step=step), row(step=step, value=2.0), row(step=step + 1, value=9.0))
    failed = row(step=step, value=None, reason="no")
    results.append(path, failed, row(step=step, protocol_id="q", value=3.0))
    known = cards.facts(gan, str(tmp_path), name="n", data="digits", class_names=None)
    assert [score["value"] for score in known["scores"]] == [2.0, 3.0]
    assert known["data"]["licence"] == "CC BY 4.0"
    assert known["training"] == {"config": None, "seconds": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no model.json"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": "1"}', "is damaged"),
        ('{"format": 99}', "of a newer version"),
    ],
)
def test_facts_that_cannot_be_read_are_told(tmp_path, content, message):
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(UserError, match=message):
        cards.read(str(tmp_path))


def test_a_changed_or_missing_file_is_told(tmp_path):
    (tmp_path / "a").write_text("a")
    with pytest.raises(UserError, match=r"manifest.json is damaged or missing"):
        cards.require_unchanged(str(tmp_path), "a")
    cards.write_manifest(str(tmp_path), ["a"])
    cards.require_unchanged(str(tmp_path), "a")
    with pytest.raises(UserError, match=r"manifest.json is damaged or missing"):
        cards.require_unchanged(str(tmp_path), "b")
    (tmp_path / "a").write_text("b")
    with pytest.raises(UserError, match="is not the file that was exported"):
        cards.require_unchanged(str(tmp_path), "a")


def test_a_card_does_not_tell_where_the_images_lie(make, tmp_path):
    """It is published, and the path has the name of a user."""
    (tmp_path / "config.gin").write_text("data.load.name = 'folder:/home/ada/my cats'\n")
    gan = make("points")
    (tmp_path / "manifest.json").write_text('{"starts": [{"seed": 0}]}')
    found = cards.facts(
        gan, str(tmp_path), name="cats", data="folder:/home/ada/my cats", class_names=None
    )
    assert "/home" not in json.dumps(found)
    assert found["data"]["name"] == "folder:my cats"
    assert found["training"]["config"] == "data.load.name = 'folder:my cats'\n"
