"""All figures of a comparison; each is a function of `standings` or `portraits`."""

import dataclasses

import plotly.graph_objects as go

from compare_gan_tf.comparison import facets, outcomes
from compare_gan_tf.comparison.contests import ALL_TASKS
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import Comparison, label
from compare_gan_tf.comparison.table import Table
from compare_gan_tf.comparison.tables import tables as all_tables
from compare_gan_tf.report import portraits, standings, theme


@dataclasses.dataclass(frozen=True)
class Shown:
    """A figure of a page.

    Attributes:
      name: of its file.
      figure: with its title.
      table: the name of the table that holds its numbers.
      task: the data set that it is of; ALL_TASKS of all.
    """

    name: str
    figure: go.Figure
    table: str
    task: str

    @property
    def kind(self) -> str:
        """What it shows: its name without the data set and the metrics."""
        return self.name.partition(".")[0].partition("-")[0]


def looks(comparison: Comparison) -> standings.Looks:
    """{variant in words: its style}, the same in every figure."""
    variants = comparison.variants()
    return dict(zip(map(label, variants), theme.styles(variants), strict=True)) if variants else {}


def figures(comparison: Comparison, tables: dict[str, Table] | None = None) -> list[Shown]:
    """Every figure that the runs give: those of each data set, then those of all.

    Args:
      comparison: the runs.
      tables: those of `comparison.tables`; made anew if None.
    """
    tables = all_tables(comparison) if tables is None else tables
    boards, styles = outcomes.boards(comparison), looks(comparison)
    found = []
    for number, board in enumerate(boards):
        suffix = f".{number}" if len(boards) > 1 else ""
        made = {
            **_standings(board, tables, styles),
            **_portraits(comparison, board, tables, styles),
        }
        found += [
            Shown(f"{name}{suffix}", one, _table(name, tables), board.task)
            for name, one in made.items()
        ]
    return [*found, *_of_all(comparison, tables, styles)]


def _table(name: str, tables: dict[str, Table]) -> str:
    """The table that holds a figure's numbers: its own, or that of the runs."""
    own = name.partition("-")[0]
    return own if own in tables else "runs"


def _standings(board: Board, tables, styles) -> dict[str, go.Figure]:
    task, metric = board.task, board.metric
    order = [row["variant"] for row in tables["leaderboard"].where(task=task)]
    makers = {
        "leaderboard": lambda table: standings.leaderboard(table, styles, task, metric),
        "budget": lambda table: standings.budget(table, styles, task, metric),
        "pairwise": lambda table: standings.pairwise(table, task, order),
        "ranks": lambda table: standings.ranks(table, task),
        "top": lambda table: standings.top(table, styles, task, metric),
    }
    return {
        name: make(tables[name])
        for name, make in makers.items()
        if name in tables and tables[name].where(task=task)
    }


def _portraits(comparison: Comparison, board: Board, tables, styles) -> dict[str, go.Figure]:
    task, metric = board.task, board.metric
    made = {"learning": portraits.learning(board, styles)}
    for x, y in facets.planes(comparison):
        if tables["diversity"].where(task=task, diversity=x):
            made[f"diversity-{x}"] = portraits.plane(tables["diversity"], styles, task, x, y)
    made["ends"] = portraits.ends(tables["ends"], styles, task, metric)
    made["cost"] = portraits.cost(tables["cost"], tables["leaderboard"], styles, task, metric)
    made["parallel"] = portraits.parallel(comparison, board, styles)
    return {name: one for name, one in made.items() if one.data}


def _of_all(comparison: Comparison, tables, styles) -> list[Shown]:
    made = {}
    if "profile" in tables:
        made["profile"] = standings.profile(tables["profile"], styles, comparison.metric)
    if "pairwise" in tables and tables["pairwise"].where(task=ALL_TASKS):
        order = _by_wins(tables["pairwise"])
        made["pairwise.all"] = standings.pairwise(tables["pairwise"], ALL_TASKS, order)
    if "ranks" in tables and tables["ranks"].where(task=ALL_TASKS):
        made["ranks.all"] = standings.ranks(tables["ranks"], ALL_TASKS)
    if "importance" in tables:
        made["importance"] = portraits.importance(tables["importance"])
    return [Shown(name, figure, name.partition(".")[0], ALL_TASKS) for name, figure in made.items()]


def _by_wins(pairwise: Table) -> list[str]:
    """The variants over all data sets, that which beats the others most surely first."""
    wins: dict[str, float] = {}
    for row in pairwise.where(task=ALL_TASKS):
        wins[row["first"]] = wins.get(row["first"], 0.0) + row["probability"]
    return sorted(wins, key=wins.get, reverse=True)
