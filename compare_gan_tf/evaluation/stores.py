"""The two stores of scores. A store knows which scores exist already, and writes new ones.

RunStore     a run: <model_dir>/scores.jsonl, scores.floor.jsonl and checkpoints/best
OutputStore  two sides: the file of --output
"""

import os
from collections.abc import Callable

from absl import logging

from compare_gan_tf.evaluation import outcomes, scores
from compare_gan_tf.evaluation.engine import Comparison, Scored
from compare_gan_tf.runs import best, checkpoints, results

_FLOOR_STEP, _FLOOR_CHECKPOINT = 0, "real"  # placeholders: a floor belongs to no checkpoint


# --- Of a run ---------------------------------------------------------------------------------


def _of_run(model_dir: str, rows, *, step: int, checkpoint: str, split: str) -> list[results.Row]:
    """Rows of a run: scores with run, step, the checkpoint's fingerprint and the real split."""
    run = os.path.basename(os.path.normpath(model_dir))
    which = {"run": run, "step": step, "checkpoint": checkpoint, "split": split}
    return [which | row for row in rows]


class RunStore:
    """The scores of a run's checkpoints, a copy of the best checkpoint, and the floors.

    All rows of a checkpoint are written to `scores.jsonl` at once, because training may delete a
    checkpoint as soon as it has scores. Until then, each metric's rows are appended to
    `scores.partial.jsonl`, so that a process that is killed between two metrics loses no score.

    A floor is the score of real samples in place of fakes, in the same number: the score of a
    perfect generator. It depends only on the data and the protocol, and is computed once per run.

    Args:
      model_dir: folder of the run.
      comparisons: {split: `Comparison` of the fakes with its real samples}.
      floors: {split: `Comparison` of other real samples with its real samples}.
      select_by: name of the score that selects the best checkpoint; None to select none.
      retry_failed: whether to compute scores again that failed before.
      before_each: is called before something is written, which is not if it raises.

    Attributes:
      lacking_floors: {split: metrics without a floor under their protocol}.
    """

    def __init__(
        self,
        model_dir: str,
        comparisons: dict[str, Comparison],
        *,
        floors: dict[str, Comparison],
        select_by: str | None,
        retry_failed: bool,
        before_each: Callable[[], None] = lambda: None,
    ):
        self._model_dir, self._comparisons = model_dir, comparisons
        self._before_each = before_each
        self._select_by, self._retry_failed = select_by, retry_failed
        self._partial = results.read(results.partial_path(model_dir))
        self._written = results.latest(results.read(results.path(model_dir)))
        self._latest = self._written | results.latest(self._partial)
        known = results.latest(results.read(results.floor_path(model_dir)))
        self.lacking_floors = self._lacking(floors, known, _FLOOR_STEP, _FLOOR_CHECKPOINT)

    @property
    def written(self) -> list[results.Row]:
        """The latest row of each score in `scores.jsonl`, the oldest first."""
        return list(self._written.values())

    def rows(self, steps) -> list[results.Row]:
        """The rows of these steps, sorted by step, split and metric."""
        found: dict = {}
        for row in self._latest.values():
            found.setdefault((row["step"], row["split"], row["protocol_id"]), []).append(row)
        return [
            row
            for step in steps
            for split, comparison in self._comparisons.items()
            for protocol in comparison.protocols.values()
            for row in found.get((step, split, protocol.id), ())
        ]

    def lacking(self, step: int) -> dict[str, list]:
        """{split: metrics} without a score of this checkpoint's current contents and protocol."""
        return self._lacking(self._comparisons, self._latest, step, self.fingerprint(step))

    def _lacking(self, comparisons, known, step: int, checkpoint: str | None) -> dict[str, list]:
        """{split: metrics} of which a score is missing from `known`, or is to be tried again."""

        def lacks(row: results.Row | None) -> bool:
            if row is None or row["checkpoint"] != checkpoint:
                return True
            return row["value"] is None and self._retry_failed

        found: dict = {}
        for split, comparison in comparisons.items():
            for metric, protocol in comparison.protocols.items():
                if any(lacks(known.get((step, split, n, protocol.id))) for n in metric.scores):
                    found.setdefault(split, []).append(metric)
        return found

    def fingerprint(self, step: int) -> str | None:
        """Fingerprint of a checkpoint, see `best.fingerprint`; None if it does not exist."""
        return best.fingerprint(checkpoints.find(self._model_dir, step))

    def has_partial(self, step: int) -> bool:
        """Whether `scores.partial.jsonl` has rows of this checkpoint, from a killed process."""
        return any(row["step"] == step for row in self._partial)

    def note(self, step: int, checkpoint: str, split: str, scored: Scored) -> None:
        """Appends the scores of one metric for a checkpoint to `scores.partial.jsonl`."""
        which = {"step": step, "checkpoint": checkpoint, "split": split}
        self._before_each()
        rows = _of_run(self._model_dir, scored.rows[0], **which)
        for row in rows:
            logging.info("checkpoint %d, %s: %s %s", step, split, row["metric"],
                         row["reason"] or f"{row['value']:.4f}")  # fmt: skip
        results.append(results.partial_path(self._model_dir), *rows)
        self._partial += rows
        self._latest |= results.latest(rows)

    def note_floor(self, split: str, scored: Scored) -> None:
        """Writes the floors of one metric: the scores of real samples in place of fakes."""
        which = {"step": _FLOOR_STEP, "checkpoint": _FLOOR_CHECKPOINT, "split": split}
        self._before_each()
        rows = _of_run(self._model_dir, scored.rows[0], **which)
        results.append(results.floor_path(self._model_dir), *rows)

    def finish(self, step: int, checkpoint: str) -> None:
        """Copies a checkpoint if it is the best, then moves its rows to `scores.jsonl`.

        The order matters: training may delete the checkpoint as soon as its rows are there.
        """
        found = results.latest([row for row in self._partial if row["step"] == step])
        rows = [row for row in found.values() if row["checkpoint"] == checkpoint]
        rows = [row for row in rows if self._is_news(row)]
        self._before_each()
        self.keep_best()
        results.append(results.path(self._model_dir), *rows)
        self._written |= results.latest(rows)
        self._partial = [row for row in self._partial if row["step"] != step]
        results.replace(results.partial_path(self._model_dir), *self._partial)

    def _is_news(self, row: results.Row) -> bool:
        """Whether the outcome differs from the last one that was written."""
        old = self._written.get(results.key(row))
        fields = ("checkpoint", "value", "reason")
        return old is None or any(old[field] != row[field] for field in fields)

    def keep_best(self) -> None:
        """Copies the checkpoint with the best validation score; of equal ones, the latest."""
        comparison = self._comparisons.get(best.SPLIT)
        known = comparison.protocols.items() if comparison else ()
        choosing = next((one for one in known if self._select_by in one[0].scores), None)
        if choosing is None:
            return
        metric, protocol = choosing
        kept = best.read(self._model_dir)
        if kept and kept["protocol_id"] != protocol.id:
            if (kept["step"], best.SPLIT, self._select_by, protocol.id) not in self._latest:
                return  # it may be replaced only when it has a score under this protocol, too
        rows = [
            row
            for row in self._latest.values()
            if row["protocol_id"] == protocol.id
            and row["metric"] == self._select_by
            and row["split"] == best.SPLIT
            and row["value"] is not None
        ]
        sign = -1 if metric.scores[self._select_by] else 1
        rows.sort(key=lambda row: (sign * row["value"], -row["step"]))
        best.keep(self._model_dir, rows)


# --- Of two sides -----------------------------------------------------------------------------


class OutputStore:
    """The scores of two sides. The file, if there is one, is rewritten after every metric.

    Args:
      path: JSON file, or None.
      comparisons: the comparison of the fakes, and that of the second fakes if there are any.
      metrics: values of `metrics.registry`, in the order of the rows.
    """

    def __init__(self, path: str | None, comparisons: list[Comparison], metrics: tuple):
        self._path, self._metrics = path, metrics
        first = comparisons[0]
        sides = [_described(first.real, first.n_real)]
        sides += [_described(one.fake, one.n_fake) for one in comparisons]
        self.scores = scores.Scores([], *sides)
        self._rows: list[dict] = [{} for _ in comparisons]  # {metric: its rows}
        self._differences: dict = {}
        if len(comparisons) > 1:
            for metric in metrics:
                outcomes.check_comparable(metric, *(one.protocols[metric] for one in comparisons))
        if path is not None:
            self._take_over(comparisons, scores.read(path))

    def _take_over(self, comparisons, before: dict) -> None:
        """Reuses the scores in the file that are of the same samples under the same protocol."""
        now = [self.scores.fake, self.scores.against]
        for comparison, mine, side, key, name in zip(
            comparisons, self._rows, now, ("fake", "against"), ("scores", "against_scores"),
            strict=False,
        ):  # fmt: skip
            same = side["sha256"] is not None and before.get("real") == self.scores.real
            if not same or before.get(key) != side:
                continue
            for metric, protocol in comparison.protocols.items():
                known = [row for row in before.get(name, ()) if row["protocol_id"] == protocol.id]
                if {row["metric"] for row in known} == set(metric.scores):
                    mine[metric] = known

    def lacking(self) -> list:
        """Metrics to compute: those without all values. With two models all, for the difference."""
        if len(self._rows) > 1:
            return list(self._metrics)
        known = {metric: self._rows[0].get(metric, ()) for metric in self._metrics}
        return [m for m, rows in known.items() if not rows or any(r["value"] is None for r in rows)]

    def note(self, scored: Scored) -> None:
        """Adds the scores of one metric, and writes the file."""
        for mine, rows in zip(self._rows, scored.rows, strict=True):
            mine[scored.metric] = rows
        self._differences[scored.metric] = scored.differences
        self.write()

    def write(self, *, complete: bool = False) -> None:
        """Updates `scores` and the file. `complete` says that every metric has been tried."""
        self.scores.rows, *second = map(self._in_order, self._rows)
        self.scores.complete = complete
        if second:
            (self.scores.against_rows,) = second
            self.scores.differences = self._in_order(self._differences)
        if self._path is not None:
            scores.write(self._path, self.scores)

    def _in_order(self, rows: dict) -> list[dict]:
        return [row for metric in self._metrics for row in rows.get(metric, ())]


def _described(side, number: int | None) -> dict:
    return {"name": side.name, "split": side.split, "number": number, "sha256": side.sha256()}
