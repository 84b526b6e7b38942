"""Scores the checkpoints of a run by any metrics, and keeps a copy of the best checkpoint.

The best checkpoint is the one with the best score on the validation split: the test split takes no
part in the selection.
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
from compare_gan_tf.runs import best, checkpoints, ema_snapshots, results
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
    ema_length: ema_snapshots.Length | None = None,
    retry_failed: bool = True,
    floor: bool = True,
    real_statistics: dict | None = None,
) -> "Plan":
    """Checks all settings for scoring the checkpoints of a run; computes and writes nothing.

    Gin knows this function as `evaluate`: its bindings also apply to `evaluate` and `follow`.

    Args:
      model_dir: the run's folder.
      gan: the built GAN of the run.
      dataset: the data set with the splits to compare with.
      steps: steps of the checkpoints to score; an empty list for none; None for all that are due.
      every: without `steps`, checkpoints whose step > 0 is divisible by this are due; 0 for all.
      metrics: values of `metrics.registry` or their names; None for those of the preset, or FID.
      preset: see `metrics.presets`. The other arguments override it.
      extractor: the feature extractor, see `metrics.features`; None for the preset's, or the
        default of the data.
      num_samples: number of fakes for each split; None for the preset's number on the split that
        the preset reports, and as many as real samples on others.
      num_real: number of real samples of each split, likewise; None for all.
      batch_size: samples per batch; it does not change a score.
      seed: seed of the latents and labels, which are the same for every checkpoint.
      splits: splits whose real samples the fakes are compared with; None for validation and the
        preset's split, or validation and test.
      select_by: the score that selects the best checkpoint; None for FID, or else the first score.
      truncation: truncation of the latents, 0 or more, see `latents`; 0 for none.
      standing: number of samples for standing batch norm statistics, computed before samples are
        generated; 0 to use those of training; None for the preset's.
      ema_length: sigma_rel of the average of G's weights that makes the fakes, from snapshots of
        post-hoc EMA; such scores select no best checkpoint. None for the average of the training.
      retry_failed: whether to compute failed scores again. A row is written only if the outcome
        differs.
      floor: whether to compute the floor, the score of real samples in place of fakes, once per
        run, see `stores.RunStore`.
      real_statistics: dict in which data collected of real samples are kept, for callers in a loop.

    Raises:
      UserError: a split or metric does not exist, or settings do not fit the data.
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
    how = {"truncation": truncation, "standing": standing, "ema_length": ema_length}
    players = Players(gan, tag="", **how)
    of_data, wanted = Splits(dataset, kept), (preset, splits, num_real, num_samples)
    comparisons = of_data.comparisons(players, *wanted, metrics=metrics, method=method)
    return Plan(
        model_dir=str(model_dir),
        gan=gan,
        engine=Engine(kept),
        comparisons=comparisons,
        floors=of_data.floors(comparisons) if floor else {},
        select_by=_selection_score(metrics, select_by),
        ema_length=ema_length,
        steps=None if steps is None else list(steps),
        every=every,
        retry_failed=retry_failed,
    )


def evaluate(model_dir, gan, dataset, **settings) -> list[results.Row]:
    """Scores checkpoints and copies the best to `checkpoints/best`: calls `plan`, then its `run`.

    Args:
      model_dir, gan, dataset, **settings: see `plan`.

    Returns:
      The rows that `Plan.run` returns.

    Raises:
      UserError: see `plan` and `Plan.run`.
    """
    return plan(model_dir, gan, dataset, **settings).run()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """The checked settings of an evaluation, made by `plan`.

    Attributes:
      model_dir: the run's folder.
      gan: the built GAN that checkpoints are loaded into.
      engine: the engine that computes the scores.
      comparisons: {split: `Comparison` of fakes with real samples}.
      floors: {split: `Comparison` of other real samples with real samples}.
      select_by: the score that selects the best checkpoint; None to select none.
      ema_length, steps, every, retry_failed: see `plan`.
    """

    model_dir: str
    gan: object
    engine: Engine
    comparisons: dict[str, Comparison]
    floors: dict[str, Comparison]
    select_by: str | None
    ema_length: float | None
    steps: list | None
    every: int
    retry_failed: bool

    def run(self) -> list[results.Row]:
        """Computes all scores that do not exist yet.

        Scores that `scores.jsonl` already holds under the same protocol are not computed again. The
        row of a failed score has a reason instead of a value. Afterwards `gan` has the weights of
        the last checkpoint that was scored.

        Returns:
          All rows of the requested checkpoints under these protocols, old and new, sorted by step.

        Raises:
          UserError: a checkpoint does not exist, the disk is full, a file is another program's, or
            another evaluation of the run is in progress.
        """
        if self.steps == []:
            return []
        steps = self._steps_to_score()
        with locks.sole_writer(self.model_dir, "evaluation") as require_lock:
            results.refuse_others(self.model_dir)  # before hours of work
            files.refuse_links(self.model_dir, [checkpoints.BEST, scalars.FOLDER])
            best.refuse_others(self.model_dir)
            store = RunStore(
                self.model_dir,
                self.comparisons,
                floors=self.floors,
                select_by=self.select_by if self.ema_length is None else None,
                retry_failed=self.retry_failed,
                before_each=require_lock,
            )
            store.keep_best()  # an earlier evaluation may have been killed before it did this
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
        """Loads a checkpoint; returns None, or why it cannot be loaded."""
        try:
            checkpoints.restore_players(self.gan, self.model_dir, step)
            if self.ema_length is not None:
                ema_snapshots.reconstruct(self.gan, self.model_dir, self.ema_length)
        except UserError as error:
            return str(error)
        return None

    def _steps_to_score(self) -> list[int]:
        """The requested steps, after a check that their checkpoints exist."""
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


def _selection_score(metrics, select_by: str | None) -> str | None:
    """The score that selects the best checkpoint; None if no score has a better direction."""
    known = {name: higher for metric in metrics for name, higher in metric.scores.items()}
    if select_by is None:
        directed = [name for name, higher in known.items() if higher is not None]
        return best.METRIC if best.METRIC in known else next(iter(directed), None)
    if known.get(select_by) is None:
        raise UserError(
            f"evaluate.select_by is {select_by!r}: it must be one of the scores that have a better"
            f" direction, {', '.join(name for name, higher in known.items() if higher is not None)}"
        )
    return select_by
