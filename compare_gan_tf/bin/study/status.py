"""Show how far a study is: how many runs are done, failed, running and waiting, and the time left.

For example, with a new table every few seconds until all is done:

  compare-gan study status --study_dir=studies/digits --watch
"""

import dataclasses
import time

from absl import flags

from compare_gan_tf.bin import build, output
from compare_gan_tf.bin.study import common

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False
_LOOK = 5.0  # seconds


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_study_flag(flag_values)
    flags.DEFINE_bool(
        "watch",
        False,
        "Show it again every few seconds, until all is done.",
        flag_values=flag_values,
    )
    output.define_json_flag(flag_values)
    build.forbid(flag_values, ("json",), lambda: flag_values.watch, "is one object: drop --watch")


def run(values: flags.FlagValues) -> None:
    """Prints a table with a row for each variant."""
    from compare_gan_tf.study import connection, progress

    study = common.load(values)
    with connection.explained(common.url(values)):
        while True:
            found = progress.progress(study)
            if values.json:
                output.show_json(dataclasses.asdict(found))
            else:
                if values.watch:
                    print("\033[2J\033[H", end="")
                show(found)
            if found.is_done or not values.watch:
                return
            time.sleep(_LOOK)


def show(found) -> None:
    """Prints a `progress.Progress`."""
    from compare_gan_tf.study import progress

    output.show_table(("", *progress.COLUMNS), found.rows(), right=range(1, 6))
    for line in found.notes():
        output.show(line)
