"""What lies on disk after an export, and after one that failed."""

import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import export
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import exporter, modules, verification

STEP = 30
pytestmark = pytest.mark.usefixtures("in_this_process")
PLAYERS = {"generator", "discriminator", "generator.keras", "discriminator.keras"}
CARD = {"model.json", "README.md", "samples.png", "manifest.json"}


@pytest.fixture
def tiny(make):
    """The smallest run; exporting it takes about a second, without a process of its own."""
    return make("points")


def break_calls(monkeypatch, by):
    """Makes every exported generator wrong by `by`."""
    right = modules._outputs

    def wrong(model, specs):
        outputs = right(model, specs)
        if isinstance(model.output, dict):
            return outputs
        return lambda inputs, labels: outputs(inputs, labels) + by

    monkeypatch.setattr(modules, "_outputs", wrong)


@pytest.mark.parametrize("name", ["unconditional", "conditional", "points"])
def test_paths_are_those_of_the_contract_and_nothing_else_is_left(name, exported):
    one = exported[name]
    assert os.listdir(one.model_dir) == ["hub"]
    assert os.listdir(os.path.join(one.model_dir, "hub")) == ["30"]
    assert set(os.listdir(one.folder)) == PLAYERS | CARD
    assert one.paths == {
        "generator": f"{one.folder}/generator",
        "discriminator": f"{one.folder}/discriminator",
        "generator_keras": f"{one.folder}/generator.keras",
        "discriminator_keras": f"{one.folder}/discriminator.keras",
        "card": f"{one.folder}/README.md",
    }


def test_metadata(exported):
    one = exported["conditional"]
    with open(os.path.join(one.paths["generator"], exporter.METADATA)) as file:
        assert json.load(file) == {
            "player": "generator",
            "sample_shape": [8, 8, 1],
            "range": [0.0, 1.0],
            "alphabet": None,
            "conditional": True,
            "num_classes": 10,
            "class_names": None,
            "latents": {"name": "normal", "dim": 6},
            "step": 30,
            "ema": False,
        }
    one = exported["points"]
    with open(os.path.join(one.paths["discriminator"], exporter.METADATA)) as file:
        metadata = json.load(file)
    assert metadata["sample_shape"] == [2]
    assert metadata["range"] is metadata["latents"] is metadata["num_classes"] is None


@pytest.mark.parametrize("name", ["unconditional", "conditional", "points"])
def test_keras_files_give_what_the_players_give(name, exported):
    one = exported[name]
    run = one.run
    for player, inputs in (
        ("generator", verification.generator_inputs(run.generator, run.latents, 3, 10)),
        ("discriminator", verification.discriminator_inputs(run.discriminator, 3, 10)),
    ):
        model = keras.models.load_model(one.paths[f"{player}_keras"])
        expected = getattr(run, player)(inputs, training=False)
        found = model(inputs, training=False)
        for value, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-6, atol=1e-6)
        assert len(model.trainable_variables) == len(getattr(run, player).trainable_variables)


def test_an_averaged_generator_is_exported_trainable_and_left_as_it_was(tiny, tmp_path):
    weights = len(tiny.generator.trainable_variables)
    tiny.generator.trainable = False
    paths = export.export_run(tiny, str(tmp_path), STEP)
    assert not tiny.generator.trainable and tiny.generator.trainable_variables == []
    assert len(keras.models.load_model(paths["generator_keras"]).trainable_variables) == weights
    assert len(tf.saved_model.load(paths["generator"]).trainable_variables) == weights


def test_a_second_export_replaces_the_first(tiny, tmp_path):
    z = tf.ones([1, 6])
    paths = export.export_run(tiny, str(tmp_path), STEP)
    first = tf.saved_model.load(paths["generator"])(z).numpy()
    tiny.generator.layers[-3].bias.assign_add([1.0, -2.0])
    assert export.export_run(tiny, str(tmp_path), STEP) == paths
    second = tf.saved_model.load(paths["generator"])(z).numpy()
    np.testing.assert_allclose(second - first, [[1.0, -2.0]], atol=1e-5)
    assert os.listdir(tmp_path / "hub") == ["30"]


def test_a_module_that_differs_is_an_error_that_names_the_difference(tiny, tmp_path, monkeypatch):
    break_calls(monkeypatch, by=0.25)
    with pytest.raises(export.ExportMismatch, match=r"batch of 1: maximum difference 0\.25 "):
        export.export_run(tiny, str(tmp_path), STEP)
    assert os.listdir(tmp_path / "hub") == []


def test_a_failed_export_leaves_the_older_one(tiny, tmp_path, monkeypatch):
    paths = export.export_run(tiny, str(tmp_path), STEP)
    break_calls(monkeypatch, by=0.25)
    with pytest.raises(export.ExportMismatch):
        export.export_run(tiny, str(tmp_path), STEP)
    assert os.listdir(tmp_path / "hub") == ["30"]
    assert tf.saved_model.load(paths["generator"])(tf.ones([1, 6])).shape == (1, 2)


@pytest.mark.parametrize("by, passes", [(2e-7, True), (3e-6, False)])
def test_the_tolerance_is_one_millionth(by, passes, tiny, tmp_path, monkeypatch):
    tiny.generator.layers[-3].kernel.assign(tf.zeros_like(tiny.generator.layers[-3].kernel))
    tiny.generator.layers[-3].bias.assign([0.0, 0.0])  # so that `by` is not lost in rounding
    break_calls(monkeypatch, by=by)
    path = str(tmp_path / "generator")
    if passes:
        export.export_generator(tiny.generator, tiny.latents, None, path)
    else:
        with pytest.raises(export.ExportMismatch, match="difference 3e-06"):
            export.export_generator(tiny.generator, tiny.latents, None, path)


def test_a_network_that_is_not_finite_is_not_exported(tiny, tmp_path):
    tiny.generator.layers[-3].bias.assign([0.0, np.nan])
    with pytest.raises(export.ExportMismatch, match="not finite"):
        export.export_run(tiny, str(tmp_path), STEP)
    assert os.listdir(tmp_path / "hub") == []


def test_weights_of_another_step_are_refused(tiny, tmp_path):
    with pytest.raises(UserError, match="step is 31, but the GAN holds the weights of step 30"):
        export.export_run(tiny, str(tmp_path), 31)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", ["abc", -1, 30.0, True, None, float("nan")])
def test_a_step_that_is_no_whole_number_is_refused(step, tiny, tmp_path):
    with pytest.raises(UserError, match=r"export_run\.step is .*: it must be a whole number"):
        export.export_run(tiny, str(tmp_path), step)
    assert os.listdir(tmp_path) == []


def test_players_can_be_exported_alone(tiny, tmp_path):
    export.export_generator(tiny.generator, tiny.latents, None, str(tmp_path / "g"))
    export.export_discriminator(tiny.discriminator, str(tmp_path / "d"))
    generator = tf.saved_model.load(str(tmp_path / "g"))
    points = generator.sample(3, [0, 1], 0.0)
    expected = tiny.discriminator({"images": points}, training=False)["logits"]
    found = tf.saved_model.load(str(tmp_path / "d"))(points)["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert sorted(os.listdir(tmp_path)) == ["d", "g"]


def test_a_folder_that_cannot_be_written_is_the_users_to_cure(tiny, tmp_path):
    (tmp_path / "hub").write_text("in the way")
    with pytest.raises(UserError, match="cannot export to .*: Not a directory; ") as caught:
        export.export_run(tiny, str(tmp_path), STEP)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_named_in_one_line_and_nothing_remains(tmp_path):
    message = "{{function_node x}} /a/b.data; No space left on device [Op:SaveV2]"
    with pytest.raises(UserError) as caught, exporter._staged(str(tmp_path / "30")) as folder:
        os.mkdir(os.path.join(folder, "generator"))
        raise tf.errors.ResourceExhaustedError(None, None, message)
    assert str(caught.value) == (
        f"cannot export to {tmp_path}/30: /a/b.data; No space left on device; free space there"
    )
    assert os.listdir(tmp_path) == []


def test_an_error_of_the_network_is_not_taken_for_one_of_the_disk(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError), exporter._staged(str(tmp_path / "30")):
        raise tf.errors.InvalidArgumentError(None, None, "shapes")
    assert os.listdir(tmp_path) == []


def test_names_of_classes_are_in_the_metadata_of_both_players(make, tmp_path):
    run = make("conditional")
    names = tuple(f"digit {label}" for label in range(10))
    paths = export.export_run(run, str(tmp_path), STEP, class_names=names)
    for player in ("generator", "discriminator"):
        with open(os.path.join(paths[player], exporter.METADATA)) as file:
            assert json.load(file)["class_names"] == list(names)
    with pytest.raises(UserError, match="class_names are 3 names for 10 classes"):
        export.export_run(run, str(tmp_path), STEP, class_names=names[:3])
    assert tf.saved_model.load(paths["generator"]).sample(1, [0, 1]).shape == (1, 8, 8, 1)
