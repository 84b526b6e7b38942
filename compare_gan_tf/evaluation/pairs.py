"""Compares any two sides by any metrics: samples, features, statistics or generators."""

import os

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import (
    asked,
    extractors,
    openings,
    outcomes,
    protocols,
    references,
    scores,
)
from compare_gan_tf.evaluation.engine import Comparison, Engine
from compare_gan_tf.evaluation.sides import Method, Side, Wanted
from compare_gan_tf.evaluation.stores import OutputStore
from compare_gan_tf.metrics import presets
from compare_gan_tf.settings.signatures import Count, Index, checked


@checked(name="evaluate")
def evaluate(
    real,
    fake,
    *,
    metrics: asked.Metrics | None = None,
    preset: asked.Preset | None = None,
    extractor=None,
    against=None,
    held_out=None,
    num_real: Count | None = None,
    num_samples: Count | None = None,
    batch_size: Count = 250,
    seed: Index = 42,
    truncation: asked.Truncation = 0.0,
    standing: Index | None = None,
    output: str | None = None,
    save_real_statistics: str | None = None,
    progress: bool = False,
    trust: bool = False,
) -> scores.Scores:
    """Scores fakes against real samples.

    Each side is sent through the extractor once, whatever the number of metrics. A score that
    fails has a reason instead of a value.

    Args:
      real: the real side, see `openings.side`: an array, a path, the name of a data set, or a GAN.
      fake: the fake side, likewise.
      metrics: names or values of `metrics.registry`, or names in one string; None for those of
        the preset, or FID.
      preset: a name or value of `metrics.presets`. The other arguments override it.
      extractor: the feature extractor, a name or value of `metrics.features`; None for the
        preset's, or the default of the data.
      against: second fakes, of another model; the differences of the scores are then computed too.
      held_out: real samples that no model was trained on, for metrics of memorisation.
      num_real: number of real samples; None for the preset's number, or all.
      num_samples: number of fakes; None for the preset's number, all, or as many as real samples.
      batch_size: samples per batch; it does not change a score.
      seed: seed of latents and labels, and of the random subset when not all samples are used.
      truncation: truncation of a generator's latents, 0 or more; 0 for none.
      standing: number of samples for standing batch norm statistics of a built GAN; 0 to use those
        of training; None for the preset's.
      output: JSON file of the scores, written after every metric. Scores that it already holds of
        the same samples under the same protocol are not computed again.
      save_real_statistics: `.npz` file for mean and covariance of the real side's features.
      progress: whether to show a forecast and a progress bar on stderr.
      trust: whether to load SavedModels, handles of TF Hub and ONNX files of other origin than this
        user's exports: they are programs.

    Returns:
      The `Scores`.

    Raises:
      UserError: a side, a metric or a setting cannot be used; the message says why.
    """
    preset = presets.find(preset)
    metrics = presets.metrics_of(metrics, preset)
    output = None if output is None else os.fspath(output)
    if save_real_statistics is not None:
        references.refuse_others(os.fspath(save_real_statistics))
    how = openings.How(
        truncation=truncation,
        standing=preset.standing if standing is None else standing,
        split=preset.real_split or openings.How().split,
        trusted=trust,
    )
    opened = [openings.side(one, how) for one in (real, fake, against) if one is not None]
    given = {"truncation": truncation, "standing": standing}
    given |= {"extractor": extractor is not None, "held_out": held_out is not None}
    for name, why in _unused_settings(opened, metrics, **given).items():
        raise UserError(f"evaluate.{name} is set, and {why}: leave it out")
    method = Method(
        extractor=_extractor(extractor, preset, metrics, opened), batch_size=batch_size, seed=seed
    )
    n_real = opened[0].number("evaluate.num_real", num_real or preset.n_real)
    n_fake = num_samples or preset.n_fake
    held_out = None if held_out is None else openings.side(held_out, how)
    comparisons = [
        Comparison(
            metrics=metrics,
            method=method,
            real=opened[0],
            n_real=n_real,
            fake=side,
            n_fake=side.number("evaluate.num_samples", n_fake, otherwise=n_real) or 0,
            held_out=held_out,
        )
        for side in opened[1:]
    ]
    store = OutputStore(output, comparisons, metrics)
    _score(store, comparisons, Engine(), progress)
    if save_real_statistics is not None:
        _save(comparisons[0], os.fspath(save_real_statistics))
    return store.scores


def _score(store: OutputStore, comparisons: list[Comparison], engine: Engine, shown: bool) -> None:
    lacking = store.lacking()
    store.write(complete=not lacking)  # a file that cannot be written fails before hours of work
    if not lacking:
        return
    with engine.progress([(comparisons, lacking)], shown=shown) as bar:
        for scored in engine.score(comparisons, lacking, bar):
            store.note(scored)
    store.write(complete=True)


def _unused_settings(sides: list[Side], metrics, **given) -> dict[str, str]:
    """{name of a setting that would have no effect: why}.

    Args:
      sides: the opened sides.
      metrics: values of `metrics.registry`.
      **given: values of settings; None or 0 if unset.
    """
    facts = {name for side in sides for name in side.facts}
    samples = any(side.sample_shape for side in sides) and extractors.is_needed(metrics)
    used = {
        "truncation": ("truncation" in facts, "no side is a generator"),
        "standing": ("normalisation" in facts, "no side is a run or a GAN of ours"),
        "extractor": (samples, "no side is made of samples of which a metric needs features"),
        "held_out": (
            "held_out" in outcomes.needs(metrics, "real"),
            "none of the metrics looks at it (add held_out_gap)",
        ),
    }
    return {name: why for name, (is_used, why) in used.items() if given[name] and not is_used}


def _extractor(given, preset, metrics, sides: list[Side]):
    """The feature extractor; None if no metric needs features of samples.

    Raises:
      UserError: the samples of the sides differ in shape.
    """
    shapes = {side.sample_shape: side.where for side in sides if side.sample_shape is not None}
    if len(shapes) > 1:
        told = [f"{where} are {_in_words(shape)}" for shape, where in shapes.items()]
        raise UserError(
            f"the samples of {', those of '.join(told)}: bring them to one shape before they are"
            " compared"
        )
    images_of = next((side.images_of for side in sides if side.images_of), None)
    shape = next(iter(shapes), None)
    return shape and extractors.choose(given, preset, metrics, shape, images_of)


def _in_words(shape: tuple[int, ...]) -> str:
    if len(shape) != 3:
        return f"points of {shape[-1]} coordinates"
    height, width, channels = shape
    colour = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    return f"{width} x {height} pixels, {colour}"


def _save(comparison: Comparison, path: str) -> None:
    """Writes mean and covariance of the real side's features."""
    real, method = comparison.real, comparison.method
    if "statistics" in real.offers:
        found = real.statistics
    elif method.extractor is None and real.sample_shape is not None:
        raise UserError(
            "save_real_statistics needs features of the real side, which none of the metrics"
            " looks at: add fid to them"
        )
    else:
        wanted = Wanted(kinds=frozenset(), number=comparison.n_real, method=method)
        found = references.statistics(real, wanted)
    facts = {"dataset": real.name, "real_split": real.split, "n_real": comparison.n_real}
    references.write(path, found, facts | protocols.of_extractor(method.extractor))
