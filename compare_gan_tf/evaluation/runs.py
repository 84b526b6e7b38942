"""Scores the checkpoints of a run by any metrics, and keeps a copy of the best.

The best checkpoint is the one with the best score on the validation split, so that the score on
the test split is that of a choice made without it.
"""

import gin

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import extractors, openings, scalars
from compare_gan_tf.evaluation.floors import Floors
from compare_gan_tf.evaluation.progress import Progress, forecast
from compare_gan_tf.evaluation.run_scorer import Scorer, Settings
from compare_gan_tf.evaluation.run_scores import RunScores
from compare_gan_tf.metrics import presets
from compare_gan_tf.runs import best, checkpoints, results
from compare_gan_tf.storage import files, locks

REPORTED = "test"  # the split of the score that is reported, unless a preset has another


@gin.configurable(module="evaluation")
def evaluate(
    model_dir,
    gan,
    dataset,
    *,
    steps=None,
    every: int = 0,
    metrics=None,
    preset=None,
    extractor=None,
    num_samples: int | None = None,
    num_real: int | None = None,
    batch_size: int = 250,
    seed: int = 42,
    splits=None,
    select_by: str | None = None,
    truncation: float = 0.0,
    standing: int | None = None,
    retry_failed: bool = True,
    floor: bool = True,
    real_statistics: dict | None = None,
) -> list[results.Row]:
    """Scores checkpoints and copies the best to `checkpoints/best`.

    What `scores.jsonl` holds under the same protocol is not computed again. A score that fails is
    a row without a value and with a reason. `gan` is left with the players of the last checkpoint
    that was scored.

    Args:
      model_dir: the run's folder.
      gan: the built GAN of the run.
      dataset: with the splits to compare with.
      steps: checkpoints to score, none of them to check the settings only, or None for all that
        are due.
      every: without `steps`, only checkpoints whose step > 0 it divides are due; 0 for all.
      metrics: values of `metrics.registry` or their names; None for those of the preset, or FID.
      preset: see `metrics.presets`; what is given besides it wins over it.
      extractor: of features, see `metrics.features`; None for the preset's, or that of the data.
      num_samples: fakes for each split, or None for the preset's number on the split that it
        reports, and as many as reals on others.
      num_real: real samples of each split, likewise; None for all of it.
      batch_size: samples at a time; it does not change a score.
      seed: of the latents and labels; the same ones for every checkpoint.
      splits: whose real samples the fakes are compared with; None for validation, and the preset's
        or test.
      select_by: the score by which the best is chosen; None for FID, or else the first of all.
      truncation: of the latents, see `latents`; 0 for none.
      standing: samples over which batch norm takes new statistics before others are made; 0 leaves
        those of training; None for the preset's.
      retry_failed: whether to try again what failed before. Only another outcome is written.
      floor: whether to score other real samples in place of fakes too, once for a run: what a
        perfect generator would get, see `floors`.
      real_statistics: a dict that is read and filled with what is known of real samples, for
        callers in a loop.

    Returns:
      The rows of the asked checkpoints under these protocols, by step, also the older ones.

    Raises:
      UserError: no such checkpoint, split or metric, settings that do not fit the data, or no
        space.
    """
    if every < 0:
        raise UserError(f"evaluate.every is {every}: 0 scores every checkpoint")
    preset = presets.find(preset)
    metrics = presets.metrics_of(metrics, preset)
    reported = preset.real_split or REPORTED
    settings = Settings(
        metrics=metrics,
        extractor=extractors.choose(
            extractor, preset, metrics, dataset.sample_shape, openings.public_name(dataset)
        ),
        numbers=_numbers(preset, reported, splits, dataset, num_real, num_samples),
        batch_size=batch_size,
        seed=seed,
        truncation=truncation,
        standing=preset.standing if standing is None else standing,
    )
    scorer = Scorer(gan, dataset, settings, {} if real_statistics is None else real_statistics)
    select_by = _selecting(metrics, select_by)
    if steps is not None and not steps:
        return []
    steps = _asked(model_dir, steps, every)
    with locks.sole_writer(str(model_dir), "evaluation"):
        _refuse_others(str(model_dir))
        run = RunScores(str(model_dir), scorer, select_by, retry_failed)
        run.keep_best()  # where an earlier evaluation died before it had done so
        pending = {step: lacking for step in steps if (lacking := run.lacking(step))}
        floors = Floors(str(model_dir), scorer, retry_failed) if floor else None
        _score(run, scorer, pending, [step for step in steps if run.has_partial(step)], floors)
        scalars.write(model_dir, run.written)
        return run.rows(steps)


def _refuse_others(model_dir: str) -> None:
    """Before hours of work: refuses links and files of others where scores will be written."""
    results.refuse_others(model_dir)
    files.refuse_links(model_dir, [checkpoints.BEST, scalars.FOLDER])


def _score(run: RunScores, scorer: Scorer, pending: dict, begun: list[int], floors) -> None:
    work = 0 if floors is None else floors.samples
    work += sum(
        scorer.samples(split, metrics)
        for lacking in pending.values()
        for split, metrics in lacking.items()
    )
    settings = scorer.settings
    with Progress(work, shown=bool(work)) as progress:
        if pending:
            splits = [split for splits in pending.values() for split in splits]
            found = forecast(
                scorer.jobs(splits), settings.extractor, settings.batch_size, settings.seed
            )
            if found:
                progress.say(f"evaluate: {found}")
        for step in sorted({*pending, *begun}):
            run.score(step, pending.get(step, {}), progress)
        if floors is not None:
            floors.work_out(progress)


def _numbers(preset, reported: str, splits, dataset, num_real, num_samples) -> dict:
    """{split: (real samples, fakes)}; the preset's are those of the split that it reports."""
    if splits is None:
        there = best.SPLIT in dataset.splits
        splits = [*([best.SPLIT] if there and reported != best.SPLIT else []), reported]
    found = {}
    for split in splits:
        of_preset = (preset.n_real, preset.n_fake) if split == reported else (None, None)
        found[split] = tuple(
            own if given is None else given
            for given, own in zip((num_real, num_samples), of_preset, strict=True)
        )
    return found


def _selecting(metrics, select_by: str | None) -> str | None:
    """The score that chooses the best checkpoint; None if none of them can."""
    known = {name: higher for metric in metrics for name, higher in metric.scores.items()}
    if select_by is None:
        directed = [name for name, higher in known.items() if higher is not None]
        return best.METRIC if best.METRIC in known else next(iter(directed), None)
    if known.get(select_by) is None:
        raise UserError(
            f"evaluate.select_by is {select_by!r}: it must be one of the scores that have a better"
            f" end, {', '.join(name for name, higher in known.items() if higher is not None)}"
        )
    return select_by


def _asked(model_dir, steps, every: int) -> list[int]:
    """The steps to score, all of them on disk."""
    found = checkpoints.list_steps(model_dir)
    kept = best.read(model_dir)
    if kept and steps is not None:
        found = sorted({*found, kept["step"]})
    if not found:
        raise UserError(f"no checkpoints in {model_dir}: train first, or name another folder")
    if steps is None:
        return [step for step in found if results.is_due(step, every)]
    missing = sorted(set(steps) - set(found))
    if missing:
        raise UserError(f"{model_dir} has no checkpoint of step {missing[0]}, only of {found}")
    return sorted(set(steps))
