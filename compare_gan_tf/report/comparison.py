"""The page of a comparison: its verdict, tables, figures, samples and protocols in one file."""

import dataclasses
import os

from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.facets import pictured
from compare_gan_tf.comparison.records import FAILED, Comparison
from compare_gan_tf.comparison.table import Table
from compare_gan_tf.comparison.tables import tables as all_tables
from compare_gan_tf.comparison.verdict import cautions, findings, missing
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.report import bars, html
from compare_gan_tf.report.all_figures import Shown, figures, looks
from compare_gan_tf.storage import files

MARK = '<meta name="generator" content="compare_gan_tf comparison">'  # that every page of ours has


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page: its kinds of figures, and the tables that are folded below them."""

    id: str
    title: str
    short: str
    note: str
    kinds: tuple[str, ...]
    tables: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "certainty", "How sure is the order?", "Certainty",
        "What would change if other seeds had been drawn.",
        ("pairwise", "ranks", "profile"), ("claims", "power"),
    ),
    Section(
        "budget", "What does a budget buy?", "Budget",
        "Variants that win with many runs may lose with few.",
        ("budget", "cost"), ("efficiency", "cost"),
    ),
    Section(
        "best", "The best runs, and what they trade", "Best runs",
        "A low score can hide that samples are all alike.",
        ("top", "diversity"),
    ),
    Section(
        "training", "How they learn", "Training",
        "On the split that selects; the band reaches from the worst to the best seed.",
        ("learning", "ends"), ("ends",),
    ),
    Section(
        "settings", "What settings do", "Settings",
        "A line is a run, through its variant and its settings to its score.",
        ("parallel", "importance"), ("importance",),
    ),
)  # fmt: skip
_WIDE = {"parallel", "leaderboard", "learning", "profile"}


def write_comparison(
    comparison: Comparison,
    grids: dict[str, bytes],
    path: str,
    importance: dict[str, float] | None = None,
) -> str:
    """Writes the page of a comparison: one HTML file that needs no other and no network.

    Args:
      comparison: the runs.
      grids: {name of a run: PNG of its samples}, at the same latents for all; those of
        `pictured(comparison)` are shown, others not.
      path: of the file, which ends in .html; a page of ours that is there is replaced.
      importance: {setting or axis: share of the variance of the score that it explains}.

    Returns:
      `path`.

    Raises:
      UserError: the metric cannot rank, or the page cannot be written.
    """
    text = html.render("comparison.html.jinja", _page(comparison, grids, importance))
    try:
        _refuse_others(path)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        files.write_text(path, text)
    except OSError as error:
        raise UserError(unwritable(f"cannot write {path}", error)) from error
    return path


def _refuse_others(path: str) -> None:
    if not path.endswith(".html"):
        raise UserError(f"the page of a comparison is {path}: let its name end in .html")
    files.refuse_link(path)
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            if MARK not in file.read(4096):
                raise UserError(f"{path} is there and is no page of ours: move it to another place")


def _page(comparison: Comparison, grids, importance) -> dict:
    tables = all_tables(comparison, importance)
    shown = figures(comparison, tables)
    return {
        "title": comparison.title,
        "findings": findings(comparison, tables),
        "missing": missing(comparison),
        "cautions": cautions(comparison),
        "facts": _facts(comparison),
        "tables": tables,
        "bars": bars.bars(tables["leaderboard"]) if "leaderboard" in tables else [],
        "looks": looks(comparison),
        "tasks": comparison.tasks(),
        "metric": comparison.metric,
        "standings": [_chart(one) for one in shown if one.kind == "leaderboard"],
        "sections": [_section(one, shown, tables) for one in SECTIONS],
        "pictures": _pictures(comparison, grids, tables),
        "provenance": comparison.provenance,
        "mark": MARK,
        "data": html.data(
            {one.name: one.figure for one in shown},
            {name: {"csv": table.csv(), "json": table.json()} for name, table in tables.items()},
        ),
    }


def _facts(comparison: Comparison) -> dict[str, str]:
    runs = comparison.runs
    ended = outcomes.ended(runs)
    seeds = {run.seed for run in runs if run.seed is not None}
    seconds = [run.seconds for run in runs if run.seconds is not None]
    facts = {
        "Runs": f"{len(runs):,}",
        "Ended": f"{len(ended):,}" if len(ended) < len(runs) else None,
        "Failed": f"{sum(run.status == FAILED for run in runs):,}",
        "Variants": f"{len(comparison.variants())}",
        "Data sets": ", ".join(comparison.tasks()),
        "Ranked by": html.metric_title(comparison.metric),
        "Seeds": f"{len(seeds)}" if seeds else None,
        "Training time": html.duration(sum(seconds)) if seconds else None,
        "Real images seen": html.short(sum(run.images for run in runs)),
    }
    return {name: value for name, value in facts.items() if value}


def _section(section: Section, shown: list[Shown], tables: dict[str, Table]) -> dict:
    """What the template shows of a section."""
    charts = [_chart(one) for kind in section.kinds for one in shown if one.kind == kind]
    folded = [tables[name] for name in section.tables if name in tables]
    return dataclasses.asdict(section) | {"charts": charts, "tables": folded}


def _chart(shown: Shown) -> dict:
    title = html.plain_text(shown.figure.layout.title.text)
    return {
        "name": shown.name,
        "title": title,
        "words": f"{title}. Its numbers are in the table {shown.table}.",
        "table": shown.table,
        "wide": shown.kind in _WIDE,
    }


def _pictures(comparison: Comparison, grids: dict[str, bytes], tables) -> dict[str, dict]:
    """{task: {variant: [(what is pictured, its PNG)]}} of those with a grid, the best first."""
    found: dict[str, dict] = {}
    for row in tables["leaderboard"].rows if "leaderboard" in tables else ():
        found.setdefault(row["task"], {})[row["variant"]] = []
    for one in pictured(comparison):
        if one.run in grids:
            found[one.task][one.variant].append((one, grids[one.run]))
    kept = {
        task: {variant: ones for variant, ones in variants.items() if ones}
        for task, variants in found.items()
    }
    return {task: variants for task, variants in kept.items() if variants}
