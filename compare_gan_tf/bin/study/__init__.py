r"""Compare variants of GANs: train and score each with several seeds, and rank them.

A study is a gin file: which losses, penalties, normalisations, networks and data sets are compared,
over which settings is searched, with how many seeds, by which score. The same command starts it,
goes on after any interruption, and does nothing but write the report when all is done.

For example, three losses with and without spectral normalisation on digits, in some minutes:

  compare-gan study --gin_config=study/digits.gin --study_dir=studies/digits

It does the work of these three, of which the second may run on any number of machines, with
--storage=postgresql://...:

  compare-gan study create --gin_config=study/digits.gin --study_dir=studies/digits
  compare-gan study work   --study_dir=studies/digits
  compare-gan study report --study_dir=studies/digits

`compare-gan study status` shows how far it is, `compare-gan study export` writes all tables as CSV
and JSON.
"""

import sys

from absl import flags

from compare_gan_tf.bin import output
from compare_gan_tf.bin.study import common
from compare_gan_tf.errors import UserError

SUBVERBS = ("create", "work", "status", "export", "report")
COMMON_FLAGS = ("gin_config", "gin_bindings", "allow_imports")
NEEDS_MODEL_DIR = False
HELP = common.HELP


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    common.define_flags(flag_values)
    common.define_devices_flag(flag_values, "GPUs to use, such as 0,1: one run at a time on each.")
    common.define_figures_flag(flag_values)
    output.define_json_flag(flag_values)
    flags.DEFINE_integer(
        "workers",
        None,
        "How many runs to train at once. Default: one for each GPU of --devices, or one for each"
        " core of the processor, where memory allows: 2 GB a run.",
        lower_bound=1,
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Creates the study if it is not there, works it off, and writes its report."""
    from compare_gan_tf.study import collect, connection, driver

    devices = common.devices(values)
    if devices and values.workers and values.workers != len(devices):
        raise UserError(
            f"--workers={values.workers} and --devices={values.devices} do not go together: name"
            " one of them"
        )
    study = common.create(values)
    address = common.url(values)
    workers = values.workers or driver.room(devices)
    with connection.explained(address):
        counts = collect.counts(study)
        if counts["waiting"] or counts["running"]:
            command = ["compare-gan", "study", "work", f"--study_dir={values.study_dir}"]
            command += [f"--allow_imports={one}" for one in values.allow_imports]
            print(f"{sum(counts.values())} runs, {workers} at once", file=sys.stderr)
            driver.run(
                study,
                values.study_dir,
                command,
                devices or [None] * workers,
                {common.STORAGE: address},
            )
        common.report(values, study)
