"""A small GAN, lowered, and trained by JAX and by TensorFlow."""

import importlib.util
import json
import pathlib
import shutil
import types

import gin
import keras
import pytest
from lowered_gan import FAST, WHOLE, run_py, values
from verbs import exit_code

from compare_gan_tf import data, training
from compare_gan_tf.bin import build, lower


@pytest.fixture(scope="session")
def jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'compare_gan_tf[jax]'")


def _lower(text, folder):
    (folder / "small.gin").write_text(text)
    flags = f"--gin_config={folder / 'small.gin'}", f"--out={folder / 'lowered'}"
    assert exit_code(lower, *flags) == 0
    gin.clear_config()
    return folder / "lowered"


@pytest.fixture(scope="session")
def _small(tmp_path_factory):
    return _lower(FAST, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def _whole(tmp_path_factory):
    return _lower(WHOLE, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def _trained(_whole, jax, tmp_path_factory):
    folder = shutil.copytree(_whole, tmp_path_factory.mktemp("jax") / "lowered")
    run_py(folder, "--checkpoint-every=2")
    return folder


@pytest.fixture
def copy(tmp_path):
    return lambda folder: pathlib.Path(shutil.copytree(folder, tmp_path / "lowered"))


@pytest.fixture
def small(copy, _small):
    """The smallest GAN, lowered."""
    return copy(_small)


@pytest.fixture
def lowered(copy, _whole):
    """A GAN with most of what a step has, lowered."""
    return copy(_whole)


@pytest.fixture
def trained(_trained, tmp_path):
    """The same, trained by JAX to its last step."""
    return pathlib.Path(shutil.copytree(_trained, tmp_path / "trained"))


class _Keep(keras.callbacks.Callback):
    """Keeps the variables after each step."""

    def __init__(self):
        super().__init__()
        self.states = {}

    def on_train_batch_end(self, batch, logs=None):
        self.states[self.model.current_step] = values(self.model)


@pytest.fixture(scope="session")
def by_tensorflow(_whole, tmp_path_factory):
    """{step: {name: array}}, the log and the GAN of the same training by TensorFlow."""
    own = str(_whole / "config.gin")
    flags = types.SimpleNamespace(gin_config=[own], gin_bindings=[], model_dir=None)
    build.read_config(flags)
    model_dir, kept = tmp_path_factory.mktemp("tensorflow") / "run", _Keep()
    gan = training.prepare(str(model_dir), dataset=data.load(), callbacks=[kept]).fit()
    log = (model_dir / "logs" / "train.jsonl").read_text().splitlines()
    gin.clear_config()
    return kept.states, {row["step"]: row for row in map(json.loads, log)}, gan
