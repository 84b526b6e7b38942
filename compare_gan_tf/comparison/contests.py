"""Variants against one another: pairs, budgets of runs, profiles over tasks."""

import numpy as np

from compare_gan_tf.analysis.budgets import budget_curve
from compare_gan_tf.analysis.improvement import improvement_matrix
from compare_gan_tf.analysis.log_efficiency import budget_ratio
from compare_gan_tf.analysis.profiles import log_ratios, performance_profile
from compare_gan_tf.comparison.outcomes import Board, middle_cost
from compare_gan_tf.comparison.records import label
from compare_gan_tf.comparison.table import SHARE, TEXT, WHOLE, Column, Table, bounded, known
from compare_gan_tf.errors import UserError

ALL_TASKS = "all data sets"
_MOST_BUDGETS = 30  # points of a curve
_LEVELS = 60  # points of a profile


def pairwise(boards: list[Board]) -> Table:
    """A row for each ordered pair of variants, of each task and of all tasks together."""
    rows = [row for board in boards for row in _pairs(board.task, *_of_one(board))]
    common = in_all(boards)
    if len(boards) > 1 and len(common) > 1:
        rows += _pairs(ALL_TASKS, *_of_all(boards, common), boards[0].lower_is_better)
    return Table(
        "pairwise",
        "Probability of improvement",
        "The probability that a run of the best setting of the first variant beats one of the "
        "second, with a 95 % bootstrap interval over seeds (Agarwal et al., 2021). 0.5 is a tie.",
        [
            Column("task", "Data set", TEXT),
            Column("first", "Variant", TEXT),
            Column("second", "against", TEXT),
            Column("probability", "Probability", SHARE, interval=True),
        ],
        rows,
    )


def _of_one(board: Board):
    return [label(one.variant) for one in board.outcomes], board.scores(), board.lower_is_better


def _of_all(boards: list[Board], common: list[str]):
    found = [dict(zip(_of_one(board)[0], board.scores(), strict=True)) for board in boards]
    return common, [[scores[name] for scores in found] for name in common]


def ratios_of_all(boards: list[Board], chosen: bool = True) -> tuple[list[str], list]:
    """The variants that have runs on every task, and the logarithms of their ratios on each.

    Both are empty where scores that are not above 0, or a task without any score, have no ratios.
    """
    common = in_all(boards)
    found = [dict(zip(_of_one(one)[0], one.scores(chosen), strict=True)) for one in boards]
    try:
        return common, log_ratios([[scores[name] for scores in found] for name in common])
    except UserError:
        return [], []


def in_all(boards: list[Board]) -> list[str]:
    """The variants that have runs on every task."""
    names = [[label(one.variant) for one in board.outcomes] for board in boards]
    return [one for one in names[0] if all(one in other for other in names)] if names else []


def _pairs(task: str, names: list[str], scores: list, lower: bool) -> list[dict]:
    if len(names) < 2:
        return []
    found = improvement_matrix(scores, lower_is_better=lower)
    return [
        {"task": task, "first": first, "second": second}
        | bounded("probability", (part[i, j] for part in found))
        for i, first in enumerate(names)
        for j, second in enumerate(names)
        if i != j
    ]


def budget(boards: list[Board]) -> Table:
    """What the best of k runs of a variant scores, by k."""
    rows = []
    for board in boards:
        for outcome, scores in zip(board.outcomes, board.selected(), strict=True):
            curve = budget_curve(
                scores, _budgets(len(scores)), lower_is_better=board.lower_is_better
            )
            parts = zip(curve.budgets, *curve.expected, curve.median, strict=True)
            rows += [
                {"task": board.task, "variant": label(outcome.variant), "budget": int(runs)}
                | bounded("expected", (value, low, high))
                | {"median": known(middle)}
                for runs, value, low, high, middle in parts
            ]
    return Table(
        "budget",
        "Budget curve",
        "The best of k runs, drawn at random from all settings and seeds of a variant: its "
        "expectation with a 95 % interval, to be trusted up to a fifth of the runs, and its "
        "median, on the split that selects. Where failed runs may be all that is drawn, the "
        "expectation is not finite and is left out.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("budget", "Runs", WHOLE),
            Column("expected", "Expected best", interval=True),
            Column("median", "Median best"),
        ],
        rows,
    )


def _budgets(runs: int) -> np.ndarray:
    """All of a few; of many some thirty, as far apart as their logarithms are."""
    spaced = np.geomspace(1, runs, min(runs, _MOST_BUDGETS)).round().astype(int)
    return np.unique(spaced) if runs > _MOST_BUDGETS else np.arange(1, runs + 1)


def efficiency(boards: list[Board]) -> Table:
    """How many times as many runs as the variant with the best median each other one needs."""
    rows = []
    for board in boards:
        names, scores = _of_one(board)[0], board.selected()
        costs = [middle_cost(one, board.lower_is_better) for one in scores]
        best = int(np.argmin(costs))
        for name, one in zip(names, scores, strict=True):
            if name != names[best]:
                found = budget_ratio(one, scores[best], lower_is_better=board.lower_is_better)
                row = {"task": board.task, "variant": name, "against": names[best]}
                rows.append(row | bounded("ratio", found.ratio) | {"levels": found.levels})
    return Table(
        "efficiency",
        "Runs needed",
        "How many runs a variant needs for one run of the variant with the best median of all "
        "runs, to reach the same expected best: the geometric mean over the scores that both "
        "reach, with a 95 % bootstrap interval. With no such score it is but a bound.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("against", "for one of", TEXT),
            Column("ratio", "Runs needed", interval=True),
            Column("levels", "Scores compared", WHOLE),
        ],
        rows,
    )


def profile(boards: list[Board]) -> Table:
    """The share of all runs that score a ratio of the median of their task, or better."""
    common, ratios = ratios_of_all(boards, chosen=False)
    finite = np.concatenate([[]] + [task[np.isfinite(task)] for one in ratios for task in one])
    rows = []
    if finite.size and finite.min() < finite.max():
        levels = np.linspace(finite.min(), finite.max(), _LEVELS)
        lower = boards[0].lower_is_better
        for name, one in zip(common, ratios, strict=True):
            found = performance_profile(one, levels, lower_is_better=lower)
            rows += [
                {"variant": name, "ratio": float(np.exp(level))} | bounded("share", parts)
                for level, *parts in zip(levels, *found, strict=True)
            ]
    return Table(
        "profile",
        "Performance profile",
        "The share of all runs of a variant that score this multiple of the median run of their "
        "data set, or better: the mean over data sets, with a 95 % bootstrap band (Dolan and "
        "Moré, 2002; Agarwal et al., 2021). A curve above another one everywhere is better at "
        "every level.",
        [
            Column("variant", "Variant", TEXT),
            Column("ratio", "Multiple of the median score"),
            Column("share", "Share of runs", SHARE, interval=True),
        ],
        rows,
    )
