"""Scores the checkpoints of a run by any metrics, and keeps a copy of the best.

The best checkpoint is the one with the best score on the validation split, so that the score on
the test split is that of a choice made without it.
"""

import dataclasses

import gin
import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import asked, extractors, openings, scalars
from compare_gan_tf.evaluation.engine import Comparison, Engine
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.progress import Progress
from compare_gan_tf.evaluation.sides import Method
from compare_gan_tf.evaluation.splits import Splits
from compare_gan_tf.evaluation.stores import RunStore
from compare_gan_tf.metrics import presets
from compare_gan_tf.runs import best, checkpoints, results
from compare_gan_tf.settings.signatures import Count, Index, checked
from compare_gan_tf.storage import files, locks


@gin.configurable("evaluate", module="evaluation")
@checked(name="evaluate")
def plan(
    model_dir,
    gan,
    dataset,
    *,
    steps: asked.Steps | None = None,
    every: Index = 0,
    metrics: asked.Metrics | None = None,
    preset: asked.Preset | None = None,
    extractor=None,
    num_samples: Count | None = None,
    num_real: Count | None = None,
    batch_size: Count = 250,
    seed: Index = 42,
    splits: asked.Names | None = None,
    select_by: str | None = None,
    truncation: asked.Truncation = 0.0,
    standing: Index | None = None,
    retry_failed: bool = True,
    floor: bool = True,
    real_statistics: dict | None = None,
) -> "Plan":
    """Checks all that scoring the checkpoints of a run needs, and writes nothing.

    Gin knows it as `evaluate`: what is bound there holds for `evaluate` and `follow` too.

    Args:
      model_dir: the run's folder.
      gan: the built GAN of the run.
      dataset: with the splits to compare with.
      steps: checkpoints to score, none of them for nothing, or None for all that are due.
      every: without `steps`, only checkpoints whose step > 0 it divides are due; 0 for all.
      metrics: values of `metrics.registry` or their names; None for those of the preset, or FID.
      preset: see `metrics.presets`; what is given besides it wins over it.
      extractor: of features, see `metrics.features`; None for the preset's, or that of the data.
      num_samples: fakes for each split, or None for the preset's number on the split that it
        reports, and as many as reals on others.
      num_real: real samples of each split, likewise; None for all of it.
      batch_size: samples at a time; it does not change a score.
      seed: of the latents and labels; the same ones for every checkpoint.
      splits: whose real samples the fakes are compared with; None for validation, and the preset's
        or test.
      select_by: the score by which the best is chosen; None for FID, or else the first of all.
      truncation: of the latents, see `latents`; 0 for none.
      standing: samples over which batch norm takes new statistics before others are made; 0 leaves
        those of training; None for the preset's.
      retry_failed: whether to try again what failed before. Only another outcome is written.
      floor: whether to score other real samples in place of fakes too, once for a run: what a
        perfect generator would get, see `stores.RunStore`.
      real_statistics: a dict that is read and filled with what is known of real samples, for
        callers in a loop.

    Raises:
      UserError: no such split or metric, or settings that do not fit the data.
    """
    preset = presets.find(preset)
    metrics = presets.metrics_of(metrics, preset)
    images_of = openings.images_of(dataset, unchanged=False)
    method = Method(
        extractor=extractors.choose(extractor, preset, metrics, dataset.sample_shape, images_of),
        batch_size=batch_size,
        seed=seed,
    )
    kept = {} if real_statistics is None else real_statistics
    standing = preset.standing if standing is None else standing
    players = Players(gan, tag="", truncation=truncation, standing=standing)
    of_data, wanted = Splits(dataset, kept), (preset, splits, num_real, num_samples)
    comparisons = of_data.comparisons(players, *wanted, metrics=metrics, method=method)
    return Plan(
        model_dir=str(model_dir),
        gan=gan,
        engine=Engine(kept),
        comparisons=comparisons,
        floors=of_data.floors(comparisons) if floor else {},
        select_by=_selecting(metrics, select_by),
        steps=None if steps is None else list(steps),
        every=every,
        retry_failed=retry_failed,
    )


def evaluate(model_dir, gan, dataset, **settings) -> list[results.Row]:
    """Scores checkpoints and copies the best to `checkpoints/best`: a `plan`, and its `run`.

    Args:
      model_dir, gan, dataset, **settings: see `plan`.

    Returns:
      The rows that `Plan.run` returns.

    Raises:
      UserError: see both.
    """
    return plan(model_dir, gan, dataset, **settings).run()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What `plan` has checked.

    Attributes:
      model_dir: the run's folder.
      gan: what checkpoints are loaded into.
      engine: which scores.
      comparisons: {split: its fakes and reals}.
      floors: {split: other real samples in place of the fakes}.
      select_by: the score that chooses the best checkpoint; None if none can.
      steps, every, retry_failed: see `plan`.
    """

    model_dir: str
    gan: object
    engine: Engine
    comparisons: dict[str, Comparison]
    floors: dict[str, Comparison]
    select_by: str | None
    steps: list | None
    every: int
    retry_failed: bool

    def run(self) -> list[results.Row]:
        """Scores what has no score yet.

        What `scores.jsonl` holds under the same protocol is not computed again. A score that fails
        is a row without a value and with a reason. `gan` is left with the players of the last
        checkpoint that was scored.

        Returns:
          The rows of the asked checkpoints under these protocols, by step, also the older ones.

        Raises:
          UserError: no such checkpoint, no space, files of others, or another evaluation goes on.
        """
        if self.steps == []:
            return []
        steps = self._asked()
        with locks.sole_writer(self.model_dir, "evaluation"):
            results.refuse_others(self.model_dir)  # before hours of work
            files.refuse_links(self.model_dir, [checkpoints.BEST, scalars.FOLDER])
            store = RunStore(
                self.model_dir,
                self.comparisons,
                floors=self.floors,
                select_by=self.select_by,
                retry_failed=self.retry_failed,
            )
            store.keep_best()  # where an earlier evaluation died before it had done so
            self._score(steps, store)
            scalars.write(self.model_dir, store.written)
            return store.rows(steps)

    def _score(self, steps: list[int], store: RunStore) -> None:
        pending = {step: lacking for step in steps if (lacking := store.lacking(step))}
        begun = {step for step in steps if store.has_partial(step)}
        work = [
            ([self.comparisons[split]], metrics)
            for lacking in pending.values()
            for split, metrics in lacking.items()
        ]
        floors = store.lacking_floors
        work += [([self.floors[split]], metrics) for split, metrics in floors.items()]
        with self.engine.progress(work) as bar:
            for step in sorted(pending.keys() | begun):
                self._score_checkpoint(step, pending.get(step, {}), store, bar)
            for split, metrics in floors.items():
                title = f"floor, {split}, "
                for scored in self.engine.score([self.floors[split]], metrics, bar, title):
                    store.note_floor(split, scored)

    def _score_checkpoint(self, step: int, lacking: dict, store: RunStore, bar: Progress) -> None:
        fingerprint = store.fingerprint(step)
        failure = self._restore(step) if lacking else None
        if fingerprint is None or (failure and not self._exists(step)):
            logging.warning("checkpoint %d was deleted before it was scored, skipped", step)
            return
        for split, metrics in lacking.items():
            comparison = self.comparisons[split]
            comparison.fakes_are_of(f"checkpoint {step}")
            title = f"step {step}, {split}, "
            scores = self.engine.score([comparison], metrics, bar, title)
            if failure:
                scores = [comparison.failed(metric, failure) for metric in metrics]
            for scored in scores:
                store.note(step, fingerprint, split, scored)
        store.finish(step, fingerprint)

    def _exists(self, step: int) -> bool:
        return tf.io.gfile.exists(f"{checkpoints.find(self.model_dir, step)}.index")

    def _restore(self, step: int) -> str | None:
        """Loads a checkpoint, or returns why that failed."""
        try:
            checkpoints.restore_players(self.gan, self.model_dir, step)
        except UserError as error:
            return str(error)
        return None

    def _asked(self) -> list[int]:
        """The steps to score, all of them on disk."""
        found = checkpoints.list_steps(self.model_dir)
        kept = best.read(self.model_dir)
        if kept and self.steps is not None:
            found = sorted({*found, kept["step"]})
        if not found:
            raise UserError(
                f"no checkpoints in {self.model_dir}: train first, or name another folder"
            )
        if self.steps is None:
            return [step for step in found if results.is_due(step, self.every)]
        missing = sorted(set(self.steps) - set(found))
        if missing:
            raise UserError(
                f"{self.model_dir} has no checkpoint of step {missing[0]}, only of {found}"
            )
        return sorted(set(self.steps))


def _selecting(metrics, select_by: str | None) -> str | None:
    """The score that chooses the best checkpoint; None if none of them can."""
    known = {name: higher for metric in metrics for name, higher in metric.scores.items()}
    if select_by is None:
        directed = [name for name, higher in known.items() if higher is not None]
        return best.METRIC if best.METRIC in known else next(iter(directed), None)
    if known.get(select_by) is None:
        raise UserError(
            f"evaluate.select_by is {select_by!r}: it must be one of the scores that have a better"
            f" end, {', '.join(name for name, higher in known.items() if higher is not None)}"
        )
    return select_by
