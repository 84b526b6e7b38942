"""Runs a verb inside the test's process, for importing TensorFlow anew takes seconds."""

import pytest
from absl import app

from compare_gan_tf.bin import command


def exit_code(module, *arguments):
    """absl counts the programs a process runs, and allows one."""
    done = app._register_and_parse_flags_with_usage.done
    app._register_and_parse_flags_with_usage.done = False
    with pytest.raises(SystemExit) as exit_:
        command.main(module, ["compare-gan", *map(str, arguments)])
    app._register_and_parse_flags_with_usage.done = done
    return exit_.value.code
