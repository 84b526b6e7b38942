"""How far a study is, as a table."""

import datetime
import statistics
from collections import Counter

from compare_gan_tf.comparison.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Run
from compare_gan_tf.study import collect
from compare_gan_tf.study.storage import Study

_COLUMNS = ("done", "failed", "running", "waiting", "best")


def table(study: Study) -> tuple[str, bool]:
    """(a line for each variant, why runs failed, the time left; whether all is done)."""
    found: dict[str, list[Run]] = {cell.label: [] for cell in study.cells}
    for cell in study.cells:
        for trial in study.trials(cell):
            found[cell.label] += collect.of_trial(study, cell, trial)
    every = [run for of_cell in found.values() for run in of_cell]
    rows = [("", *_COLUMNS)]
    rows += [(label, *_row(study, of_cell)) for label, of_cell in found.items()]
    rows.append(("all", *_row(study, every)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    failed = Counter(run.reason for run in every if run.status == FAILED)
    lines += [f"failed, {number} times: {reason}" for reason, number in failed.most_common(5)]
    lines += filter(None, [_time_left(study, every)])
    counts = Counter(run.status for run in every)
    return "\n".join(lines), not counts[RUNNING] and not counts[WAITING]


def _row(study: Study, runs: list[Run]) -> list[str]:
    counts = Counter(run.status for run in runs)
    scores = [run.scores[study.plan.metric].best for run in runs if run.status == COMPLETE]
    best = (max if study.higher_is_better else min)(scores, default=None)
    done = counts[COMPLETE] + counts[FAILED] + counts[PRUNED]
    numbers = (done, counts[FAILED], counts[RUNNING], counts[WAITING])
    return [*map(str, numbers), "" if best is None else f"{best:.2f}"]


def _time_left(study: Study, runs: list[Run]) -> str | None:
    """From how long trials took so far, with as many at once as run now."""
    trials = [trial for cell in study.cells for trial in study.trials(cell)]
    took = [trial.user_attrs["seconds"] for trial in trials if trial.state.name == "COMPLETE"]
    running = sum(trial.state.name == "RUNNING" for trial in trials)
    left = sum(trial.state.name in ("RUNNING", "WAITING") for trial in trials)
    if not left:
        return None
    if not running:
        return "no worker runs: start compare-gan study, or compare-gan study work"
    if not took:
        return None
    seconds = statistics.mean(took) * left / running
    return f"about {datetime.timedelta(seconds=round(seconds))} left"
