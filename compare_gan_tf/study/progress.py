"""How far a study is, in numbers and as a table."""

import dataclasses
import datetime
import statistics
from collections import Counter

from compare_gan_tf.comparison.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Run
from compare_gan_tf.study import collect
from compare_gan_tf.study.storage import Study

COLUMNS = ("done", "failed", "running", "waiting", "best")
_SHOWN_REASONS = 5


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a study is.

    Attributes:
      variants: {label of a variant: {column: number}} with the `COLUMNS`; best is None without a
        score.
      total: the same of all runs.
      reasons: {why runs failed: how many}, the most frequent first.
      seconds_left: expected, with as many runs at once as now; None if that is not known.
      is_done: whether no run is left.
    """

    variants: dict[str, dict]
    total: dict
    reasons: dict[str, int]
    seconds_left: float | None
    is_done: bool

    def rows(self) -> list[list[str]]:
        """A row of cells for each variant, and one for all."""
        return [
            [label, *("" if n is None else f"{n:.2f}" if k == "best" else str(n)
                      for k, n in row.items())]
            for label, row in [*self.variants.items(), ("all", self.total)]
        ]  # fmt: skip

    def notes(self) -> list[str]:
        """Lines on why runs failed, and on the time left."""
        reasons = list(self.reasons.items())[:_SHOWN_REASONS]
        lines = [f"failed, {number} times: {reason}" for reason, number in reasons]
        if self.seconds_left is not None:
            left = datetime.timedelta(seconds=round(self.seconds_left))
            lines.append(f"about {left} left")
        elif not self.is_done and not self.total["running"]:
            lines.append("no worker runs: start compare-gan study, or compare-gan study work")
        return lines


def progress(study: Study) -> Progress:
    """Counts the runs of each variant."""
    found: dict[str, list[Run]] = {cell.label: [] for cell in study.cells}
    for cell in study.cells:
        for trial in study.trials(cell):
            found[cell.label] += collect.of_trial(study, cell, trial)
    every = [run for of_cell in found.values() for run in of_cell]
    failed = Counter(run.reason for run in every if run.status == FAILED)
    counts = Counter(run.status for run in every)
    return Progress(
        {label: _counted(study, of_cell) for label, of_cell in found.items()},
        _counted(study, every),
        dict(failed.most_common()),
        _seconds_left(study),
        not counts[RUNNING] and not counts[WAITING],
    )


def _counted(study: Study, runs: list[Run]) -> dict:
    counts = Counter(run.status for run in runs)
    scores = [run.scores[study.plan.metric].best for run in runs if run.status == COMPLETE]
    best = (max if study.higher_is_better else min)(scores, default=None)
    done = counts[COMPLETE] + counts[FAILED] + counts[PRUNED]
    numbers = (done, counts[FAILED], counts[RUNNING], counts[WAITING], best)
    return dict(zip(COLUMNS, numbers, strict=True))


def _seconds_left(study: Study) -> float | None:
    """From how long trials took so far, with as many at once as run now."""
    trials = [trial for cell in study.cells for trial in study.trials(cell)]
    took = [trial.user_attrs["seconds"] for trial in trials if trial.state.name == "COMPLETE"]
    running = sum(trial.state.name == "RUNNING" for trial in trials)
    left = sum(trial.state.name in ("RUNNING", "WAITING") for trial in trials)
    return statistics.mean(took) * left / running if left and running and took else None
