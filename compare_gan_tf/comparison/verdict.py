"""What a comparison says, in sentences: who is best, how surely, and what may mislead."""

import math

from compare_gan_tf.analysis.effects import SUPPORTED, effect
from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.contests import ALL_TASKS
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import COMPLETE, FAILED, Comparison, label
from compare_gan_tf.comparison.table import Table, interval_text, metric_name, metric_title

_MOST_NAMES = 3  # of those that are not told apart


def verdict(comparison: Comparison, tables: dict[str, Table]) -> list[str]:
    """What is found, then what is missing: see both.

    Args:
      comparison: the runs.
      tables: its tables.
    """
    return [*findings(comparison, tables), *missing(comparison)] or ["There is no run yet."]


def findings(comparison: Comparison, tables: dict[str, Table]) -> list[str]:
    """A sentence on each task, and one on all of them."""
    boards = outcomes.boards(comparison)
    said = [_of_task(board, tables["leaderboard"], len(boards) > 1) for board in boards]
    if len(boards) > 1 and "ranks" in tables:
        said += _of_all(tables["ranks"])
    return said


def cautions(comparison: Comparison) -> list[str]:
    """What may mislead: several protocols of one task, and the warnings of the scores that rank."""
    protocols: dict[str, set[str]] = {}
    warnings: dict[str, None] = {}
    for run in comparison.runs:
        if comparison.metric in run.scores:
            scored = run.scores[comparison.metric]
            protocols.setdefault(run.task, set()).add(scored.protocol_id)
            warnings |= dict.fromkeys(scored.warnings)
    several = [
        f"{metric_title(comparison.metric)} on {task} was scored under {len(ones)} protocols, "
        "which do not compare."
        for task, ones in protocols.items()
        if len(ones) > 1
    ]
    return [*several, *warnings]


def _of_task(board: Board, leaderboard: Table, several: bool) -> str:
    rows = [row for row in leaderboard.where(task=board.task) if row["best"] is not None]
    metric = metric_name(board.metric)
    where = f"On {board.task}: " if several else ""
    if not rows:
        return f"{where}no variant has a median {metric}: half of its runs or more failed."
    best = rows[0]
    name = f"“{best['variant']}”"
    score = f"median {metric} {interval_text(best, 'best', 3)} over {_seeds(best['seeds'])}"
    if len(board.outcomes) == 1:
        return f"{where}{name}: {score}; there is no other variant to compare with."
    scores = {
        label(one.variant): values
        for one, values in zip(board.outcomes, board.scores(), strict=True)
    }
    others = [row["variant"] for row in leaderboard.where(task=board.task)[1:]]
    found = {
        other: effect(scores[best["variant"]], scores[other], lower_is_better=board.lower_is_better)
        for other in others
    }
    open_ones = [other for other in others if found[other].verdict != SUPPORTED]
    runner = found[others[0]].interval
    beats = (
        f"it beats “{others[0]}” with probability {runner.value:.2f} "
        f"[{runner.low:.2f}, {runner.high:.2f}]"
    )
    if not open_ones:
        return f"{where}{name} is best: {score}; {beats}."
    return (
        f"{where}{name} leads: {score}; {beats}. "
        f"Its seeds do not tell it apart from {_names(open_ones)}."
    )


def _of_all(ranks: Table) -> list[str]:
    rows = [row for row in ranks.where(task=ALL_TASKS) if row["rank"] == 1]
    if not rows:
        return []
    best = min(rows, key=lambda row: (row["mean_rank"], -row["probability"]))
    return [
        f"Over all data sets “{best['variant']}” has the best mean rank, "
        f"{best['mean_rank']:.1f}, and is first with probability {best['probability']:.2f}."
    ]


def missing(comparison: Comparison) -> list[str]:
    """Sentences on the runs that failed, that have no score, and that do not count."""
    ended = outcomes.ended(comparison.runs)
    failed = [run for run in ended if run.status == FAILED]
    without = [
        run
        for run in ended
        if run.status == COMPLETE and math.isnan(outcomes.reported(run, comparison.metric))
    ]
    others = len(comparison.runs) - len(ended)
    said = []
    if failed:
        one = failed[0]
        said.append(
            f"{len(failed)} of {len(ended)} runs failed, and count as worse than all others. For "
            f"example, {one.name}: {one.reason or 'no reason is known'}"
        )
    if without:
        said.append(
            f"{len(without)} of {len(ended)} runs have no {metric_name(comparison.metric)}, and "
            "count as failed."
        )
    if others:
        said.append(
            f"{others} of {len(comparison.runs)} runs were pruned or have not ended, and do not "
            "count."
        )
    return said


def _names(names: list[str]) -> str:
    """As in a, b and 3 more."""
    shown = names[:_MOST_NAMES] if len(names) > _MOST_NAMES + 1 else names
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    parts = [f"“{name}”" for name in shown] + more
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _seeds(number: int) -> str:
    return "one seed" if number == 1 else f"{number} seeds"
