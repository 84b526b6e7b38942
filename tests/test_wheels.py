"""The distributions: a wheel made of the source distribution, installed in new environments."""

import fnmatch
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from compare_gan_tf import __version__

ROOT = pathlib.Path(__file__).parent.parent
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

pytestmark = pytest.mark.slow


def run(*command, cwd, **environment):
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def not_in_a_clone(folder, names):
    """Of the files of a folder, those that a clone lacks."""
    found = set(fnmatch.filter(names, ".*venv") + fnmatch.filter(names, "*.egg-info"))
    return found | {".git", "runs", "studies", "build"} if folder == str(ROOT) else found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    shutil.copytree(ROOT, folder / "source", ignore=not_in_a_clone)
    build = f"import setuptools.build_meta as b; b.build_sdist({str(folder)!r})"
    run(sys.executable, "-c", build, cwd=folder / "source")
    return folder / f"compare_gan_tf-{__version__}.tar.gz"


@pytest.fixture(scope="module")
def wheel(sdist):
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", sdist, cwd=sdist.parent)
    return sdist.parent / f"compare_gan_tf-{__version__}-py3-none-any.whl"


def python(version):
    """The interpreter of a version; None if this machine has none."""
    name = f"python{version}"
    if shutil.which(name) is None:
        return None
    ask = [name, "-c", "import sys; print(sys.executable)"]
    environment = ENVIRONMENT | {"PYENV_VERSION": version}
    done = subprocess.run(ask, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def test_the_source_distribution_holds_what_make_and_the_readme_need(sdist):
    names = run("tar", "tzf", sdist, cwd=sdist.parent).splitlines()
    inside = {name.partition("/")[2] for name in names}
    wanted = {"Makefile", "constraints.txt", "CHANGELOG.md", "docs/results.md", "tests/conftest.py"}
    assert wanted | {"export/README.md", "gin_configs/quickstart.gin"} <= inside


def test_the_wheel_holds_the_models_and_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.compress_size for info in archive.infolist()}
    assert "compare_gan_tf/pretrained/zoo/digits/generator.keras" in sizes
    assert not [name for name in sizes if name.startswith(("tests", "docs", "benchmarks"))]
    zoo = sum(size for name, size in sizes.items() if "/pretrained/zoo/" in name)
    assert zoo < 15e6


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_new_environment_installs_the_wheel_and_draws_samples(version, wheel, tmp_path):
    interpreter = python(version)
    if interpreter is None:
        pytest.skip(f"this machine has no Python {version}")
    environment = tmp_path / "venv"
    run(interpreter, "-m", "venv", environment, cwd=tmp_path)
    pip = (environment / "bin/python", "-m", "pip", "install", "-q")
    run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    command = environment / "bin/compare-gan"
    assert run(command, "--version", cwd=tmp_path).strip() == __version__
    listed = json.loads(run(command, "models", "--json", cwd=tmp_path))
    assert "digits" in json.dumps(listed)
    flags = ("--model=digits", "--num=9", "--output=digits.png")
    run(command, "sample", *flags, cwd=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert (tmp_path / "digits.png").stat().st_size > 1000
    shutil.rmtree(environment)  # 2 GB
