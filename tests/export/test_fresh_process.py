"""The exporter's check of `.keras` files in a process that has seen nothing of this one."""

import os
import re
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import export, load_keras
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import fresh_process

STEP = 30


@pytest.fixture
def tiny(make):
    return make("points")


def test_the_exporter_loads_them_in_another_process(tiny, tmp_path, monkeypatch):
    started, run = [], subprocess.run

    def noted(command, **options):
        started.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noted)
    monkeypatch.chdir(tmp_path)  # whose files must not be taken for modules
    (tmp_path / "json.py").write_text("raise RuntimeError('not the one of Python')")
    export.export_run(tiny, "run", STEP)
    assert [command[0] for command in started] == [sys.executable]  # one for both players


def test_a_file_that_gives_something_else_is_no_export(
    tiny, tmp_path, monkeypatch, in_this_process
):
    run = fresh_process._run

    def of_other_weights(job):
        model = keras.models.load_model(job["paths"][0])
        model.layers[-3].bias.assign_add([0.25, 0.0])
        model.save(job["paths"][0])
        run(job)

    monkeypatch.setattr(fresh_process, "_run", of_other_weights)
    with pytest.raises(export.ExportMismatch, match=r"generator\.keras: maximum difference 0\.25 "):
        export.export_run(tiny, str(tmp_path), STEP)
    assert os.listdir(tmp_path / "hub") == []


def test_a_layer_that_no_import_registers_is_no_export(
    tiny, tmp_path, monkeypatch, in_this_process
):
    """As one of ours would be whose module nobody imports."""
    run = fresh_process._run

    def forgetting(job):
        with zipfile.ZipFile(job["paths"][1]) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["config.json"] = parts["config.json"].replace(b'"Dense"', b'"compare_gan_tf>Gone"')
        with zipfile.ZipFile(job["paths"][1], "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        run(job)

    monkeypatch.setattr(fresh_process, "_run", forgetting)
    match = r"a fresh process cannot load discriminator\.keras: .*compare_gan_tf>Gone"
    with pytest.raises(export.ExportMismatch, match=match):
        export.export_run(tiny, str(tmp_path), STEP)


@pytest.mark.parametrize(
    ("executable", "said"),
    [
        ("/no/such/python", "no Python process can be started by /no/such/python"),
        ("/bin/false", "the Python process that loads them ended with code 1"),
    ],
)
def test_a_process_that_cannot_be_started_is_said(executable, said, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(UserError, match=f"the .keras files cannot be checked: {said}"):
        export.export_run(tiny, str(tmp_path), STEP)
    assert os.listdir(tmp_path / "hub") == []


# --- Layers of one's own ----------------------------------------------------------------------

MODULE = """
import keras

@keras.saving.register_keras_serializable("own")
class Scaled(keras.layers.Layer):
    def __init__(self, factor=2.0, **layer):
        super().__init__(**layer)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return super().get_config() | {"factor": self.factor}
"""


@pytest.fixture
def own_layers(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/own_layers_of_a_user.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path / "code")
    import own_layers_of_a_user

    return own_layers_of_a_user


def ending_in(layer, run):
    run.generator = keras.Model(run.generator.input, layer(run.generator.output), name="generator")
    return run


@pytest.mark.slow
def test_own_layers_that_can_be_imported_are_exported(tiny, own_layers, tmp_path):
    paths = export.export_run(ending_in(own_layers.Scaled(), tiny), str(tmp_path / "run"), STEP)
    z = {"z": tf.ones([1, 6])}
    expected = tiny.generator(z, training=False)
    np.testing.assert_allclose(load_keras(paths["generator_keras"])(z), expected, rtol=1e-6)


@keras.saving.register_keras_serializable("tests")
class OfAScript(keras.layers.Layer):
    """Registered, in what no other process can import."""

    __module__ = "__main__"

    def call(self, x):
        return x


class Unregistered(OfAScript):
    """As a user writes a first layer."""


class Unsaved(keras.layers.Layer):
    """One that Keras cannot save."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (
            OfAScript,
            r"generator\.keras would hold tests>OfAScript of __main__, which another process",
        ),
        (Unregistered, "generator.keras would hold Unregistered, which nothing could load"),
        (lambda: Unsaved(2.0), "Unsaved"),
        (lambda: keras.layers.Lambda(lambda x: x), "would hold a lambda, which nothing"),
        (lambda: keras.layers.Activation(lambda x: x), "would hold a lambda, which nothing"),
    ],
)
def test_own_layers_that_no_other_process_can_import_leave_out_the_file(
    layer, said, tiny, in_this_process, tmp_path, caplog
):
    """The modules need no layer."""
    written = export.export_run(ending_in(layer(), tiny), str(tmp_path), STEP)
    assert sorted(written) == ["card", "discriminator", "discriminator_keras", "generator"]
    assert not os.path.exists(written["generator"] + ".keras")
    (record,) = [one for one in caplog.records if "left out" in one.message]
    assert re.search(said, record.message) and "\n" not in record.message
