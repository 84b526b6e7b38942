"""Compares any two sides by any metrics: samples, features, statistics or generators."""

import os

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import (
    comparing,
    extractors,
    misleading,
    openings,
    outcomes,
    paired,
    protocols,
    references,
    scores,
    statistics_files,
)
from compare_gan_tf.evaluation.collect import Pass
from compare_gan_tf.evaluation.comparing import Fakes, Found, Job
from compare_gan_tf.evaluation.label_mix import labelled_sides
from compare_gan_tf.evaluation.progress import Progress
from compare_gan_tf.evaluation.sides import Side, Wanted
from compare_gan_tf.metrics import presets


def evaluate(
    real,
    fake,
    *,
    metrics=None,
    preset=None,
    extractor=None,
    against=None,
    held_out=None,
    num_real: int | None = None,
    num_samples: int | None = None,
    batch_size: int = 250,
    seed: int = 42,
    truncation: float = 0.0,
    standing: int | None = None,
    output: str | None = None,
    save_real_statistics: str | None = None,
    open_run=None,
    progress: bool = False,
) -> scores.Scores:
    """Scores fakes against real samples.

    Each side is sent through the extractor once, whatever the number of metrics. A score that
    fails has no value and a reason.

    Args:
      real: the real side, see `openings.side`: an array, a path, the name of a data set, a GAN.
      fake: the other side.
      metrics: names or values of `metrics.registry`, or names in one string; None for those of
        the preset, or FID.
      preset: a name or value of `metrics.presets`; what is given besides it wins over it.
      extractor: of features, by name or as `metrics.features` makes them; None for the
        preset's, or that of the data.
      against: second fakes, of another model, to tell by how much the two differ.
      held_out: real samples that no model was trained on, for the metrics of memorisation.
      num_real: real samples; None for the preset's number, or all.
      num_samples: fakes; None for the preset's number, all that there are, or as many as reals.
      batch_size: samples at a time; it does not change a score.
      seed: of latents and labels, and of the samples chosen where not all are taken.
      truncation: of a generator's latents; 0 for none.
      standing: samples over which the batch norm of a GAN of ours takes new statistics; 0 leaves
        those of training; None for the preset's.
      output: JSON file of scores. It is written after every metric; what it holds of the same
        samples under the same protocol is not computed again.
      save_real_statistics: `.npz` file for mean and covariance of the real side's features.
      open_run: function (folder of a run, `openings.How`) -> side; None refuses runs.
      progress: whether to show a forecast and a bar on stderr.

    Raises:
      UserError: a side, a metric or a setting that cannot be used; one line says why.
    """
    preset = presets.find(preset)
    chosen = presets.metrics_of(metrics, preset)
    output = None if output is None else os.fspath(output)
    if save_real_statistics is not None:
        statistics_files.refuse_others(os.fspath(save_real_statistics))
    _check_numbers(num_real=num_real, num_samples=num_samples, batch_size=batch_size)
    how = openings.How(
        truncation=truncation,
        standing=preset.standing if standing is None else standing,
        split=preset.real_split or openings.How().split,
        open_run=open_run,
    )
    real_side = openings.side(real, how)
    fakes = [openings.side(one, how) for one in (fake, against) if one is not None]
    facts = {name for side in (real_side, *fakes) for name in side.facts}
    _refuse_idle(truncation and "truncation" not in facts, "truncation", "a generator")
    _refuse_idle(standing and "normalisation" not in facts, "standing", "a run or a GAN of ours")
    if held_out is not None and "held_out" not in outcomes.needs(chosen, "real"):
        raise UserError(
            "held_out is given, and none of the metrics looks at it: add held_out_gap, or leave it"
            " out"
        )
    job = Job(
        metrics=chosen,
        real=real_side,
        held_out=None if held_out is None else openings.side(held_out, how),
        extractor=_extractor(extractor, preset, chosen, [real_side, *fakes]),
        n_real=_number(real_side, num_real, preset.n_real, None, "num_real"),
        batch_size=batch_size,
        seed=seed,
    )
    found = _start(job, fakes, num_samples, preset, output)
    comparing.run(job, found, shown=progress)
    if save_real_statistics is not None:
        _save(job, save_real_statistics)
    return found.scores


def _refuse_idle(idle, name: str, needed: str) -> None:
    if idle:
        raise UserError(f"evaluate.{name} is set, and no side is {needed}: leave it out")


def _check_numbers(**numbers) -> None:
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise UserError(f"evaluate.{name} is {value}: it must be at least 1")


def _extractor(given, preset, metrics, sides: list[Side]):
    """The extractor, if samples of any side must go through one."""
    for fake in sides[1:]:
        openings.check_alike(sides[0], fake)
    shapes = [side.sample_shape for side in sides if side.sample_shape is not None]
    images_of = next((side.images_of for side in sides if side.images_of), None)
    chosen = extractors.choose(given, preset, metrics, shapes[0], images_of) if shapes else None
    _refuse_idle(
        given is not None and chosen is None,
        "extractor",
        "made of samples of which a metric needs features",
    )
    return chosen


def _number(side: Side, given, of_preset, otherwise, name: str) -> int | None:
    """How many samples of a side; None for statistics that do not tell of how many they are."""
    number = given or of_preset or side.available or otherwise
    if number is None and "statistics" not in side.offers:
        raise UserError(
            f"{side.where} makes as many samples as it is asked for: set evaluate.{name}"
        )
    if number is not None and side.available is not None and number > side.available:
        raise UserError(
            f"evaluate.{name} is {number}, and {side.where} has {side.available} samples: ask for"
            " fewer, or give more"
        )
    return number


def _start(job: Job, sides: list[Side], num_samples, preset, output) -> Found:
    """Numbers, protocols, and what is scored already: all before the first sample is looked at."""
    fakes = []
    for side in sides:
        number = _number(side, num_samples, preset.n_fake, job.n_real, "num_samples")
        if "statistics" in side.offers:
            number = number or 0
        labelled = labelled_sides(side, job.metrics, job.real, job.n_real, job.seed)
        fakes.append(Fakes(labelled, number, {}, {}, {}))
        for metric, given in labelled.items():
            protocol = protocols.protocol(
                metric, job.real, given, job.extractor, n_real=job.n_real, n_fake=number,
                seed=job.seed,
            )  # fmt: skip
            fakes[-1].protocols[metric] = protocol
            fakes[-1].warnings[metric] = misleading.of_protocol(
                metric, job.real, side, job.extractor, protocol.truncation
            )
    if len(fakes) > 1:
        for metric in job.metrics:
            paired.check(metric, fakes[0].protocols[metric], fakes[1].protocols[metric])
    described = [_described(job.real, job.n_real)]
    described += [_described(side, f.number) for side, f in zip(sides, fakes, strict=True)]
    found = Found(fakes, scores.Scores([], *described), output)
    if output is not None:
        _take_over(found, scores.read(output))
    return found


def _described(side: Side, number: int | None) -> dict:
    return {"name": side.name, "split": side.split, "number": number, "sha256": side.sha256()}


def _take_over(found: Found, before: dict) -> None:
    """Takes from a file what was scored of the same samples under the same protocol."""
    now = [found.scores.fake, found.scores.against]
    for fakes, side, key, rows in zip(
        found.fakes, now, ("fake", "against"), ("scores", "against_scores"), strict=False
    ):
        same = side["sha256"] is not None and before.get("real") == found.scores.real
        if not same or before.get(key) != side:
            continue
        for metric, protocol in fakes.protocols.items():
            known = [row for row in before.get(rows, ()) if row["protocol_id"] == protocol.id]
            if {row["metric"] for row in known} == set(metric.scores):
                fakes.rows[metric] = known


def _save(job: Job, path: str) -> None:
    """Writes mean and covariance of the real side's features."""
    if "statistics" in job.real.offers:
        found = job.real.statistics
    elif job.extractor is None and job.real.sample_shape is not None:
        raise UserError(
            "save_real_statistics needs features of the real side, which none of the metrics"
            " looks at: add fid to them"
        )
    else:
        wanted = Wanted(
            kinds=frozenset(("features",)),
            number=job.n_real,
            seed=job.seed,
            passes=Pass(
                extractor=job.extractor,
                batch_size=job.batch_size,
                progress=Progress(0, shown=False),
            ),
        )
        found = references.statistics(job.real, job.extractor, wanted)
    facts = {"dataset": job.real.name, "real_split": job.real.split, "n_real": job.n_real}
    statistics_files.write(path, found, facts | protocols.of_extractor(job.extractor))
