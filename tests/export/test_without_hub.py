"""Neither an export nor its readers need tensorflow-hub, which is an extra."""

import ast
import pathlib
import subprocess
import sys

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import modules

ROOT = pathlib.Path(__file__).parents[2]
HUB = {"tensorflow_hub", "tf_keras", "pkg_resources"}
# Python runs a module of this name when it starts, in every process.
SITE = f"""
import importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HUB}:
            raise ModuleNotFoundError(f"No module named {{name!r}}")

sys.meta_path.insert(0, Refuse())
"""
EXPORTS = """
import compare_gan_tf.export as export
import tensorflow as tf
from compare_gan_tf.architectures import mlp
from compare_gan_tf.latents import Normal

export.export_generator(mlp.generator((2,), 3, units=4), Normal(3), None, "g")
module = tf.saved_model.load("g")
assert module.sample(2, [0, 1], 0.0).shape == (2, 2)
"""


@pytest.fixture
def without_hub(tmp_path, monkeypatch):
    """Runs a command in a folder, and in processes that have no tensorflow-hub."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=":")

    def run(*command):
        command = [sys.executable, *map(str, command)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_it_is_imported_by_one_function_alone():
    paths = [*ROOT.glob("compare_gan_tf/**/*.py"), *ROOT.glob("export/*.py")]
    paths += ROOT.glob("examples/*.py")
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in getattr(node, "names", ()) if isinstance(node, ast.Import)]
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            if HUB & {str(name).partition(".")[0] for name in names}:
                found.add(str(path.relative_to(ROOT)))
    assert found == {"compare_gan_tf/evaluation/modules.py"}


def test_a_generator_is_exported_and_loaded_without_it(without_hub):
    assert "No module named 'tensorflow_hub'" in without_hub("-c", "import tensorflow_hub").stderr
    done = without_hub("-c", EXPORTS)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_handle_on_the_web_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    with pytest.raises(UserError, match=r"pip install 'compare_gan_tf\[hub\]'"):
        modules.Loaded("https://tfhub.dev/someone/generator/1", trusted=True)


@pytest.mark.slow
def test_a_run_is_trained_exported_and_used_without_it(without_hub, tmp_path):
    verb = ("-m", "compare_gan_tf.bin.main")
    config = "--gin_config=toy/lsgan_ring.gin"
    steps = "--gin_bindings=train.training_steps = 100"
    for command in (
        (*verb, "train", "--model_dir=run", config, steps),
        (*verb, "export", "--model_dir=run"),
        (ROOT / "examples" / "load_module.py", "run/hub/100/generator"),
        (*verb, "sample", "--module=run/hub/100/generator", "--output=points.npz"),
    ):
        done = without_hub(*command)
        assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "points.npz").is_file()
