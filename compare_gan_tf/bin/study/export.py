"""Write every table of a study as CSV and JSON.

For example:

  compare-gan study export --study_dir=studies/digits --output=tables
"""

from absl import flags

from compare_gan_tf.bin.study import common
from compare_gan_tf.errors import UserError

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_study_flag(flag_values)
    flags.DEFINE_string(
        "output", None, "Folder for the tables. Must be given.", flag_values=flag_values
    )


def run(values: flags.FlagValues) -> None:
    """Writes them, and prints where."""
    if not values.output:
        raise UserError("--output is missing: name the folder for the tables")
    study = common.load(values)
    from compare_gan_tf.comparison import tables
    from compare_gan_tf.study import collect, importance

    found = collect.comparison(study, values.study_dir)
    made = tables.tables(found, importance.importances(found))
    tables.write(made, values.output)
    print(f"{values.output}: {', '.join(sorted(made)) or 'no run has ended'}")
