"""Other sides of the runs: the best 5 %, best and last checkpoints, diversity, cost, protocols."""

import dataclasses
import math

import numpy as np

from compare_gan_tf.analysis.aggregates import median
from compare_gan_tf.analysis.bootstrap import interval
from compare_gan_tf.analysis.pareto import pareto_front
from compare_gan_tf.analysis.summaries import best_share
from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import COMPLETE, Comparison, Run, label
from compare_gan_tf.comparison.table import (
    LONG,
    SHARE,
    TEXT,
    WHOLE,
    Column,
    Table,
    bounded,
    known,
    metric_name,
    metric_title,
)

SHARE_OF_BEST = 0.05
_PLANES = [("recall", "precision"), ("coverage", "density")]


def top(boards: list[Board]) -> Table:
    """The best 5 % of the runs of each variant, selected on one split and reported on the other."""
    rows = [
        {"task": board.task, "variant": label(one.variant), "run": run.name}
        | {"score": known(outcomes.reported(run, board.metric))}
        for board in boards
        for one in board.outcomes
        for run in _best_runs(one.runs, board)
    ]
    return Table(
        "top",
        "Best 5 % of the runs",
        "Of each variant the best 5 % of all its runs, and one at least, on the split that "
        "selects; the score is that on the other split (Kurach et al., 2018, figures 2 to 4).",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("run", "Run", TEXT),
            Column("score", metric_title(boards[0].metric) if boards else "Score"),
        ],
        rows,
    )


def _best_runs(runs: list[Run], board: Board) -> list[Run]:
    scores = [outcomes.selected(run, board.metric) for run in runs]
    kept = len(best_share(scores, SHARE_OF_BEST, lower_is_better=board.lower_is_better).scores)
    sign = 1.0 if board.lower_is_better else -1.0
    costs = np.where(np.isnan(scores), np.inf, sign * np.array(scores))
    return [runs[i] for i in np.argsort(costs, kind="stable")[:kept]]


def ends(comparison: Comparison, boards: list[Board]) -> Table:
    """The best and the last checkpoint of the best setting of each variant."""
    rows = []
    for board in boards:
        for one in board.outcomes:
            best, last = (
                [score(run, board.metric) for run in one.chosen]
                for score in (outcomes.reported, outcomes.at_the_end)
            )
            lost = [b if math.isnan(b) else a - b for a, b in zip(last, best, strict=True)]
            row = {"task": board.task, "variant": label(one.variant)}
            for key, values in (("best", best), ("last", last)):
                found = interval(values, median, lower_is_better=board.lower_is_better)
                row |= bounded(key, found)
            known_ones = [value for value in lost if math.isfinite(value)]
            row["change"] = float(np.median(known_ones)) if known_ones else None
            rows.append(row)
    return Table(
        "ends",
        "Best against last checkpoint",
        f"The median {metric_name(comparison.metric)} of the best setting over its seeds, at the "
        "checkpoint that was selected and at the last one, each with an interval as on the "
        "leaderboard; and the median of what a run's score changed between them. A large change is "
        "a run that must be stopped in time.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("best", "Best", interval=True),
            Column("last", "Last", interval=True),
            Column("change", "Change"),
        ],
        rows,
    )


def planes(comparison: Comparison) -> list[tuple[str, str]]:
    """Pairs (x, y) of metrics of diversity and quality that some run has both of."""
    metric = comparison.metric
    pairs = [*_PLANES, *((other, metric) for other in ("ms_ssim",) if other != metric)]
    return [
        pair for pair in pairs if any(set(pair) <= run.scores.keys() for run in comparison.runs)
    ]


def diversity(comparison: Comparison) -> Table:
    """Quality beside diversity of each run, at its best checkpoint."""
    rows = [
        row
        for x, y in planes(comparison)
        for task in comparison.tasks()
        for row in _on_plane(comparison, task, x, y)
    ]
    return Table(
        "diversity",
        "Quality against diversity",
        "Of each run at its best checkpoints on the split that is reported. Precision and "
        "density tell how real samples look; recall and coverage, how much of the data they "
        "cover; MS-SSIM is high where samples are alike. On the front is a run that no other "
        "one beats in both.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("run", "Run", TEXT),
            Column("diversity", "Diversity", TEXT),
            Column("x", "Its score"),
            Column("quality", "Quality", TEXT),
            Column("y", "Its score"),
            Column("front", "On the front", TEXT),
        ],
        rows,
    )


def _on_plane(comparison: Comparison, task: str, x: str, y: str) -> list[dict]:
    rows = [
        {"task": task, "variant": label(run.variant), "run": run.name}
        | {"diversity": x, "x": known(outcomes.reported(run, x))}
        | {"quality": y, "y": known(outcomes.reported(run, y)), "front": ""}
        for run in comparison.runs
        if run.task == task and run.status == COMPLETE and {x, y} <= run.scores.keys()
    ]
    rows = [row for row in rows if None not in (row["x"], row["y"])]
    # MS-SSIM has no direction of its own; alike samples, of which it is high, are not diverse.
    lower = tuple(one == "ms_ssim" or not comparison.higher_is_better.get(one) for one in (y, x))
    if rows:
        both = ([row[key] for row in rows] for key in ("y", "x"))
        for i in pareto_front(*both, lower_is_better=lower):
            rows[i]["front"] = "yes"
    return rows


def cost(boards: list[Board]) -> Table:
    """What all runs of a variant cost together, failed ones too."""
    rows = []
    for board in boards:
        for one in board.outcomes:
            row = {"task": board.task, "variant": label(one.variant), "runs": len(one.runs)}
            row["steps"] = sum(run.steps for run in one.runs)
            row["images"] = sum(run.images for run in one.runs)
            for key in ("seconds", "multiply_adds"):
                values = [getattr(run, key) for run in one.runs]
                row[key] = None if None in values else float(sum(values))
                there = [value for value in values if value is not None]
                row[f"{key}_of_one"] = float(np.median(there)) if there else None
            rows.append(row)
    return Table(
        "cost",
        "Cost",
        "Of all runs of a variant, failed ones too: generator updates, real images that D has "
        "seen, seconds of training and multiply-adds of all forward passes of both players; and "
        "the median of one run. A sum is left out where a run does not tell.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("runs", "Runs", WHOLE),
            Column("steps", "Steps", WHOLE),
            Column("images", "Images", WHOLE),
            Column("seconds", "Seconds"),
            Column("seconds_of_one", "of one run"),
            Column("multiply_adds", "Multiply-adds"),
            Column("multiply_adds_of_one", "of one run"),
        ],
        rows,
    )


def importances(shares: dict[str, float]) -> Table:
    """What explains the score, most first."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    return Table(
        "importance",
        "Importance of settings",
        "The share of the variance of the score, over all runs, that a setting or an axis "
        "explains.",
        [Column("name", "Setting", TEXT), Column("share", "Share", SHARE)],
        [{"name": name, "share": known(share)} for name, share in ordered],
    )


def protocols(comparison: Comparison) -> Table:
    """How each metric was scored: a row for each protocol of each metric and task."""
    found: dict[tuple, list] = {}
    for run in comparison.runs:
        for metric, scored in run.scores.items():
            found.setdefault((run.task, metric, scored.protocol_id), []).append(scored)
    rows = [
        {"task": task, "metric": metric, "protocol": identity, "runs": len(ones)}
        | {"fields": ", ".join(f"{key} = {value}" for key, value in ones[0].protocol.items())}
        | {"warnings": "; ".join(dict.fromkeys(text for one in ones for text in one.warnings))}
        for (task, metric, identity), ones in found.items()
    ]
    return Table(
        "protocols",
        "Protocols",
        "How each score was made. Scores under different protocols do not compare.",
        [
            Column("task", "Data set", TEXT),
            Column("metric", "Metric", TEXT),
            Column("protocol", "Protocol", TEXT),
            Column("runs", "Runs", WHOLE),
            Column("fields", "Fields", LONG),
            Column("warnings", "Warnings", LONG),
        ],
        rows,
    )


@dataclasses.dataclass(frozen=True)
class Pictured:
    """A run whose samples are shown: `place` is "best", "median", "worst" or "only"."""

    task: str
    variant: str
    place: str
    run: str
    score: float


def pictured(comparison: Comparison) -> list[Pictured]:
    """The best, the median and the worst run with a score, of each variant of each task."""
    found = []
    for board in outcomes.boards(comparison):
        for one in board.outcomes:
            scores = [(outcomes.reported(run, board.metric), run.name) for run in one.runs]
            ordered = sorted(pair for pair in scores if not math.isnan(pair[0]))
            ordered = ordered if board.lower_is_better else ordered[::-1]
            found += [
                Pictured(board.task, label(one.variant), place, ordered[at][1], ordered[at][0])
                for place, at in _places(len(ordered))
            ]
    return found


def _places(runs: int) -> list[tuple[str, int]]:
    """What is shown of so many runs in order: ("best", 0) and so on."""
    if runs < 2:
        return [("only", 0)][:runs]
    middle = [("median", (runs - 1) // 2)] if runs > 2 else []
    return [("best", 0), *middle, ("worst", runs - 1)]
