r"""Measure how fast a config trains on this machine, and how long the whole run would take.

It trains for some steps, without checkpoints, logs and pictures, and prints what a step takes, by
the clock on the wall and in CPU-seconds: on a busy machine compare those. It counts the
multiply-adds of a step, and measures those of a large matrix product in the same minute: the
share of that peak says how much faster the step could be at most. Public data sets are replaced by
noise of their shape, so that nothing is downloaded. It writes nothing but --output. --model_dir
measures a run's saved config.

For example:

  compare-gan benchmark --gin_config=quickstart.gin
  compare-gan benchmark --gin_config=mimicry/sngan_cifar10.gin \
      --gin_bindings='train.steps_per_execution = 1' --repeats=2 --output=speed.json
"""

import json
import os
import tempfile
import time

from absl import flags

from compare_gan_tf.bin import build, output, train
from compare_gan_tf.errors import UserError

NEEDS_MODEL_DIR = False
_SAMPLES = 4_000  # of the noise in place of a public data set
HELP = {"model_dir": "Folder of a run whose config is measured; the folder is only read."}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_integer(
        "steps",
        None,
        "Training steps of a repeat, rounded to whole executions. Default: about four seconds.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "repeats", 3, "How often these are measured.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        list(train.STRATEGIES),
        "Distribution strategy: auto uses all GPUs of this machine, or the CPU if there are none.",
        flag_values=flag_values,
    )
    output.define_json_flag(flag_values)
    flags.DEFINE_string("output", None, "JSON file to write.", flag_values=flag_values)
    flags.DEFINE_bool(
        "overwrite", False, "Replace the file of --output if it exists.", flag_values=flag_values
    )
    build.forbid(flag_values, ("overwrite",), lambda: flag_values.output is None, "is for --output")


def run(values: flags.FlagValues) -> None:
    """Measures, prints, and writes --output."""
    start = time.perf_counter(), time.process_time()
    build.read_config(values)
    from compare_gan_tf.storage import staging
    from compare_gan_tf.training import benchmark

    if values.output:
        _require_writable(values)
    prepared = _prepared(values)
    spent = benchmark.since(benchmark.Seconds(*start))
    measured = benchmark.measure(prepared, steps=values.steps, repeats=values.repeats)
    found = benchmark.summarised(measured, prepared, spent)
    if values.json:
        output.show_json(found)
    else:
        _show(found)
    if values.output:
        with staging.staged_file(values.output, overwrite=values.overwrite) as path:
            with open(path, "w") as file:
                file.write(f"{json.dumps(found, indent=2)}\n")


def _require_writable(values: flags.FlagValues) -> None:
    """Refuses an --output that cannot be written, before a minute is spent."""
    from compare_gan_tf.storage import staging

    staging.require_free(values.output, overwrite=values.overwrite)
    folder = os.path.dirname(os.path.abspath(values.output))
    if not os.path.isdir(folder):
        raise UserError(f"--output={values.output}: there is no folder {folder}: make it")


def _prepared(values: flags.FlagValues):
    """The training of the config, of a folder that is empty."""
    from compare_gan_tf import config, data, training
    from compare_gan_tf.data.stand_ins import outlines
    from compare_gan_tf.gan import distribution

    with outlines(_SAMPLES), tempfile.TemporaryDirectory() as folder:
        prepared = training.prepare(
            folder, dataset=data.load(), strategy=distribution.get_strategy(values.strategy)
        )
    config.check_used()
    return prepared


# --- Text -------------------------------------------------------------------------------------


def _show(found: dict) -> None:
    """Prints the measurement as a table: the clock on the wall, and CPU-seconds."""
    output.show("\n".join([*_head(found), ""]))
    rows = [_cells(found, *row) for row in _rows(found)]
    output.show_table(("", "wall", "CPU", ""), rows, right=(1, 2))
    of_types = [f"{_number(n)} {dtype}" for dtype, n in found["multiply_adds"].items()]
    memory = [f"{n / 2**20:,.0f} MiB of {where}" for where, n in found["peak_memory"].items()]
    output.show(f"\nmultiply-adds of a step: {', '.join(of_types) or 0}")
    output.show(f"peak memory: {', '.join(memory)}")


def _head(found: dict) -> list[str]:
    xla = ", compiled by XLA" if found["jit_compile"] else ""
    return [
        f"{found['replicas']} x {found['device']}, batch size {found['batch_size']}{xla}",
        f"in a step: {found['d_steps']} updates of D, {found['g_steps']} of G;"
        f" in an execution: {found['steps_per_execution']} steps",
    ]


def _rows(found: dict) -> list[tuple]:
    """(key, name, format, note)."""
    repeats = f"median of {len(found['repeats'])} repeats of {found['steps_per_repeat']} steps"
    whole = f"{found['training_steps']:,} steps, without checkpoints, logs and scores"
    return [
        ("start_up", "start-up", span, "imports, networks and checks"),
        ("compile", "tracing and compiling", span, "beside the first steps"),
        ("step", "a step", span, repeats),
        ("steps_per_second", "steps/s", _number, ""),
        ("images_per_second", "images/s", _number, "reals of D's updates"),
        ("matmul_peak", "matmul peak", _number, "multiply-adds/s"),
        ("share_of_peak", "share of the peak", "{:.1%}".format, ""),
        ("whole_run", "whole run", span, whole),
    ]


def _cells(found: dict, key: str, name: str, shown, note: str) -> tuple:
    return name, shown(found[key]["wall"]), shown(found[key]["cpu"]), note


def _number(value: float) -> str:
    """Three digits, with the letter of a power of 1,000: 12.3 M."""
    power = 0
    while abs(value) >= 999.5 and power < 5:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {' kMGTP'[power]}".rstrip()


def span(value: float) -> str:
    """A span in the unit that suits it: 1.23 ms, 4.56 s, 7 min, 8.9 h."""
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:,.3g} h"
