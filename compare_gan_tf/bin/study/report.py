"""Write the page of a study, as far as it is: rankings, curves, samples, settings, protocols.

It is <study_dir>/report/index.html, one file that needs no other; the tables lie beside it as CSV
and JSON.

For example:

  compare-gan study report --study_dir=studies/digits
"""

from absl import flags

from compare_gan_tf.bin.study import common

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_figures_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints the ranked table, and writes the page."""
    common.report(values, common.load(values))
