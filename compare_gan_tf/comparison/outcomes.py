"""How the runs of each variant ended, and which of its settings is the best.

A setting is selected on one split, by the median of its seeds, and reported on another. A failed
run counts: it has no score and is worse than every run that has one. Runs that were pruned, or that
wait or go on, do not count.
"""

import dataclasses
import math

import numpy as np

from compare_gan_tf.analysis.aggregates import median
from compare_gan_tf.analysis.scores import costs_of
from compare_gan_tf.comparison.records import COMPLETE, FAILED, Comparison, Run, Scored
from compare_gan_tf.errors import UserError

_FEWEST_SEEDS = 0.5  # of the seeds that the setting with most of them has: others are not selected


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The runs of one variant on one task.

    Attributes:
      variant: {axis: value}.
      runs: all that count.
      setting: the best one.
      chosen: its runs, one for each seed.
      settings: how many were tried.
    """

    variant: dict[str, str]
    runs: list[Run]
    setting: dict
    chosen: list[Run]
    settings: int


@dataclasses.dataclass(frozen=True)
class Board:
    """One task: the outcome of each variant that has runs on it."""

    task: str
    metric: str
    lower_is_better: bool
    outcomes: list[Outcome]

    def scores(self, chosen: bool = True) -> list[np.ndarray]:
        """Of each variant the scores [n] of its best setting, or of all its runs; nan: failed."""
        return [
            np.array([reported(run, self.metric) for run in (one.chosen if chosen else one.runs)])
            for one in self.outcomes
        ]

    def selected(self) -> list[np.ndarray]:
        """Of each variant the scores [n] of all its runs on the split that selects."""
        return [np.array([selected(run, self.metric) for run in one.runs]) for one in self.outcomes]


def boards(comparison: Comparison) -> list[Board]:
    """A board for each task on which a run has ended.

    Raises:
      UserError: the metric that ranks has no better direction.
    """
    lower = lower_is_better(comparison)
    found = []
    for task in comparison.tasks():
        outcomes = [
            outcome(variant, runs, comparison.metric, lower)
            for variant in comparison.variants()
            if (runs := ended(comparison.of(variant, task)))
        ]
        if outcomes:
            found.append(Board(task, comparison.metric, lower, outcomes))
    return found


def lower_is_better(comparison: Comparison) -> bool:
    """Whether less of the metric that ranks is better.

    Raises:
      UserError: neither less nor more is.
    """
    higher = comparison.higher_is_better.get(comparison.metric)
    if higher is None:
        raise UserError(
            f"the metric {comparison.metric} cannot rank: neither less nor more of it is better; "
            f"rank by another, such as fid"
        )
    return not higher


def ended(runs: list[Run]) -> list[Run]:
    """The runs that count: complete or failed."""
    return [run for run in runs if run.status in (COMPLETE, FAILED)]


def score(run: Run, metric: str) -> Scored | None:
    """What a complete run scored; None of others and where it was not scored."""
    return run.scores.get(metric) if run.status == COMPLETE else None


def reported(run: Run, metric: str) -> float:
    """The score of the best checkpoint on the split that is reported; nan of a failed run."""
    found = score(run, metric)
    return math.nan if found is None or found.best is None else float(found.best)


def at_the_end(run: Run, metric: str) -> float:
    """The score of the last checkpoint on the split that is reported; nan of a failed run."""
    found = score(run, metric)
    return math.nan if found is None or found.last is None else float(found.last)


def selected(run: Run, metric: str) -> float:
    """The score of the best checkpoint on the split that selects; nan of a failed run."""
    found = score(run, metric)
    value = found and dict(found.curve).get(found.best_step)
    return math.nan if value is None else float(value)


def outcome(variant, runs: list[Run], metric: str, lower: bool) -> Outcome:
    """Selects among the settings that have at least half of the seeds of any."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(sorted(run.setting.items())), []).append(run)
    fewest = _FEWEST_SEEDS * max(map(len, groups.values()))
    costs = [
        middle_cost([selected(run, metric) for run in one], lower) if len(one) >= fewest else np.inf
        for one in groups.values()
    ]
    # Of equals, also where more than half of the seeds of all settings failed, that with most runs.
    best = min(zip(costs, [-len(one) for one in groups.values()], groups.values(), strict=True),
               key=lambda triple: triple[:2])[2]  # fmt: skip
    return Outcome(variant, runs, best[0].setting, best, len(groups))


def middle_cost(scores, lower: bool) -> float:
    """The median of the costs of scores [n]; infinite where failed runs reach it."""
    return float(median([costs_of(scores, lower)]))


def setting_text(setting: dict) -> str:
    """A setting as lines of gin would have it: "adam.learning_rate = 0.001, GAN.d_steps = 2"."""
    return ", ".join(f"{name} = {_plain(value)}" for name, value in sorted(setting.items()))


def _plain(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
