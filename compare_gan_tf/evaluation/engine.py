"""Scores fakes against real samples: one pass over each side, then one metric after the other.

`runs` (the checkpoints of a run) and `pairs` (any two sides) both use this engine. They decide what
is compared; `stores` know which scores exist already, and store the new ones.
"""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from compare_gan_tf.evaluation import misleading, outcomes, protocols, references
from compare_gan_tf.evaluation.label_mix import labelled_sides
from compare_gan_tf.evaluation.progress import Progress, forecast
from compare_gan_tf.evaluation.sides import PASSED, Method, Side, Wanted
from compare_gan_tf.metrics.base import Collected
from compare_gan_tf.metrics.protocol import Protocol
from compare_gan_tf.runs import results


@dataclasses.dataclass(eq=False, kw_only=True)
class Comparison:
    """The fakes of one model and the real samples that they are compared with.

    Attributes:
      metrics: values of `metrics.registry`.
      method: how samples are processed.
      real: the real side.
      n_real: number of real samples; None for statistics without a sample count.
      fake: the fake side.
      n_fake: number of fakes.
      held_out: a side of real samples that no model was trained on, or None.
      is_floor: whether real samples take the place of the fakes; then no warnings about the
        protocol are given.
    """

    metrics: tuple
    method: Method
    real: Side
    n_real: int | None
    fake: Side
    n_fake: int
    held_out: Side | None = None
    is_floor: bool = False

    @functools.cached_property
    def sides(self) -> dict:
        """{metric: the fakes with the label distribution that it needs}, see `label_mix`."""
        return labelled_sides(self.fake, self.metrics, self.real, self.n_real, self.method.seed)

    @functools.cached_property
    def protocols(self) -> dict[object, Protocol]:
        """{metric: the protocol of its scores}."""
        numbers = {"n_real": self.n_real, "n_fake": self.n_fake, "seed": self.method.seed}
        return {
            metric: protocols.protocol(metric, self.real, side, self.method.extractor, **numbers)
            for metric, side in self.sides.items()
        }

    def warnings(self, metric) -> list[str]:
        """Warnings about the protocol of a metric's scores, see `misleading`."""
        if self.is_floor:
            return []
        truncation, extractor = self.protocols[metric].truncation, self.method.extractor
        return misleading.protocol_warnings(metric, self.real, self.fake, extractor, truncation)

    def fakes_are_of(self, where: str) -> None:
        """Sets the name of the fakes' source, such as a checkpoint, in messages."""
        for side in (self.fake, *self.sides.values()):
            side.where = where

    def passes(self, metrics) -> dict[Side, list]:
        """{side of fakes: the metrics that use it}; each side needs one pass."""
        found: dict = {}
        for metric in metrics:
            found.setdefault(self.sides[metric], []).append(metric)
        return found

    def rows(self, metric, found, seconds: float) -> list[results.Score]:
        """The outcomes of a metric in their stored form."""
        protocol, warnings = self.protocols[metric], self.warnings(metric)
        return [outcomes.row(one, protocol, seconds, warnings) for one in found]

    def failed(self, metric, reason: str) -> "Scored":
        """Rows without a value, when there are no fakes to score."""
        return Scored(metric, [self.rows(metric, outcomes.failed(metric, reason), 0.0)], [])


class Scored(NamedTuple):
    """The scores of one metric.

    Attributes:
      metric: value of `metrics.registry`.
      rows: for each comparison, one row per score. A row's `seconds` is the time since the row
        before, so that work which metrics share, such as generating samples, counts once.
      differences: for two comparisons, rows of first minus second; else empty.
    """

    metric: object
    rows: list[list[results.Score]]
    differences: list[results.Score]


class Engine:
    """Computes scores, and keeps what it has collected of the real samples for the next call.

    Args:
      kept: dict in which the collected data are kept, for callers in a loop; None for a new one.
    """

    def __init__(self, kept: dict | None = None):
        self._kept = {} if kept is None else kept

    @contextlib.contextmanager
    def progress(self, work, *, shown: bool = True) -> Iterator[Progress]:
        """Context manager of a progress bar over samples, with a forecast of time and memory.

        Args:
          work: pairs (comparisons, metrics), the arguments of the calls of `score`.
          shown: whether to show it.
        """
        jobs = self._passes(work)
        total = sum(number for _, number, _ in jobs)
        shown = shown and total > 0
        with Progress(total, shown=shown) as bar:
            if shown and (expected := forecast(jobs, work[0][0][0].method)):
                bar.say(f"evaluate: {expected}")
            yield bar

    def _passes(self, work) -> list[tuple]:
        """(side, number of samples, whether images are kept) of each pass over samples."""
        found, reals = {}, set(self._kept)

        def add(side, number, needs):
            if needs & PASSED and side.sample_shape is not None:
                before, keeps = found.get(side, (0, False))
                found[side] = before + number, keeps or "images" in needs

        for comparisons, metrics in work:
            if (key := _real_key(comparisons[0], metrics)) not in reals:
                reals.add(key)
                real = comparisons[0].real
                add(real, comparisons[0].n_real, outcomes.needs(metrics, "real"))
            for one in comparisons:
                for side, looking in one.passes(metrics).items():
                    add(side, one.n_fake, outcomes.needs(looking, "fake"))
        return [(side, number, keeps) for side, (number, keeps) in found.items()]

    def score(
        self, comparisons: Sequence[Comparison], metrics, progress: Progress, title: str = ""
    ) -> Iterator[Scored]:
        """Yields the scores of each metric. Metrics that share fakes are computed in succession.

        Args:
          comparisons: one; or two with the same real samples, whose difference is scored too.
          metrics: the metrics to compute, some or all of the comparisons' metrics.
          progress: the progress bar.
          title: prefix of the metric's name in the bar.
        """
        held: dict = {}
        with contextlib.ExitStack() as closing:
            start = time.monotonic()
            for metric in _by_fakes(comparisons, metrics):
                fakes = []
                for one in comparisons:
                    key = one, one.sides[metric]
                    if key not in held:
                        held[key] = self._fakes(one, metric, metrics, progress)
                        _close_later(closing, held[key])
                    fakes.append(held[key])
                real = self._real(comparisons[0], metrics, fakes, progress)
                progress.working(f"{title}{metric.name}")
                yield self._scored(comparisons, metric, real, fakes, start)
                start = time.monotonic()

    def _scored(self, comparisons, metric, real, fakes, start: float) -> Scored:
        rows = []
        for comparison, fake in zip(comparisons, fakes, strict=True):
            outcomes.check_feature_dims(real, fake)
            found = outcomes.outcomes(metric, real, fake)
            rows.append(comparison.rows(metric, found, _since(start)))
        if len(fakes) == 1:
            return Scored(metric, rows, [])
        protocol, start = comparisons[0].protocols[metric], time.monotonic()
        found = outcomes.outcomes(metric, real, *fakes)
        return Scored(metric, rows, [outcomes.row(one, protocol, _since(start)) for one in found])

    def _fakes(self, comparison: Comparison, metric, metrics, progress) -> Collected | str:
        side, number, method = comparison.sides[metric], comparison.n_fake, comparison.method
        kinds = outcomes.needs(comparison.passes(metrics)[side], "fake")
        wanted = Wanted(kinds=kinds, number=number, method=method, progress=progress)
        return outcomes.attempt(functools.partial(side.give, wanted))

    def _real(self, comparison: Comparison, metrics, fakes, progress) -> Collected | str:
        """The data collected of the real side; or, if there are no fakes at all, the reason."""
        if all(isinstance(fake, str) for fake in fakes):
            return fakes[0]
        key = _real_key(comparison, metrics)
        if key not in self._kept:
            self._kept[key] = outcomes.attempt(
                functools.partial(references.collect, comparison, metrics, progress)
            )
        return self._kept[key]


def _since(start: float) -> float:
    return round(time.monotonic() - start, 3)


def _real_key(comparison: Comparison, metrics) -> tuple:
    return comparison.real, frozenset(metric.name for metric in metrics), comparison.n_real


def _by_fakes(comparisons, metrics) -> list:
    """The metrics, sorted so that those with the same fakes are adjacent."""
    groups: dict = {}
    for metric in metrics:
        groups.setdefault(tuple(one.sides[metric] for one in comparisons), []).append(metric)
    return [metric for group in groups.values() for metric in group]


def _close_later(closing: contextlib.ExitStack, collected: Collected | str) -> None:
    for name in PASSED:
        if (held := getattr(collected, name, None)) is not None:
            closing.enter_context(held)
