"""Every table of a comparison, by name, and what is said on top of them."""

import os

import numpy as np

from compare_gan_tf.analysis.aggregates import median
from compare_gan_tf.analysis.bootstrap import interval
from compare_gan_tf.analysis.significance import pairwise_tests
from compare_gan_tf.analysis.summaries import summary
from compare_gan_tf.comparison import claims, contests, facets, outcomes, stability
from compare_gan_tf.comparison.outcomes import Board
from compare_gan_tf.comparison.records import Comparison, Run, label
from compare_gan_tf.comparison.table import (
    LONG,
    TEXT,
    WHOLE,
    Column,
    Table,
    bounded,
    known,
    metric_name,
    metric_title,
)
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.storage import files


def tables(comparison: Comparison, importance: dict[str, float] | None = None) -> dict[str, Table]:
    """All tables that the runs give, by name; those without a row are left out.

    Args:
      comparison: the runs.
      importance: {setting or axis: share of the variance of the score that it explains}, if known.

    Raises:
      UserError: the metric that ranks has no better direction.
    """
    boards = outcomes.boards(comparison)
    made = [
        leaderboard(boards),
        contests.pairwise(boards),
        stability.ranks(boards),
        contests.budget(boards),
        contests.efficiency(boards),
        contests.profile(boards),
        facets.top(boards),
        facets.ends(comparison, boards),
        facets.diversity(comparison),
        facets.cost(boards),
        facets.importances(importance or {}),
        claims.claims(comparison),
        stability.power(boards),
        facets.protocols(comparison),
        runs(comparison),
    ]
    return {table.name: table for table in made if table.rows}


def leaderboard(boards: list[Board]) -> Table:
    """A row for each variant of each task, the best first."""
    rows = [row for board in boards for row in _ranked(board)]
    metric = metric_name(boards[0].metric) if boards else "score"
    return Table(
        "leaderboard",
        "Leaderboard",
        "The best setting of each variant is the one with the best median over its seeds on the "
        f"split that selects; its {metric} is reported on the other split, at each run's best "
        "checkpoint, as the median with a 95 % bootstrap interval over seeds, which is their range "
        "where they are fewer than six, and then holds less (of three 75 %). Failed runs count as "
        "worse than all others. Two variants that share a letter are not told apart by Mann and "
        "Whitney's test of their best settings at 5 %, corrected by Holm. All runs: of all "
        "settings and seeds.",
        [
            Column("place", "#", WHOLE),
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("best", f"{metric[0].upper()}{metric[1:]}, best setting", interval=True),
            Column("letters", "Group", TEXT),
            Column("seeds", "Seeds", WHOLE),
            Column("runs", "Runs", WHOLE),
            Column("failed", "Failed", WHOLE),
            Column("median", f"{metric[0].upper()}{metric[1:]}, all runs", interval=True),
            Column("iqm", "Interquartile mean"),
            Column("lower_quartile", "Lower quartile"),
            Column("upper_quartile", "Upper quartile"),
            Column("settings", "Settings", WHOLE),
            Column("setting", "Best setting", LONG),
        ],
        rows,
    )


def _ranked(board: Board) -> list[dict]:
    chosen, everything = board.scores(), board.scores(chosen=False)
    settings = {"lower_is_better": board.lower_is_better}
    letters = ["a"] * len(chosen)
    if len(chosen) > 1:
        letters = pairwise_tests(chosen, paired=False, **settings).letters
    rows = []
    for outcome, best, scores, letter in zip(
        board.outcomes, chosen, everything, letters, strict=True
    ):
        row = {"task": board.task, "variant": label(outcome.variant), "letters": letter}
        row |= bounded("best", interval(best, median, **settings))
        row |= bounded("median", interval(scores, median, **settings))
        facts = summary(scores, **settings)
        row |= {
            "seeds": len(best), "runs": facts.runs, "failed": facts.failures,
            "iqm": known(facts.iqm),
            "lower_quartile": known(facts.lower_quartile),
            "upper_quartile": known(facts.upper_quartile),
            "settings": outcome.settings, "setting": outcomes.setting_text(outcome.setting),
        }  # fmt: skip
        rows.append(row)
    order = sorted(range(len(rows)), key=lambda i: _cost(rows[i]["best"], board.lower_is_better))
    return [{"place": place} | rows[i] for place, i in enumerate(order, 1)]


def _cost(score: float | None, lower: bool) -> float:
    return np.inf if score is None else score if lower else -score


def runs(comparison: Comparison) -> Table:
    """A row for each run, whatever became of it."""
    metric = metric_title(comparison.metric)
    return Table(
        "runs",
        "All runs",
        f"Selected: the {metric_name(comparison.metric)} that chose the checkpoint. Best and last: "
        "of the chosen and of the last checkpoint on the split that is reported. Real samples: "
        "what they score in place of fakes.",
        [
            Column("run", "Run", TEXT),
            Column("task", "Data set", TEXT),
            Column("variant", "Variant", TEXT),
            Column("seed", "Seed", WHOLE),
            Column("status", "Status", TEXT),
            Column("best", f"{metric}, best", interval=True),
            Column("last", f"{metric}, last"),
            Column("selected", "Selected"),
            Column("best_step", "Best step", WHOLE),
            Column("floor", "Real samples"),
            Column("steps", "Steps", WHOLE),
            Column("images", "Images", WHOLE),
            Column("seconds", "Seconds"),
            Column("multiply_adds", "Multiply-adds"),
            Column("setting", "Setting", LONG),
            Column("reason", "Reason", LONG),
        ],
        [_of_run(run, comparison.metric) for run in comparison.runs],
    )


def write(tables: dict[str, Table], folder: str) -> None:
    """Writes every table as CSV and JSON.

    Raises:
      UserError: the folder cannot be written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        for name, table in tables.items():
            files.write_text(os.path.join(folder, f"{name}.csv"), table.csv())
            files.write_text(os.path.join(folder, f"{name}.json"), table.json())
    except OSError as error:
        raise UserError(unwritable(f"cannot write to {folder}", error)) from error


def _of_run(run: Run, metric: str) -> dict:
    found = outcomes.score(run, metric)
    low, high = (found and found.best_interval) or (None, None)
    return {
        "run": run.name, "task": run.task, "variant": label(run.variant), "seed": run.seed,
        "setting": outcomes.setting_text(run.setting),
        "status": run.status, "reason": run.reason or "",
        "best_step": found and found.best_step,
        "selected": known(outcomes.selected(run, metric)),
        "best": known(outcomes.reported(run, metric)),
        "best_low": known(low), "best_high": known(high),
        "last": known(outcomes.at_the_end(run, metric)), "floor": found and known(found.floor),
        "steps": run.steps, "images": run.images, "seconds": known(run.seconds),
        "multiply_adds": known(run.multiply_adds),
    }  # fmt: skip
