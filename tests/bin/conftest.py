"""Runs a verb inside the test's process, for importing TensorFlow anew takes seconds."""

import gin
import pytest
from absl import app, flags

from compare_gan_tf.bin import command


@pytest.fixture
def run_verb(monkeypatch, capfd):
    """Returns a function (verb module, arguments) -> (exit code, stdout, stderr)."""
    verbosity = flags.FLAGS["verbosity"]
    before = (verbosity.value, verbosity.using_default_value)
    # absl counts the programs a process runs, and allows one.
    monkeypatch.setattr(app._register_and_parse_flags_with_usage, "done", False)

    def run(module, *arguments):
        app._register_and_parse_flags_with_usage.done = False
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            command.main(module, ["compare-gan", *map(str, arguments)])
        out, err = capfd.readouterr()
        return exit_.value.code, out, err

    yield run
    verbosity.value, verbosity.using_default_value = before
    gin.clear_config()
