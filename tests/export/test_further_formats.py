"""ONNX, LiteRT and safetensors files: what they hold, and what is said where there can be none."""

import hashlib
import importlib.util
import json
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import export, load_keras
from compare_gan_tf.architectures import text_networks
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import further_formats, players
from compare_gan_tf.gan.alphabets import Characters

pytestmark = pytest.mark.usefixtures("in_this_process")
STEP = 30
FORMATS = ("onnx", "litert", "safetensors")
FILES = {
    "onnx": ["generator.onnx", "discriminator.onnx"],
    "litert": ["generator.tflite"],
    "safetensors": ["generator.safetensors", "discriminator.safetensors"],
}


def need(*formats):
    for name in formats:
        for package in further_formats.FORMATS[name].packages:
            pytest.importorskip(package)


@pytest.fixture(scope="module")
def written(make, tmp_path_factory):
    """(run, folder) of a conditional run, exported in all formats."""
    import keras_checks

    need(*FORMATS)
    run, model_dir = make("conditional"), tmp_path_factory.mktemp("further")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compare_gan_tf.export.fresh_process._run", keras_checks.run_here)
        paths = export.export_run(run, str(model_dir), STEP, formats=FORMATS)
    folder = model_dir / "hub" / str(STEP)
    files = {file for names in FILES.values() for file in names}
    assert {path for path in paths.values()} >= {str(folder / file) for file in files}
    return run, folder


def inputs_of(run, num=4):
    random = np.random.default_rng(5)
    z = random.standard_normal((num, run.latents.dim)).astype(np.float32)
    images = random.random((num, *run.sample_shape)).astype(np.float32)
    return z, images, np.arange(num, dtype=np.int32)


def test_an_export_without_formats_has_none_of_their_files(exported):
    names = os.listdir(exported["points"].folder)
    assert not [name for name in names if name.endswith((".onnx", ".tflite", ".safetensors"))]
    card = (pathlib.Path(exported["points"].folder) / "README.md").read_text()
    assert "onnx" not in card and "tflite" not in card and "safetensors" not in card


def test_hashes_and_card_name_every_file(written):
    _, folder = written
    hashes = json.loads((folder / "manifest.json").read_text())["files"]
    card = (folder / "README.md").read_text()
    for file in (file for names in FILES.values() for file in names):
        assert hashes[file]["sha256"] == hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert f"`{file}`" in card
    for call in ("InferenceSession(", "get_signature_runner()(z=z, labels=labels)", "load_file("):
        assert call in card


def test_onnx_files_take_named_inputs_of_any_number(written):
    import onnxruntime

    run, folder = written
    z, images, labels = inputs_of(run)
    session = onnxruntime.InferenceSession(folder / "generator.onnx")
    shapes = {one.name: one.shape for one in session.get_inputs()}
    assert shapes == {"z": ["batch", 6], "labels": ["batch"]}
    found = session.run(["generated"], {"z": z, "labels": labels})[0]
    expected = (run.generator({"z": z, "labels": labels}, training=False).numpy() + 1.0) / 2.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    session = onnxruntime.InferenceSession(folder / "discriminator.onnx")
    names = ["logits", "probability", "features"]
    assert {one.name for one in session.get_outputs()} == {*names}
    logits, probability, features = session.run(names, {"images": images, "labels": labels})
    inside = {"images": images * 2.0 - 1.0, "labels": labels}
    expected = run.discriminator(inside, training=False)
    np.testing.assert_allclose(logits, expected["logits"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(features, expected["features"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probability, 1.0 / (1.0 + np.exp(-logits)), rtol=1e-5)


def test_an_onnx_generator_can_be_scored(written):
    from compare_gan_tf.evaluation import openings

    side = openings.side(str(written[1] / "generator.onnx"))
    assert (side.classes, side.sample_shape) == (10, (8, 8, 1))


def test_a_litert_file_takes_named_inputs_of_any_number(written):
    from ai_edge_litert import interpreter

    run, folder = written
    opened = interpreter.Interpreter(str(folder / "generator.tflite"))
    (signature,) = opened.get_signature_list().values()
    assert sorted(signature["inputs"]) == ["labels", "z"]
    assert signature["outputs"] == ["generated"]
    for num in (1, 4, 2):
        z, _, labels = inputs_of(run, num)
        found = opened.get_signature_runner()(z=z, labels=labels)["generated"]
        made = run.generator({"z": z, "labels": labels}, training=False).numpy()
        np.testing.assert_allclose(found, (made + 1.0) / 2.0, rtol=0, atol=1e-6)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_safetensors_are_the_weights_of_the_keras_file_bit_for_bit(player, written):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    run, folder = written
    found = load_file(folder / f"{player}.safetensors")
    with safe_open(folder / f"{player}.safetensors", "numpy") as file:
        facts = file.metadata()
    names = json.loads(facts["variables"])
    assert names == [one.path for one in getattr(run, player).variables] and len(names) >= 4
    assert found.keys() == {*names}
    expected = load_keras(folder / f"{player}.keras").variables
    again = keras.models.model_from_json(facts["architecture"]).variables
    for name, variable, new in zip(names, expected, again, strict=True):
        assert found[name].dtype == np.float32 and found[name].shape == new.shape
        assert found[name].tobytes() == variable.numpy().tobytes()
    assert facts["library"] == "compare_gan_tf" and facts["player"] == player


def test_an_export_with_fewer_formats_replaces_one_with_more(make, tmp_path):
    need("safetensors")
    run = make("points")
    paths = export.export_run(run, str(tmp_path), STEP, formats=["safetensors"])
    assert os.path.isfile(paths["generator_safetensors"])
    assert "generator_safetensors" not in export.export_run(run, str(tmp_path), STEP)
    assert not os.path.exists(paths["generator_safetensors"])


def test_variables_of_one_path_are_told_apart(make):
    """As those of layers within layers are, in a network that was loaded."""
    need("safetensors")
    from safetensors.numpy import load

    run = make("points")
    first, second = [one for one in run.generator.layers if one.weights][:2]
    second.kernel._path = first.kernel.path
    found = load(further_formats.safetensors_files.content(players.players(run)["generator"]))
    np.testing.assert_array_equal(found[first.kernel.path], first.kernel)
    np.testing.assert_array_equal(found[f"{first.kernel.path}_1"], second.kernel)
    assert len(found) == len(run.generator.variables)


@pytest.mark.slow
def test_text_is_written_with_its_probabilities(make, tmp_path):
    import onnxruntime

    need("onnx")
    run = make("points")
    run.alphabet = Characters()
    run.alphabet.bind((4,), "abc")
    run.generator = text_networks.generator((4, 3), 6, width=4)
    run.discriminator = text_networks.discriminator((4, 3), width=4)
    made = players.players(run)
    session = onnxruntime.InferenceSession(further_formats.onnx_files.content(made["generator"]))
    z, _, _ = inputs_of(run)
    text, probabilities = session.run(["generated", "probabilities"], {"z": z})
    expected = tf.nn.softmax(run.generator({"z": z}, training=False)).numpy()
    assert np.ptp(text) > 0 and text.shape == (4, 4)
    np.testing.assert_array_equal(text, expected.argmax(-1))
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


# --- Refusals ---------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("tests")
class Unusual(keras.layers.Layer):
    """Neither ONNX nor LiteRT has the operation."""

    def call(self, x):
        return tf.math.bessel_i0e(x)


def refused(run, folder, match, *formats):
    with pytest.raises(UserError, match=match) as caught:
        export.export_run(run, str(folder), STEP, formats=formats)
    assert "\n" not in str(caught.value)
    assert not (folder / "hub").exists() or os.listdir(folder / "hub") == []


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("onnx", r"generator.onnx cannot be made: ONNX has no operation for BesselI0e; leave onnx"),
        ("litert", r"generator.tflite cannot be made: .*BesselI0e.*; leave litert out of the form"),
    ],
)
def test_a_network_that_a_format_cannot_express_is_one_line(name, match, make, tmp_path):
    need(name)
    run = make("points")
    run.generator = keras.Model(run.generator.input, Unusual()(run.generator.output))
    refused(run, tmp_path, match, name)


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_a_file_that_gives_something_else_is_not_kept(name, make, tmp_path, monkeypatch):
    need(name)
    run, convert = make("points"), further_formats.FORMATS[name].content

    def of_other_weights(player):
        bias = run.generator.layers[-3].bias
        check = players.Player.check

        def after_a_change(self, *arguments):
            bias.assign_add([0.0, 3e-3])
            check(self, *arguments)

        monkeypatch.setattr(players.Player, "check", after_a_change)
        return convert(player)

    changed = further_formats.FORMATS[name]._replace(content=of_other_weights)
    monkeypatch.setitem(further_formats.FORMATS, name, changed)
    refused(run, tmp_path, "generated of a batch of 1: maximum difference 0.003 to the", name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_package_names_the_extra(name, make, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    (first, *_) = further_formats.FORMATS[name].packages
    match = rf"the format {name} needs {first}: pip install 'compare_gan_tf\[{name}\]'"
    refused(make("points"), tmp_path, match, name)


def test_an_unknown_format_is_named(make, tmp_path):
    match = "the format 'onx' is none of onnx, litert, safetensors"
    refused(make("points"), tmp_path, match, "onx")
