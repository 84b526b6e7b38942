"""What a comparison says, in sentences: who is best, how surely, and what may mislead."""

import math

from compare_gan_tf.analysis.effects import SUPPORTED, effect
from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.contests import ALL_TASKS
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import COMPLETE, FAILED, WAITING, Comparison, label
from compare_gan_tf.comparison.table import Table, interval_text, metric_name, metric_title

_MOST_NAMES = 3  # of those that are not told apart
_MOST_OTHERS = 5  # of the settings that differ beside the axes
_ENOUGH_SEEDS = 6  # the range of so many holds the median in 97 % of cases


def verdict(comparison: Comparison, tables: dict[str, Table]) -> list[str]:
    """What is found, what may explain it, and what is missing: see each.

    Args:
      comparison: the runs.
      tables: its tables.
    """
    said = [*findings(comparison, tables), *confounders(comparison), *missing(comparison)]
    return said or ["There is no run yet."]


def findings(comparison: Comparison, tables: dict[str, Table]) -> list[str]:
    """A sentence on each task, one on all of them, and one where intervals are ranges."""
    boards = outcomes.boards(comparison)
    said = [_of_task(board, tables["leaderboard"], len(boards) > 1) for board in boards]
    if len(boards) > 1 and "ranks" in tables:
        said += _of_all(tables["ranks"])
    return said + _of_few_seeds(boards)


def _of_few_seeds(boards: list[Board]) -> list[str]:
    """A median's interval of few seeds is their range, which misses it if all are on one side."""
    few = min((len(one.chosen) for board in boards for one in board.outcomes), default=0)
    if not 1 < few < _ENOUGH_SEEDS:
        return []
    return [
        f"The brackets of {few} seeds are their range, which holds the median in "
        f"{1 - 2 ** (1 - few):.0%} of cases; {_ENOUGH_SEEDS} seeds reach 95%."
    ]


def confounders(comparison: Comparison) -> list[str]:
    """A sentence on the settings that are no axis, and have other values in other variants."""
    others = comparison.also_differ
    if not others:
        return []
    listed = [f"{name} ({', '.join(values[:4])})" for name, values in others.items()]
    return [
        f"Beside {' and '.join(comparison.axes)}, the variants differ in "
        f"{_listed(listed, _MOST_OTHERS)}: what is found may come from these."
    ]


def cautions(comparison: Comparison) -> list[str]:
    """What may mislead: settings and protocols that differ, and the warnings of the scores."""
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
    return [*confounders(comparison), *several, *warnings]


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
    if min(len(scores[best["variant"]]), len(scores[others[0]])) < 2:
        beats = "one seed cannot tell a difference from chance"
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
    unscored = [run for run in comparison.runs if run.status == WAITING and run.reason]
    others = len(comparison.runs) - len(ended) - len(unscored)
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
    if unscored:
        one = unscored[0]
        said.append(
            f"{len(unscored)} of {len(comparison.runs)} runs were not scored, and do not count. "
            f"For example, {one.name}: {one.reason}"
        )
    if others:
        said.append(
            f"{others} of {len(comparison.runs)} runs were pruned or have not ended, and do not "
            "count."
        )
    return said


def _names(names: list[str]) -> str:
    return _listed([f"“{name}”" for name in names], _MOST_NAMES)


def _listed(names: list[str], most: int) -> str:
    """As in a, b and 3 more."""
    shown = names[:most] if len(names) > most + 1 else names
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    parts = shown + more
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _seeds(number: int) -> str:
    return "one seed" if number == 1 else f"{number} seeds"
