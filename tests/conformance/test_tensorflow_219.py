"""On TensorFlow 2.19, which has a build for TPUs: the install, and the core of the fast tests."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PARTS = ("compare_gan_tf", "export", "gin_configs", "tests", "docs", "examples", "benchmarks")
CORE = (
    *("settings", "layers", "latents", "objectives", "optimizers", "augment", "architectures"),
    *("gan", "runs", "training", "sampling", "export"),
)


@pytest.mark.slow
def test_the_core_of_the_fast_tests_passes(tmp_path):
    checkout, environment = tmp_path / "checkout", tmp_path / "environment"
    checkout.mkdir()
    for file in filter(pathlib.Path.is_file, ROOT.iterdir()):
        shutil.copy(file, checkout)
    for part in PARTS:
        shutil.copytree(ROOT / part, checkout / part, symlinks=True)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", "constraints-tf219.txt"]
    extras = ["--editable", ".[study,hub,video]", "pytest"]
    subprocess.run([*install, *extras], cwd=checkout, check=True)
    version = [python, "-c", "import importlib.metadata as m; print(m.version('tensorflow'))"]
    said = subprocess.run(version, check=True, capture_output=True, text=True).stdout
    assert said.startswith("2.19.")
    tests = [f"tests/{name}" for name in CORE]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [python, "-m", "pytest", "-q", *tests],
        cwd=checkout,
        env=own,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
