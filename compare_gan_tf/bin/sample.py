"""Draw samples from a trained model; write a grid, PNG files, arrays or lines of text.

The model is a run (--model_dir), a model that ships with this package, an export or a published one
(--model; see "compare-gan models" and "compare-gan push"), or a TF Hub module of any origin
(--module).

The name of --output selects the format:

  samples.png   a grid of images with one column per class; for points, a scatter plot
  samples/      a folder of PNG files
  samples.npz   images uint8 [num, height, width, channels] (for points, float32 [num, D]; for
                text, the array lines), and, if known, labels int32 [num] and class_names
  samples.txt   lines of text
  samples.gif   a film from sample to sample and back to the first; also .webp and .mp4

The same seed always gives the same samples, and the first k samples do not depend on --num.
A conditional generator cycles through the classes: 0, 1, 2, ...

For example:

  compare-gan sample --model=digits --output=samples.png
  compare-gan sample --model_dir=runs/quickstart --output=samples.png
  compare-gan sample --model_dir=runs/quickstart --num=10000 --output=samples.npz
  compare-gan sample --model=digits --interpolate=8 --output=ways.png
  compare-gan sample --model=digits --truncations=0.3,0.7,1,0 --output=truncations.png
  compare-gan sample --model=digits --sampler=rejection --output=chosen.png
  compare-gan sample --model=digits --num=10 --output=film.gif
  compare-gan sample --model_dir=runs/quickstart --nearest=5 --num=60 --output=nearest.png
  compare-gan sample --model_dir=runs/quickstart --training_film --output=training.gif
  compare-gan sample --module=runs/quickstart/hub/2000/generator --classes=3,7 --output=samples/
"""

import contextlib
import csv
import functools
import os
import signal
import sys
import threading

from absl import flags

from compare_gan_tf.bin import build, ema
from compare_gan_tf.bin.sample_flags import FRAMES, MOST_TRUNCATION, define_flags
from compare_gan_tf.errors import UserError, as_user_error

__all__ = ["define_flags", "run"]
NEEDS_MODEL_DIR = False


def run(values: flags.FlagValues) -> None:
    """Draws and writes the samples, and prints their path."""
    if values.training_film:
        _write_training_film(values)
        return
    classes = _classes(values)
    if values.model_dir:
        build.read_config(values)
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    quiet.silence_font_cache()
    from compare_gan_tf import sampling

    output = os.path.expanduser(values.output)
    format_ = sampling.format_of(output, values.format)
    if values.sampler and format_ in sampling.FILMS:
        raise UserError("--sampler chooses latents, and a film goes from one to the next: drop it")
    sampling.require_free(output, format_, overwrite=values.overwrite)
    truncations, number = _truncations(values), values.num
    source = (_run if values.model_dir else _model if values.model else _module)(values)
    if values.nearest:
        number = max(1, number // (values.nearest + 1)) * (values.nearest + 1)  # whole rows
    elif truncations:
        source = sampling.truncated(source, truncations)
    elif format_ in sampling.FILMS:
        frames = values.interpolate or FRAMES
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
    _say(output, what)


def _say(output: str, what: str) -> None:
    shown = os.fsencode(output).decode(errors="backslashreplace")
    print(f"{shown}: {what}")


def _write_training_film(values: flags.FlagValues) -> None:
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf import sampling
    from compare_gan_tf.runs import logs

    output = os.path.expanduser(values.output)
    format_ = sampling.format_of(output, values.format)
    if format_ not in sampling.FILMS:
        raise UserError(f"--output={output}: a film must end in .gif, .webp or .mp4")
    grids = logs.sample_grids(values.model_dir)
    if not grids:
        raise UserError(
            f"{values.model_dir} has no grids of samples: training logs them for images, every"
            " train.sample_every steps"
        )
    with _ended_by_signals():
        _say(
            output,
            sampling.film_of_grids(grids.items(), output, format_, overwrite=values.overwrite),
        )


def _classes(values: flags.FlagValues) -> list[str]:
    """The classes of --classes, which is separated and quoted like a line of a CSV file."""
    cure = "a name in double quotes has them on both sides, and those within it doubled"
    with as_user_error(f"--classes={values.classes}", csv.Error, cure=cure):
        rows = list(csv.reader([values.classes or ""], skipinitialspace=True, strict=True))
    return rows[0] if rows else []


def _truncations(values: flags.FlagValues) -> tuple[float, ...]:
    """The numbers of --truncations."""
    given = values.truncations or ()
    if values.nearest and (given or values.interpolate):
        raise UserError("--nearest goes with neither --truncations nor --interpolate: drop one")
    if given and (values.truncation or values.interpolate):
        raise UserError("--truncations goes with neither --truncation nor --interpolate: drop one")
    try:
        found = tuple(map(float, given))
    except ValueError:
        found = (-1.0,)
    if not all(0 <= one <= MOST_TRUNCATION for one in found) or len(found) == 1:
        raise UserError(
            f"--truncations={','.join(given)} must be two or more numbers from 0 to"
            f" {MOST_TRUNCATION:g}, such as 0.3,0.7,1,0"
        )
    return found


def _run(values: flags.FlagValues):
    from compare_gan_tf import sampling

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    ema.restore(values, gan, step)
    where = f"checkpoint {step} of {values.model_dir}"
    source = sampling.of_run(gan, dataset, where, _drawn_by(values, gan))
    return _beside_nearest(source, dataset, values.nearest) if values.nearest else source


def _beside_nearest(source, dataset, number: int):
    """A source of samples and their nearest training samples."""
    from compare_gan_tf import config, sampling
    from compare_gan_tf.evaluation.nearest_reals import NearestReals

    if source.kind != "images":
        raise UserError(f"--nearest is for images, and {source.where} makes {source.kind}")
    found = NearestReals(dataset, extractor=config.bound("evaluate", "extractor"))
    return sampling.beside_nearest(source, found, number)


def _model(values: flags.FlagValues):
    from compare_gan_tf import pretrained, sampling

    model = pretrained.load(values.model)
    return sampling.of_pretrained(model, _drawn_by(values, model))


def _drawn_by(values: flags.FlagValues, pair):
    """What --sampler makes of a pair of players: a function that draws samples, or None."""
    if not values.sampler:
        return None
    from compare_gan_tf.gan import samplers

    sampler = {"rejection": samplers.Rejection, "langevin": samplers.Langevin}[values.sampler]
    prepared = functools.cache(lambda: sampler().of(pair, values.truncation))
    return lambda *arguments: prepared()(*arguments)


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
