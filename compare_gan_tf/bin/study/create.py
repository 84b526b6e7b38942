"""Make a study, with all its trials, which workers then run.

For example:

  compare-gan study create --gin_config=study/digits.gin --study_dir=studies/digits
"""

from absl import flags

from compare_gan_tf.bin.study import common

COMMON_FLAGS = ("gin_config", "gin_bindings", "allow_imports")
NEEDS_MODEL_DIR = False
HELP = common.HELP
define_flags = common.define_flags


def run(values: flags.FlagValues) -> None:
    """Makes it, or adds what it lacks, and says how many runs it has."""
    from compare_gan_tf.study import collect

    study = common.create(values)
    print(f"{study.plan.name}: {sum(collect.counts(study).values())} runs")
