"""`.keras` files load in a process that has only what the contract names, and give the same."""

import json
import subprocess
import sys

import exported_networks as networks
import keras
import numpy as np
import pytest

from compare_gan_tf import load_keras
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import verification

STEP = 30
ROWS = 2
# Seconds each; the slow tests have them.
LARGE = ("biggan", "biggan_deep", "fastgan", "sagan", "resnet30")
LOADS = """
import sys
import numpy as np
{imports}
arrays = dict(np.load(sys.argv[1]))
names = [name.removesuffix(".keras") for name in __import__("os").listdir(sys.argv[2])]
given, found = {{name: {{}} for name in names}}, {{}}
for key, values in arrays.items():
    name, _, tensor = key.partition("/")
    given[name][tensor] = values
for name in names:
    outputs = {load}(sys.argv[2] + "/" + name + ".keras")(given[name], training=False)
    outputs = outputs if isinstance(outputs, dict) else {{"": outputs}}
    found |= {{name + "/" + key: np.asarray(value) for key, value in outputs.items()}}
np.savez(sys.argv[3], **found)
"""
LOADERS = {
    "load_keras": ("from compare_gan_tf import load_keras", "load_keras"),
    "load_model": ("import keras; import compare_gan_tf.export", "keras.models.load_model"),
}


def moved(model, rng):
    """`model` with every number away from what a new one has; variances stay above 0."""
    for variable in model.variables:
        if "float" in variable.dtype:
            noise = rng.uniform(-0.3, 0.3, variable.shape).astype(variable.dtype)
            positive = any(part in variable.path for part in ("variance", "reference_size"))
            variable.assign(variable + (abs(noise) + 0.2 if positive else noise))
    return model


def inputs_of(model, rng):
    given = {}
    for tensor in model.inputs:
        shape = [ROWS, *tensor.shape[1:]]
        whole = "int" in tensor.dtype
        values = rng.integers(0, networks.CLASSES, shape) if whole else rng.standard_normal(shape)
        given[tensor.name] = values.astype(tensor.dtype)
    return given


def outputs_of(model, given):
    outputs = model(given, training=False)
    outputs = outputs if isinstance(outputs, dict) else {"": outputs}
    return {name: np.asarray(values) for name, values in outputs.items()}


def saved(makers, folder):
    """Builds and saves networks; returns ({file/tensor: inputs}, {file/output: values}, names)."""
    rng = np.random.default_rng(0)
    (folder / "files").mkdir()
    given, expected, names = {}, {}, []
    for name, make in makers:
        try:
            model = moved(make(), rng)
        except UserError:
            continue  # what does not fit this architecture
        own = inputs_of(model, rng)
        file = name.replace("/", "-")
        model.save(folder / "files" / f"{file}.keras")
        given |= {f"{file}/{key}": values for key, values in own.items()}
        expected |= {f"{file}/{key}": value for key, value in outputs_of(model, own).items()}
        names.append(name)
    return given, expected, names


def loaded_afresh(folder, given, loader):
    imports, load = LOADERS[loader]
    np.savez(folder / "given.npz", **given)
    program = LOADS.format(imports=imports, load=load)
    command = [sys.executable, "-c", program, folder / "given.npz", folder / "files"]
    done = subprocess.run(
        [*command, folder / "found.npz"], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(folder / "found.npz"))


def check(makers, folder, loader):
    given, expected, names = saved(makers, folder)
    found = loaded_afresh(folder, given, loader)
    assert found.keys() == expected.keys()
    # Of a few narrow networks all ReLUs are dead, and every output is the same.
    assert np.mean([np.ptp(value) > 0 for value in expected.values()]) > 0.9
    for key, value in expected.items():
        limit = 1e-6 * max(1.0, np.abs(value).max())
        np.testing.assert_allclose(found[key], value, rtol=0, atol=limit, err_msg=key)
    return names


@pytest.mark.slow
def test_one_of_each_small_architecture_loads_in_a_fresh_process(tmp_path):
    makers = dict([*networks.generators(), *networks.discriminators()])
    suffixes = ("generator/self_modulation", "conditioning_predicted")
    names = [*(f"{family}/generator" for family in networks.BARE), "logits"]
    chosen = [name for name in makers if name in names or name.endswith(suffixes)]
    chosen = [name for name in chosen if not name.startswith(LARGE)]
    built = check([(name, makers[name]) for name in chosen], tmp_path, "load_keras")
    assert built == chosen
    assert {name.split("/")[0] for name in built} == {*networks.SMALL, "logits"} - {*LARGE}


@pytest.mark.slow
@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("players", [networks.generators, networks.discriminators])
def test_every_norm_conditioning_and_head_loads_in_a_fresh_process(players, loader, tmp_path):
    names = check(players(), tmp_path, loader)
    assert len(names) > 200
    kinds = {name.split("/")[2] for name in names if name.count("/") == 2}
    if players is networks.generators:
        assert kinds >= {*networks.NORMS, *networks.KERNEL_NORMS, "further"}
    else:
        assert kinds >= {f"conditioning_{name}" for name in networks.CONDITIONINGS}
        assert kinds >= {f"kernel_norm_{name}" for name in networks.KERNEL_NORMS}


class Unregistered(keras.layers.Layer):
    """As a user writes a first layer."""

    def call(self, x):
        return x


# --- load_keras -------------------------------------------------------------------------------


def test_a_file_that_is_none_is_one_line(tmp_path):
    (tmp_path / "text.keras").write_text("no model")
    mlp.generator((2,), 3, units=4).save(tmp_path / "half.keras")
    whole = (tmp_path / "half.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    for name in ("text.keras", "half.keras", "missing.keras", "."):
        with pytest.raises(UserError, match="cannot load|there is no file") as caught:
            load_keras(tmp_path / name)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_what_nobody_registered_is_named(tmp_path):
    z = keras.Input((2,), name="z")
    keras.Model({"z": z}, Unregistered()(z)).save(tmp_path / "own.keras")
    with pytest.raises(UserError, match="Unregistered"):
        load_keras(tmp_path / "own.keras")


def test_a_trained_network_keeps_its_weights_trainable(tmp_path):
    model = mlp.generator((2,), 3, units=4)
    model.save(tmp_path / "model.keras")
    again = load_keras(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    assert len(again.trainable_variables) == len(model.trainable_variables) > 0
    assert verification.TOLERANCE == 1e-6  # what the outputs above are compared with
