"""Draw samples from a trained model; write a grid, PNG files, arrays or lines of text.

The model is a run (--model_dir), a model that ships with this package or an export (--model; see
"compare-gan models"), or a TF Hub module of any origin (--module).

The name of --output selects the format:

  samples.png   a grid of images with one column per class; for points, a scatter plot
  samples/      a folder of PNG files
  samples.npz   images uint8 [num, height, width, channels] (for points, float32 [num, D]; for
                text, the array lines), and, if known, labels int32 [num] and class_names
  samples.txt   lines of text
  samples.gif   a film from sample to sample and back to the first; also samples.webp

The same seed always gives the same samples, and the first k samples do not depend on --num.
A conditional generator cycles through the classes: 0, 1, 2, ...

For example:

  compare-gan sample --model=digits --output=samples.png
  compare-gan sample --model_dir=runs/quickstart --output=samples.png
  compare-gan sample --model_dir=runs/quickstart --num=10000 --output=samples.npz
  compare-gan sample --model=digits --interpolate=8 --output=ways.png
  compare-gan sample --model=digits --truncations=0.3,0.7,1,0 --output=truncations.png
  compare-gan sample --model=digits --num=10 --output=film.gif
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
from compare_gan_tf.errors import UserError, as_user_error

_MOST = 10**7  # samples
_MOST_TRUNCATION = 1e6  # of latents whose standard deviation is 1
_FORMATS = ("grid", "png", "npz", "txt", "gif", "webp")
_FRAMES = 16  # of a film, from one sample to the next

NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)
    for name, default, text in (
        (
            "model",
            None,
            "Name of a model that ships with this package, or the folder of an export such as"
            " runs/mine/hub/2000, instead of a run.",
        ),
        ("module", None, "Folder of an exported generator, or a TF Hub handle, instead of a run."),
        ("output", None, "File or folder to write. Its name selects the format, see above."),
    ):
        flags.DEFINE_string(name, default, text, flag_values=flag_values)
    flags.DEFINE_enum(
        "format",
        None,
        _FORMATS,
        "Output format; only needed if the name of --output does not show it. png means a folder"
        " of PNG files.",
        flag_values=flag_values,
    )
    _define_choice(flag_values)
    _define_walks(flag_values)
    _define_rules(flag_values)


def _define_rules(flag_values: flags.FlagValues) -> None:
    """Checks that required flags are given, and refuses flags that would have no effect."""
    flags.register_multi_flags_validator(
        ("model_dir", "model", "module"),
        lambda given: sum(map(bool, given.values())) == 1,
        "name a model by --model, a run by --model_dir or a module by --module, one of the three",
        flag_values=flag_values,
    )
    build.forbid(
        flag_values,
        ("checkpoint", "gin_config", "gin_bindings"),
        lambda: flag_values.module or flag_values.model,
        "is for a run, and --model or --module names none: leave it out",
    )
    flags.register_validator(
        "output",
        bool,
        "--output is missing: name a file such as samples.png, or a folder such as samples/",
        flag_values=flag_values,
    )


def _define_choice(flag_values: flags.FlagValues) -> None:
    """Defines the flags that choose the samples and their layout."""
    flags.DEFINE_integer("num", 64, "Number of samples.", 1, _MOST, flag_values=flag_values)
    flags.DEFINE_integer(
        "seed", 0, "Random seed, 0 to 2^31 - 1. Default: 0.", 0, 2**31 - 1, flag_values=flag_values
    )
    flags.DEFINE_float(
        "truncation",
        0.0,
        "Truncation of the latents: the largest |z| of normal latents, or the factor of uniform"
        " latents. Default: 0, no truncation.",
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
        "Comma-separated classes to sample, by name or number, such as cat,dog or 0,3. Put a name"
        " that contains a comma in double quotes: '\"cat, black\",dog'. Default: all.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "columns",
        None,
        "Number of columns of a grid; its rows then show one class after the other. Default: one"
        " column per class, or 8.",
        1,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replace existing samples. A folder that holds other files is never replaced.",
        flag_values=flag_values,
    )


def _define_walks(flag_values: flags.FlagValues) -> None:
    """Defines the flags of interpolations, films and truncation sheets."""
    flags.DEFINE_integer(
        "interpolate",
        None,
        "Steps from one sample to another of the same class, one row each; in a film, frames from"
        f" one sample to the next (default {_FRAMES}).",
        2,
        1000,
        flag_values=flag_values,
    )
    flags.DEFINE_list(
        "truncations",
        None,
        "Comma-separated truncations, 0 for none: a row has the same sample under each.",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Draws and writes the samples, and prints their path."""
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
    truncations, number = _truncations(values), values.num
    source = (_run if values.model_dir else _model if values.model else _module)(values)
    if truncations:
        source = sampling.truncated(source, truncations)
    elif format_ in ("gif", "webp"):
        frames = values.interpolate or _FRAMES
        source, number = sampling.looping(source, number, frames), number * frames
    elif values.interpolate:
        source = sampling.interpolated(source, values.interpolate)
    wanted = sampling.wanted(source, number, values.seed, values.truncation, classes)
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
    """The classes of --classes, which is separated and quoted like a line of a CSV file."""
    cure = "a name in double quotes has them on both sides, and those within it doubled"
    with as_user_error(f"--classes={values.classes}", csv.Error, cure=cure):
        rows = list(csv.reader([values.classes or ""], skipinitialspace=True, strict=True))
    return rows[0] if rows else []


def _truncations(values: flags.FlagValues) -> tuple[float, ...]:
    """The numbers of --truncations."""
    given = values.truncations or ()
    if given and (values.truncation or values.interpolate):
        raise UserError("--truncations goes with neither --truncation nor --interpolate: drop one")
    try:
        found = tuple(map(float, given))
    except ValueError:
        found = (-1.0,)
    if not all(0 <= one <= _MOST_TRUNCATION for one in found) or len(found) == 1:
        raise UserError(
            f"--truncations={','.join(given)} must be two or more numbers from 0 to"
            f" {_MOST_TRUNCATION:g}, such as 0.3,0.7,1,0"
        )
    return found


def _run(values: flags.FlagValues):
    from compare_gan_tf import sampling
    from compare_gan_tf.runs import checkpoints

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    checkpoints.restore_players(gan, values.model_dir, step)
    return sampling.of_run(gan, dataset, f"checkpoint {step} of {values.model_dir}")


def _model(values: flags.FlagValues):
    from compare_gan_tf import pretrained, sampling

    return sampling.of_pretrained(pretrained.load(values.model))


def _module(values: flags.FlagValues):
    from compare_gan_tf import sampling

    return sampling.of_module(os.path.expanduser(values.module))


@contextlib.contextmanager
def _ended_by_signals():
    """Makes SIGTERM raise `SystemExit`, so that unfinished files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
