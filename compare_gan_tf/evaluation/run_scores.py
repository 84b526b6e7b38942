"""The checkpoints of a run and their scores on disk: what is lacking, what is the best.

The rows of a checkpoint reach `scores.jsonl` in one write, for from then on training may delete it.
What a metric says is noted in `scores.partial.jsonl` the moment it is known, so that a process that
is killed between two metrics loses neither.
"""

import time

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.outcomes import Outcome
from compare_gan_tf.evaluation.rows import row_of_run
from compare_gan_tf.evaluation.run_scorer import Scorer
from compare_gan_tf.runs import best, checkpoints, results


class RunScores:
    """See the module.

    Args:
      model_dir: folder of the run.
      scorer: of what its GAN holds.
      select_by: name of the score by which the best checkpoint is chosen; None: none is.
      retry_failed: whether to try again what failed before.
    """

    def __init__(self, model_dir: str, scorer: Scorer, select_by: str | None, retry_failed: bool):
        self._model_dir = model_dir
        self._scorer = scorer
        self._selecting = _metric_of(scorer.settings.metrics, select_by)
        self._select_by = select_by
        self._retry_failed = retry_failed
        self._partial = results.read(results.partial_path(model_dir))
        self._written = results.latest(results.read(results.path(model_dir)))
        self._latest = self._written | results.latest(self._partial)

    def _row(self, step: int, split: str, metric, name: str) -> results.Row | None:
        protocol = self._scorer.protocols[split, metric]
        return self._latest.get((step, split, name, protocol.id))

    @property
    def written(self) -> list[results.Row]:
        """The rows of the file of scores that count, the oldest first."""
        return list(self._written.values())

    def rows(self, steps) -> list[results.Row]:
        """The rows of these steps, by step, in the order of splits and metrics."""
        found: dict = {}
        for row in self._latest.values():
            found.setdefault((row["step"], row["split"], row["protocol_id"]), []).append(row)
        return [
            row
            for step in steps
            for (split, _), protocol in self._scorer.protocols.items()
            for row in found.get((step, split, protocol.id), ())
        ]

    def lacking(self, step: int) -> dict[str, list]:
        """{split: metrics} under whose protocol this checkpoint, as it is now, has no score."""
        fingerprint = best.fingerprint(checkpoints.find(self._model_dir, step))
        found: dict[str, list] = {}
        for split, metric in self._scorer.protocols:
            rows = [self._row(step, split, metric, name) for name in metric.scores]
            if any(self._is_lacking(row, fingerprint) for row in rows):
                found.setdefault(split, []).append(metric)
        return found

    def _is_lacking(self, row: results.Row | None, fingerprint: str | None) -> bool:
        if row is None or row["checkpoint"] != fingerprint:
            return True
        return row["value"] is None and self._retry_failed

    def has_partial(self, step: int) -> bool:
        """Whether a process died with scores of this checkpoint that are not in the file yet."""
        return any(row["step"] == step for row in self._partial)

    def score(self, step: int, lacking: dict[str, list], progress) -> None:
        """Scores one checkpoint, keeps it if it is the best, then writes its rows.

        In that order: from its rows on, training may delete the checkpoint.
        """
        fingerprint = best.fingerprint(checkpoints.find(self._model_dir, step))
        failure = self._restore(step) if lacking else None
        if fingerprint is None or (failure and not self._exists(step)):
            logging.warning("checkpoint %d was deleted before it was scored, skipped", step)
            return
        for split, metrics in lacking.items():
            self._score_split(step, fingerprint, split, metrics, failure, progress)
        self._write(step, fingerprint)

    def _score_split(self, step, fingerprint, split, metrics, failure, progress) -> None:
        scored = self._scorer.score(step, split, metrics, progress)
        if failure:
            scored = ((metric, outcomes.failed(metric, failure)) for metric in metrics)
        start = time.monotonic()
        for metric, found in scored:
            seconds = round(time.monotonic() - start, 3)  # what the metrics share counts once
            rows = [self._new_row(step, fingerprint, split, metric, one) for one in found]
            rows = [row | {"seconds": seconds} for row in rows]
            for row in rows:
                logging.info("checkpoint %d, %s: %s %s", step, split, row["metric"],
                             row["reason"] or f"{row['value']:.4f}")  # fmt: skip
            results.append(results.partial_path(self._model_dir), *rows)
            self._partial += rows
            self._latest |= results.latest(rows)
            start = time.monotonic()

    def _write(self, step: int, fingerprint: str) -> None:
        """Moves the rows of a checkpoint from the partial file to the file of scores."""
        found = results.latest([row for row in self._partial if row["step"] == step])
        rows = [row for row in found.values() if row["checkpoint"] == fingerprint]
        rows = [row for row in rows if self._is_news(row)]
        self.keep_best()
        results.append(results.path(self._model_dir), *rows)
        self._written |= results.latest(rows)
        self._partial = [row for row in self._partial if row["step"] != step]
        results.replace(results.partial_path(self._model_dir), *self._partial)

    def _is_news(self, row: results.Row) -> bool:
        """Whether this is another outcome than the last one written."""
        old = self._written.get(results.key(row))
        fields = ("checkpoint", "value", "reason")
        return old is None or any(old[field] != row[field] for field in fields)

    def _exists(self, step: int) -> bool:
        return tf.io.gfile.exists(f"{checkpoints.find(self._model_dir, step)}.index")

    def _restore(self, step: int) -> str | None:
        """Loads a checkpoint, or returns why that failed."""
        try:
            checkpoints.restore_players(self._scorer.gan, self._model_dir, step)
        except UserError as error:
            return str(error)
        return None

    def _new_row(self, step, fingerprint, split, metric, outcome: Outcome) -> results.Row:
        return row_of_run(
            self._model_dir, outcome, self._scorer.protocols[split, metric],
            step=step, checkpoint=fingerprint, split=split,
            warnings=self._scorer.warnings(split, metric),
        )  # fmt: skip

    def keep_best(self) -> None:
        """Copies the checkpoint with the best score on validation; the later one of equals."""
        protocol = self._scorer.protocols.get((best.SPLIT, self._selecting))
        if protocol is None:
            return
        kept = best.read(self._model_dir)
        if kept and kept["protocol_id"] != protocol.id:
            if not self._row(kept["step"], best.SPLIT, self._selecting, self._select_by):
                return  # once it has a score under this protocol too, it may be replaced
        rows = [
            row
            for row in self._latest.values()
            if row["protocol_id"] == protocol.id
            and row["metric"] == self._select_by
            and row["split"] == best.SPLIT
            and row["value"] is not None
        ]
        sign = -1 if self._selecting.scores[self._select_by] else 1
        rows.sort(key=lambda row: (sign * row["value"], -row["step"]))
        best.keep(self._model_dir, rows)


def _metric_of(metrics, score: str | None):
    return next((metric for metric in metrics if score in metric.scores), None)
