"""Check this installation and this machine, and say how to cure what is broken.

It checks versions, extras, devices, memory, disk, threads, the locks of writers, and the data sets
that are prepared, and multiplies matrices for two seconds. The exit code is 1 if something is
broken. It changes nothing.

For example:

  compare-gan doctor
  compare-gan doctor --model_dir=/data/runs --data_dir=/data/tfds --json
"""

import dataclasses
import os
import sys

from absl import flags

from compare_gan_tf.bin import output
from compare_gan_tf.bin.doctor import machine, packages, places
from compare_gan_tf.bin.doctor.findings import BROKEN, OK, Finding

COMMON_FLAGS = ("model_dir",)
NEEDS_MODEL_DIR = False
HELP = {
    "model_dir": "Folder whose disk and locks are checked, such as that of your runs. Default: the"
    " current folder."
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of tensorflow-datasets' data sets. Default: TFDS_DATA_DIR, or else that of"
        " tensorflow-datasets.",
        flag_values=flag_values,
    )
    output.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints what is found; exits with code 1 if something is broken."""
    found = _sections(values.model_dir or os.curdir, values.data_dir)
    every = [one for findings in found.values() for one in findings]
    broken = [one for one in every if one.state == BROKEN]
    if values.json:
        plain = {title: list(map(dataclasses.asdict, ones)) for title, ones in found.items()}
        output.show_json({"broken": len(broken), "checks": plain})
    else:
        for title, findings in found.items():
            output.show(f"\n{title}")
            output.show_table((), [_row(one) for one in findings])
        output.show(f"\n{len(broken)} of {len(every)} checks found something broken")
    sys.exit(1 if broken else 0)


def _sections(folder: str, data_dir: str | None) -> dict[str, list[Finding]]:
    return {
        "versions": list(packages.versions()),
        "extras": list(packages.extras()),
        "combinations": list(packages.combinations()) or [Finding("versions", "go together")],
        "machine": [machine.memory(), machine.threads(), *machine.tensorflow()],
        "folders": [places.disk(folder), places.writer(folder), *places.data_sets(data_dir)],
    }


def _row(one: Finding) -> tuple[str, str, str]:
    cure = f": {one.cure}" if one.cure else ""
    return one.name, "" if one.state == OK else f"{one.state}", f"{one.value}{cure}"
