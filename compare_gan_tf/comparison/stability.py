"""Whether other seeds would rank the variants alike, and what so many seeds can show."""

import numpy as np

from compare_gan_tf.analysis.aggregates import median
from compare_gan_tf.analysis.power import least_difference, runs_needed
from compare_gan_tf.analysis.ranks import rank_stability
from compare_gan_tf.comparison.contests import ALL_TASKS, ratios_of_all
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import label
from compare_gan_tf.comparison.table import SHARE, TEXT, WHOLE, Column, Table, known
from compare_gan_tf.errors import UserError

ALPHA, BETA = 0.05, 0.2


def ranks(boards: list[Board]) -> Table:
    """The probability of each rank of each variant, of each task and of all of them."""
    rows = []
    for board in boards:
        names = [label(one.variant) for one in board.outcomes]
        rows += _ranks(board.task, names, board.scores(), board.lower_is_better)
    if len(boards) > 1:
        common, ratios = ratios_of_all(boards)
        rows += _ranks(ALL_TASKS, common, ratios, boards[0].lower_is_better)
    return Table(
        "ranks",
        "Probability of each rank",
        "How often a variant has a rank when the seeds of each best setting are drawn again, "
        "ranked by their median (the stratified bootstrap of Agarwal et al., 2021, figure 11); "
        "over all data sets by the geometric mean of the multiples of each one's median run. "
        "Variants with one seed have no such probability, and their data set is left out.",
        [
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("rank", "Rank", WHOLE),
            Column("probability", "Probability", SHARE),
            Column("mean_rank", "Mean rank"),
        ],
        rows,
    )


def _ranks(task: str, names: list[str], scores: list, lower: bool) -> list[dict]:
    if len(names) < 2:
        return []
    try:
        found = rank_stability(scores, _mean_of_medians, lower_is_better=lower)
    except UserError:  # a variant has one seed
        return []
    return [
        {
            "task": task,
            "variant": name,
            "rank": rank,
            "probability": float(share),
            "mean_rank": mean,
        }
        for name, shares, mean in zip(
            names, found.distribution, map(float, found.expected.value), strict=True
        )
        for rank, share in enumerate(shares, 1)
    ]


def _mean_of_medians(tasks: list[np.ndarray]) -> np.ndarray:
    """An aggregate in which each task counts alike, however many runs it has."""
    return np.mean([median([costs]) for costs in tasks], axis=0)


def power(boards: list[Board]) -> Table:
    """What difference the seeds of each task can show, and how many the first two variants need."""
    rows = [row for board in boards for row in _power(board)]
    return Table(
        "power",
        "Power",
        "The least difference between two variants that a t test of this many seeds finds with "
        f"a probability of {1 - BETA:.0%}, at {ALPHA:.0%} shared among all pairs (Bonferroni); "
        "and how many seeds of each would show the difference that the best two have. The "
        "deviation is that of runs of one setting, over all variants; failed runs have none.",
        [
            Column("task", "Data set", TEXT),
            Column("seeds", "Fewest seeds", WHOLE),
            Column("deviation", "Standard deviation"),
            Column("detectable", "Least difference shown"),
            Column("difference", "Difference of the best two"),
            Column("needed", "Seeds to show it", WHOLE),
        ],
        rows,
    )


def _power(board: Board) -> list[dict]:
    finite = [scores[np.isfinite(scores)] for scores in board.scores()]
    finite = [scores for scores in finite if len(scores) > 1]
    if len(finite) < 2:
        return []
    degrees = sum(len(scores) - 1 for scores in finite)
    squares = sum(float(((scores - scores.mean()) ** 2).sum()) for scores in finite)
    deviation = (squares / degrees) ** 0.5
    if not deviation > 0.0:
        return []
    pairs = len(finite) * (len(finite) - 1) / 2
    seeds = min(map(len, finite))
    first, second = sorted(float(np.median(scores)) for scores in finite)[
        :: 1 if board.lower_is_better else -1
    ][:2]
    found = least_difference(seeds, deviation, alpha=ALPHA / pairs, beta=BETA)
    return [{
        "task": board.task, "seeds": seeds, "deviation": deviation,
        "detectable": known(found.in_scores), "difference": abs(second - first),
        "needed": _needed(abs(second - first) / deviation, ALPHA / pairs),
    }]  # fmt: skip


def _needed(difference: float, alpha: float) -> int | None:
    try:
        return runs_needed(difference, alpha=alpha, beta=BETA) if difference > 0 else None
    except UserError:  # a million are too few
        return None
