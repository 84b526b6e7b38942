"""The floor: each metric between a split and other real samples, as many as fakes are made.

It is what fakes would score that nobody could tell from real samples, at these numbers of samples.
It belongs to the data and the protocol, not to a checkpoint, and is worked out once for a run.
"""

from compare_gan_tf.evaluation.rows import row_of_run
from compare_gan_tf.evaluation.run_scorer import Scorer
from compare_gan_tf.runs import results

_STEP, _CHECKPOINT = 0, "real"  # of its rows: no checkpoint has made the samples


class Floors:
    """The rows of `scores.floor.jsonl`.

    Args:
      model_dir: folder of the run.
      scorer: of its protocols; what its GAN holds does not matter.
      retry_failed: whether to try again what failed before.
    """

    def __init__(self, model_dir: str, scorer: Scorer, retry_failed: bool):
        self._model_dir, self._scorer = model_dir, scorer
        known = results.latest(results.read(results.floor_path(model_dir)))
        self.lacking: dict[str, list] = {}  # {split: metrics without a floor}
        for (split, metric), protocol in scorer.floor_protocols.items():
            rows = [known.get((_STEP, split, name, protocol.id)) for name in metric.scores]
            if any(row is None or (row["value"] is None and retry_failed) for row in rows):
                self.lacking.setdefault(split, []).append(metric)

    @property
    def samples(self) -> int:
        """Real samples that stand for fakes, of all splits that lack a floor."""
        return sum(
            self._scorer.samples(split, metrics[:1]) for split, metrics in self.lacking.items()
        )

    def work_out(self, progress) -> None:
        """Scores what lacks a floor, and writes it metric by metric."""
        for split, metrics in self.lacking.items():
            for metric, outcomes in self._scorer.floor(split, metrics, progress):
                protocol = self._scorer.floor_protocols[split, metric]
                rows = [
                    row_of_run(self._model_dir, one, protocol, step=_STEP, checkpoint=_CHECKPOINT,
                                split=split)
                    for one in outcomes
                ]  # fmt: skip
                results.append(results.floor_path(self._model_dir), *rows)
