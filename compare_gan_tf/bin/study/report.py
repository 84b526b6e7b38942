"""Write the page of a study with the runs that have ended: ranking, curves, samples, settings.

It is <study_dir>/report/index.html, one file that needs no other. Every table is also written as
CSV and JSON, into <study_dir>/report/tables.

For example:

  compare-gan study report --study_dir=studies/digits
"""

from absl import flags

from compare_gan_tf.bin import output
from compare_gan_tf.bin.study import common

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_study_flag(flag_values)
    common.define_figures_flag(flag_values)
    output.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints the ranked table, and writes the page."""
    common.report(values, common.load(values))
