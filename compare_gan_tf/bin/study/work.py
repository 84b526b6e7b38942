"""Run trials of a study. Any number of workers may run, on any machine that reaches its storage.

A trial is one setting of one variant, trained and scored with every seed. A worker ends when no
trial is left. The trial of a worker that died is run by another one, from its last checkpoint where
the folder is the same.

For example, on a second machine:

  compare-gan study work --storage=postgresql://me@host/studies --study_dir=studies/digits
"""

from absl import flags

from compare_gan_tf.bin.study import common
from compare_gan_tf.errors import UserError

COMMON_FLAGS = ("allow_imports",)
NEEDS_MODEL_DIR = False
HELP = common.HELP_OF_WORK


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_study_flag(flag_values)
    common.define_devices_flag(flag_values, "The GPU to use, such as 0.")
    flags.DEFINE_integer(
        "max_trials",
        None,
        "How many trials to run at most. Default: until none is left.",
        lower_bound=1,
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Runs trials until none is left."""
    chosen = common.devices(values)
    if len(chosen) > 1:
        raise UserError(
            f"--devices={values.devices}: a worker runs on one; start one for each, or let"
            " compare-gan study do so"
        )
    study = common.load(values)
    from compare_gan_tf.study import connection, trials, worker

    means = trials.Means(
        device=chosen[0] if chosen else None, allow_imports=tuple(values.allow_imports)
    )
    with connection.explained(common.url(values)):
        done = worker.work(study, values.study_dir, means, max_trials=values.max_trials)
    print(f"{done} trials run")
