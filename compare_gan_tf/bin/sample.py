"""Write samples of a run, or of an exported module: a grid, PNG files, arrays or lines of text.

What is written is said by the name of --output:

  samples.png   a grid of images, with a column for each class; of points, a scatter diagram
  samples/      a folder of PNG files
  samples.npz   images uint8 [num, height, width, channels] (of points, float32 [num, D]; of text,
                lines), labels int32 [num] and class_names, where there are such
  samples.txt   lines of text

The first k samples are the same for any number of them, and so are those of one seed always.
Samples of a conditional generator go round the classes.

For example:

  compare-gan sample --model_dir=runs/quickstart --output=samples.png
  compare-gan sample --model_dir=runs/quickstart --num=10000 --output=samples.npz
  compare-gan sample --module=runs/quickstart/hub/2000/generator --classes=3,7 --output=samples/
"""

import contextlib
import csv
import os
import signal
import sys
import threading

from absl import flags

from compare_gan_tf.bin import build
from compare_gan_tf.errors import as_user_error

_MOST = 10**7  # samples
_MOST_TRUNCATION = 1e6  # of latents whose standard deviation is 1
_FORMATS = ("grid", "png", "npz", "txt")

NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)
    for name, default, text in (
        ("module", None, "Folder of an exported generator or a TF Hub handle, instead of a run."),
        ("output", None, "File or folder to write."),
    ):
        flags.DEFINE_string(name, default, text, flag_values=flag_values)
    flags.DEFINE_enum(
        "format",
        None,
        _FORMATS,
        "Format, where the name of --output does not tell; png is a folder of PNG files.",
        flag_values=flag_values,
    )
    _define_choice(flag_values)
    _define_rules(flag_values)


def _define_rules(flag_values: flags.FlagValues) -> None:
    """Which flags must be given, and which go with which."""
    flags.register_multi_flags_validator(
        ("model_dir", "module"),
        lambda given: bool(given["model_dir"]) != bool(given["module"]),
        "name a run by --model_dir or a module by --module, one of the two",
        flag_values=flag_values,
    )
    build.forbid(
        flag_values,
        ("checkpoint", "gin_config", "gin_bindings"),
        lambda: flag_values.module,
        "is for a run, and --module names none: leave it out",
    )
    flags.register_validator(
        "output",
        bool,
        "--output is missing: name a file such as samples.png, or a folder such as samples/",
        flag_values=flag_values,
    )


def _define_choice(flag_values: flags.FlagValues) -> None:
    """Flags of which samples are drawn, and how they lie."""
    flags.DEFINE_integer("num", 64, "Number of samples.", 1, _MOST, flag_values=flag_values)
    flags.DEFINE_integer(
        "seed", 0, "Of the samples; 0 if it is not given.", 0, 2**31 - 1, flag_values=flag_values
    )
    flags.DEFINE_float(
        "truncation",
        0.0,
        "The greatest |z| of normal latents, or the factor of uniform ones; 0, the default, for"
        " none.",
        flag_values=flag_values,
    )
    flags.register_validator(
        "truncation",
        lambda value: 0 <= value <= _MOST_TRUNCATION,
        f"it must be a number in [0, {_MOST_TRUNCATION:g}]",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "classes",
        None,
        "Classes to sample, by name or else by label, such as cat,dog or 0,3; a name with a comma"
        " in double quotes, such as '\"cat, black\",dog'. Default: all.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "columns",
        None,
        "Columns of a grid, whose rows then go through the classes. Default: one for each class, or"
        " 8.",
        1,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replace samples that are there; never what else is in a folder.",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Draws the samples, and prints what was written where."""
    classes = _classes(values)
    if values.model_dir:
        build.read_config(values)
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    quiet.silence_font_cache()
    from compare_gan_tf import sampling

    output = os.path.expanduser(values.output)
    format_ = sampling.format_of(output, values.format)
    sampling.require_free(output, format_, overwrite=values.overwrite)
    source = _module(values) if values.module else _run(values)
    wanted = sampling.wanted(source, values.num, values.seed, values.truncation, classes)
    with _ended_by_signals():
        what = sampling.write(
            source,
            wanted,
            output,
            format_,
            columns=values.columns,
            overwrite=values.overwrite,
            progress=True,
        )
    shown = os.fsencode(output).decode(errors="backslashreplace")
    print(f"{shown}: {what}")


def _classes(values: flags.FlagValues) -> list[str]:
    """What --classes names, separated and quoted as in a CSV file."""
    cure = "a name in double quotes has them on both sides, and those within it doubled"
    with as_user_error(f"--classes={values.classes}", csv.Error, cure=cure):
        rows = list(csv.reader([values.classes or ""], skipinitialspace=True, strict=True))
    return rows[0] if rows else []


def _run(values: flags.FlagValues):
    from compare_gan_tf import sampling
    from compare_gan_tf.runs import checkpoints

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    checkpoints.restore_players(gan, values.model_dir, step)
    return sampling.of_run(gan, dataset, f"checkpoint {step} of {values.model_dir}")


def _module(values: flags.FlagValues):
    from compare_gan_tf import sampling

    return sampling.of_module(os.path.expanduser(values.module))


@contextlib.contextmanager
def _ended_by_signals():
    """Lets SIGTERM end the program as an error does, so that unfinished work is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
