"""The work of a comparison: each side is gone through once, then metric follows metric.

After every metric the file of scores is written anew, so that a process that is killed loses one
metric at most.
"""

import contextlib
import dataclasses
import functools

from compare_gan_tf.evaluation import outcomes, paired, references, rows, scores
from compare_gan_tf.evaluation.collect import Pass
from compare_gan_tf.evaluation.progress import Progress, forecast
from compare_gan_tf.evaluation.sides import PASSED, Side, Wanted
from compare_gan_tf.metrics.base import Collected


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """What all fakes of one comparison share; see `pairs.evaluate`."""

    metrics: tuple
    real: Side
    held_out: Side | None
    extractor: object
    n_real: int | None
    batch_size: int
    seed: int

    def wanted(self, metrics, side: str, number: int, progress) -> Wanted:
        """What the metrics ask of a side."""
        passes = Pass(extractor=self.extractor, batch_size=self.batch_size, progress=progress)
        kinds = outcomes.needs(metrics, side) - {"held_out"}
        return Wanted(kinds=kinds, number=number, seed=self.seed, passes=passes)


@dataclasses.dataclass
class Fakes:
    """One model's fakes.

    Attributes:
      sides: {metric: the side as it needs it}, see `label_mix`.
      number: of samples.
      protocols: {metric: its protocol}.
      warnings: {metric: what the protocol tells against its scores}.
      rows: {metric: [row of each score]}, so far.
    """

    sides: dict
    number: int
    protocols: dict
    warnings: dict
    rows: dict

    def passes(self, metrics) -> dict:
        """{side: metrics that look at it}."""
        found: dict = {}
        for metric in metrics:
            found.setdefault(self.sides[metric], []).append(metric)
        return found

    def pending(self, metrics) -> list:
        """Metrics without a value of every score."""
        return [
            metric
            for metric in metrics
            if not self.rows.get(metric) or any(r["value"] is None for r in self.rows[metric])
        ]

    def flat(self, metrics) -> list[dict]:
        """All rows in the order of the metrics."""
        return [row for metric in metrics for row in self.rows.get(metric, ())]


@dataclasses.dataclass
class Found:
    """Scores as they are found, and where they are written."""

    fakes: list[Fakes]
    scores: scores.Scores
    output: str | None
    differences: dict = dataclasses.field(default_factory=dict)

    def write(self, metrics, *, complete: bool = False) -> None:
        """Brings the scores up to date, also on disk."""
        self.scores.rows = self.fakes[0].flat(metrics)
        self.scores.complete = complete
        if len(self.fakes) > 1:
            self.scores.against_rows = self.fakes[1].flat(metrics)
            self.scores.differences = [
                row for metric in metrics for row in self.differences.get(metric, ())
            ]
        if self.output is not None:
            scores.write(self.output, self.scores)


def run(job: Job, found: Found, *, shown: bool) -> None:
    """Scores what has no value yet; `shown`: with a forecast and a bar on stderr."""
    pending = {id(fakes): fakes.pending(job.metrics) for fakes in found.fakes}
    if len(found.fakes) > 1:  # a difference needs both
        pending = {id(fakes): list(job.metrics) for fakes in found.fakes}
    metrics = [m for m in job.metrics if any(m in some for some in pending.values())]
    found.write(job.metrics, complete=not metrics)
    if not metrics:
        return
    jobs = _passes(job, found, metrics)
    with Progress(sum(number for _, number, _ in jobs), shown=shown) as bar:
        expected = forecast(jobs, job.extractor, job.batch_size, job.seed) if shown else None
        if expected:
            bar.say(f"evaluate: {expected}")
        with contextlib.ExitStack() as closing:
            real = outcomes.attempt(functools.partial(_reals, job, metrics, bar))
            fakes = [_fakes(job, one, metrics, bar) for one in found.fakes]
            for collected in (real, *(one for found in fakes for one in found.values())):
                _close_later(closing, collected)
            _score(job, found, metrics, real, fakes, bar)
    found.write(job.metrics, complete=True)


def _passes(job: Job, found: Found, metrics) -> list[tuple]:
    """(side, samples, whether images are kept) of the sides that send samples through."""
    sides = [(job.real, job.n_real, outcomes.needs(metrics, "real"))]
    for fakes in found.fakes:
        for side, looking in fakes.passes(metrics).items():
            sides.append((side, fakes.number, outcomes.needs(looking, "fake")))
    return [
        (side, number, "images" in needs)
        for side, number, needs in sides
        if needs and side.sample_shape is not None
    ]


def _reals(job: Job, metrics, bar) -> Collected:
    return references.collect(
        job.real, metrics, job.extractor, number=job.n_real or 0, batch_size=job.batch_size,
        seed=job.seed, held_out=job.held_out, progress=bar,
    )  # fmt: skip


def _fakes(job: Job, fakes: Fakes, metrics, bar) -> dict:
    """{metric: what is collected for it, or the reason why there is nothing}."""
    found = {}
    for side, looking in fakes.passes(metrics).items():
        wanted = job.wanted(looking, "fake", fakes.number, bar)
        collected = outcomes.attempt(functools.partial(side.give, wanted))
        found |= dict.fromkeys(looking, collected)
    return found


def _close_later(closing: contextlib.ExitStack, collected: Collected | str) -> None:
    for name in PASSED:
        if (held := getattr(collected, name, None)) is not None:
            closing.enter_context(held)


def _score(job: Job, found: Found, metrics, real: Collected | str, fakes: list, bar) -> None:
    for collected in fakes:
        for one in collected.values():
            outcomes.check_width(real, one)
    for metric in metrics:
        bar.working(metric.name)
        for collected, one in zip(fakes, found.fakes, strict=True):
            made = outcomes.outcomes(metric, real, collected[metric])
            one.rows[metric] = [
                rows.row(each, one.protocols[metric], one.warnings[metric]) for each in made
            ]
        if len(fakes) > 1:
            made = paired.differences(metric, real, *(collected[metric] for collected in fakes))
            found.differences[metric] = [
                rows.row(each, found.fakes[0].protocols[metric]) for each in made
            ]
        found.write(job.metrics)
