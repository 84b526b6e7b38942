"""Run trials of a study: any number of workers may, on any machine that reaches its storage.

A worker ends when no trial is left. The trial of one that dies is run by another, from its last
checkpoint where the folder is the same.

For example, on a second machine:

  compare-gan study work --storage=postgresql://me@host/studies --study_dir=studies/digits
"""

from absl import flags

from compare_gan_tf.bin.study import common
from compare_gan_tf.errors import UserError

COMMON_FLAGS = ("allow_imports",)
NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_devices_flag(flag_values)
    flags.DEFINE_integer(
        "max_trials",
        None,
        "How many trials to run at most.",
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
