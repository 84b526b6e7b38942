"""Runs a verb inside the test's process, for importing TensorFlow anew takes seconds."""

import pathlib
import shutil

import gin
import pytest
from absl import app, flags
from small_config import SMALL

from compare_gan_tf.bin import command, train

SCORED = f"{SMALL}evaluate.batch_size = 300\n"


def _exit_code(module, *arguments):
    """absl counts the programs a process runs, and allows one."""
    done = app._register_and_parse_flags_with_usage.done
    app._register_and_parse_flags_with_usage.done = False
    with pytest.raises(SystemExit) as exit_:
        command.main(module, ["compare-gan", *map(str, arguments)])
    app._register_and_parse_flags_with_usage.done = done
    return exit_.value.code


@pytest.fixture
def run_verb(capfd):
    """Returns a function (verb module, arguments) -> (exit code, stdout, stderr)."""
    verbosity = flags.FLAGS["verbosity"]
    before = (verbosity.value, verbosity.using_default_value)

    def run(module, *arguments):
        capfd.readouterr()
        code = _exit_code(module, *arguments)
        out, err = capfd.readouterr()
        return code, out, err

    yield run
    verbosity.value, verbosity.using_default_value = before
    gin.clear_config()


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
    assert _exit_code(train, *flags_) == 0
    gin.clear_config()
    return folder / "run"


@pytest.fixture
def trained(_small_run, small) -> pathlib.Path:
    """Folder of the run that the flags of `small` name, trained."""
    return pathlib.Path(shutil.copytree(_small_run, small[1].removeprefix("--model_dir=")))
