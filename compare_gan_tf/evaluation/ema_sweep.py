"""Scores averages of several lengths of one checkpoint, and reports the best: post-hoc EMA.

The length is selected on the validation split. The test split takes no part in the selection.
"""

import dataclasses
from collections.abc import Sequence

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import runs
from compare_gan_tf.runs import best, ema_snapshots, results

LENGTHS = (0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.10, 0.15, 0.20, 0.25)  # of a sweep


@dataclasses.dataclass(frozen=True)
class Sweep:
    """The scores of several lengths.

    Attributes:
      step: of the checkpoint.
      select_by: name of the score that has selected the length.
      tried: {length: the row of this score on the validation split}.
      best: the length that was selected.
      rows: all scores of that length, on all splits.
    """

    step: int
    select_by: str
    tried: dict[float, results.Row]
    best: float
    rows: list[results.Row]


def possible(model_dir: str, gan, step: int, lengths: Sequence[float] = LENGTHS) -> list[float]:
    """The lengths that the snapshots of a run can make at a step.

    Raises:
      UserError: they can make none; the message says why.
    """
    found, failure = [], None
    for length in lengths:
        try:
            ema_snapshots.combination(model_dir, gan, step, length)
            found.append(length)
        except UserError as error:
            failure = error
    if not found and failure:
        raise failure
    return found


@dataclasses.dataclass(frozen=True)
class Plan:
    """The checked settings of a sweep, made by `plan`."""

    step: int
    of_validation: dict[float, runs.Plan]
    of_all: dict[float, runs.Plan]

    def run(self) -> Sweep:
        """Computes all scores that do not exist yet.

        Raises:
          UserError: see `runs.Plan.run`; or no length has a score, and the message says why.
        """
        name, tried = next(iter(self.of_all.values())).select_by, {}
        for length, one in self.of_validation.items():
            tried[length] = next(row for row in one.run() if row["metric"] == name)
        scored = [length for length, row in tried.items() if row["value"] is not None]
        if not scored:
            reason = next(iter(tried.values()))["reason"]
            raise UserError(f"none of {len(tried)} lengths has a {name}: {reason}")
        metrics = next(iter(self.of_validation.values())).comparisons[best.SPLIT].metrics
        higher = next(metric.scores[name] for metric in metrics if name in metric.scores)
        chosen = (max if higher else min)(scored, key=lambda length: tried[length]["value"])
        return Sweep(self.step, name, tried, chosen, self.of_all[chosen].run())


def plan(model_dir: str, gan, dataset, lengths: Sequence[float], *, step: int, **settings) -> Plan:
    """Checks all settings for scoring several lengths at one step; computes and writes nothing.

    Args:
      model_dir, gan, dataset, **settings: see `runs.plan`, whose bindings apply.
      lengths: sigma_rel of the averages.
      step: of the checkpoint.

    Raises:
      UserError: the snapshots cannot make a length, see `runs.plan` for the others; or no score of
        these metrics has a better direction.
    """
    for length in lengths:
        ema_snapshots.combination(model_dir, gan, step, length)
    shared = settings | {"steps": [step], "real_statistics": {}}

    def plans(**more) -> dict[float, runs.Plan]:
        given = shared | more
        return {one: runs.plan(model_dir, gan, dataset, ema_length=one, **given) for one in lengths}

    made = Plan(step, plans(splits=[best.SPLIT]), plans())
    if next(iter(made.of_all.values())).select_by is None:
        raise UserError(
            "no score of evaluate.metrics has a better direction, by which a length could be "
            "selected: add one such as fid"
        )
    return made
