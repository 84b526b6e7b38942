"""Small runs of verbs."""

import pathlib
import shutil

import gin
import pytest
from small_config import SMALL
from verbs import exit_code

from compare_gan_tf.bin import train

SCORED = f"{SMALL}evaluate.batch_size = 300\n"


@pytest.fixture(scope="session")
def small_config():
    """Text of a config of a GAN of a few hundred weights."""
    return SCORED


@pytest.fixture
def small(tmp_path):
    """Flags for a small run: --gin_config and --model_dir."""
    path = tmp_path / "small.gin"
    path.write_text(SCORED)
    return f"--gin_config={path}", f"--model_dir={tmp_path / 'run'}"


@pytest.fixture(scope="session")
def _small_run(tmp_path_factory):
    """Folder of a small run, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.gin").write_text(SCORED)
    flags_ = f"--gin_config={folder / 'small.gin'}", f"--model_dir={folder / 'run'}"
    assert exit_code(train, *flags_) == 0
    gin.clear_config()
    return folder / "run"


@pytest.fixture
def trained(_small_run, small) -> pathlib.Path:
    """Folder of the run that the flags of `small` name, trained."""
    return pathlib.Path(shutil.copytree(_small_run, small[1].removeprefix("--model_dir=")))
