"""Scores the checkpoints of a run, and keeps a copy of the best.

The best checkpoint is the one with the lowest score on the validation split, so that the score on
the test split is that of a choice made without it.
"""

import os
import time

import gin
import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from compare_gan_tf import best, checkpoints, random, results
from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import UndefinedScore
from compare_gan_tf.metrics.features import digits_classifier
from compare_gan_tf.metrics.frechet import GaussianStatistics, frechet_distance
from compare_gan_tf.metrics.protocol import Protocol


@gin.configurable(module="evaluation")
def evaluate(
    model_dir,
    gan,
    dataset,
    *,
    steps=None,
    every: int = 0,
    extractor=None,
    num_samples: int | None = None,
    batch_size: int = 250,
    seed: int = 42,
    splits=("validation", "test"),
    retry_failed: bool = True,
    real_statistics: dict | None = None,
) -> list[results.Row]:
    """Scores checkpoints by FID and copies the best to `checkpoints/best`.

    What `scores.jsonl` holds under the same protocol is not computed again. A score that fails is
    a row without a value and with a reason. `gan` is left with the players of the last checkpoint
    that was scored.

    Args:
      model_dir: the run's folder.
      gan: the built GAN of the run.
      dataset: with the splits to compare with.
      steps: checkpoints to score, none of them to check the settings only, or None for all that
        are due.
      every: without `steps`, only checkpoints whose step > 0 it divides are due; 0 for all.
      extractor: of features, see `metrics.features`; None for the classifier of digits.
      num_samples: fakes for each split, or None for as many as it has reals.
      batch_size: samples generated at a time; it does not change a score.
      seed: of the latents and labels; the same ones for every checkpoint.
      splits: whose real samples the fakes are compared with, all of each.
      retry_failed: whether to try again what failed before. Only another outcome is written.
      real_statistics: a dict that is read and filled, for callers in a loop.

    Returns:
      The rows of the asked checkpoints under these protocols, by step, also the older ones.

    Raises:
      UserError: no such checkpoint or split, settings that do not fit the data, or no space.
    """
    if every < 0:
        raise UserError(f"evaluate.every is {every}: 0 scores every checkpoint")
    scorer = _Scorer(
        gan=gan,
        dataset=dataset,
        extractor=digits_classifier() if extractor is None else extractor,
        num_samples=num_samples,
        batch_size=batch_size,
        seed=seed,
        splits=tuple(splits),
        real_statistics={} if real_statistics is None else real_statistics,
    )
    if steps is not None and not steps:
        return []
    run = _Run(str(model_dir), scorer, retry_failed)
    steps = _asked(model_dir, steps, every)
    run.keep_best()  # where an earlier evaluation died before it had done so
    pending = {step: splits for step in steps if (splits := run.lacking(step))}
    work = sum(scorer.protocols[s].n_fake for splits in pending.values() for s in splits)
    with tqdm(total=work, unit="sample", desc="evaluate", disable=not pending) as progress:
        for step, splits in pending.items():
            run.score(step, splits, progress)
    return run.rows(steps)


@gin.configurable(module="evaluation")
def follow(
    model_dir,
    gan,
    dataset,
    *,
    poll_seconds: float = 60.0,
    timeout_seconds: float = 24 * 3600.0,
) -> list[results.Row]:
    """Scores checkpoints as a training writes them; everything else is bound on `evaluate`.

    Ends when training has left its file TRAIN_DONE and nothing is to be scored, or when no new
    checkpoint came for `timeout_seconds`.

    Args:
      model_dir: the run's folder; it need not exist yet.
      gan: the built GAN of the run, not the object that is being trained.
      dataset: with the splits to compare with.
      poll_seconds: between two looks at the folder.
      timeout_seconds: without a new checkpoint, after which this gives up.

    Returns:
      The rows of every checkpoint that was met, by step.
    """
    rows, real_statistics, known = {}, {}, []
    last_news = time.monotonic()
    while True:
        done = tf.io.gfile.exists(
            os.path.join(str(model_dir), checkpoints.TRAIN_DONE)
        )  # before the listing
        steps = checkpoints.list_steps(model_dir)
        if steps:
            options = {"retry_failed": False, "real_statistics": real_statistics}
            rows |= results.latest(evaluate(model_dir, gan, dataset, **options))
        if done:
            break
        if steps != known:
            known, last_news = steps, time.monotonic()
        if time.monotonic() - last_news > timeout_seconds:
            logging.warning("%s: no new checkpoint for %g s, giving up", model_dir, timeout_seconds)
            break
        time.sleep(poll_seconds)
    return sorted(rows.values(), key=lambda row: row["step"])


def is_due(step: int, every: int) -> bool:
    """Whether evaluation that is asked for `every` steps scores this checkpoint; 0 for all."""
    return step > 0 and step % every == 0 if every else True


def scored_steps(model_dir) -> set[int]:
    """Steps of the checkpoints with a row of scores, failed ones too: these may be deleted."""
    return {row["step"] for row in results.read(results.path(model_dir))}


def _asked(model_dir, steps, every: int) -> list[int]:
    """The steps to score, all of them on disk."""
    found = checkpoints.list_steps(model_dir)
    kept = best.read(model_dir)
    if kept and steps is not None:
        found = sorted({*found, kept["step"]})
    if not found:
        raise UserError(f"no checkpoints in {model_dir}: train first, or name another --model_dir")
    if steps is None:
        return [step for step in found if is_due(step, every)]
    missing = sorted(set(steps) - set(found))
    if missing:
        raise UserError(f"{model_dir} has no checkpoint of step {missing[0]}, only of {found}")
    return sorted(set(steps))


class _Run:
    """The checkpoints of a run and their scores on disk."""

    def __init__(self, model_dir: str, scorer: "_Scorer", retry_failed: bool):
        self._model_dir = model_dir
        self._scorer = scorer
        self._retry_failed = retry_failed
        self._latest = results.latest(results.read(results.path(model_dir)))

    def _row(self, step: int, split: str) -> results.Row | None:
        protocol = self._scorer.protocols[split]
        return self._latest.get((step, split, best.METRIC, protocol.id))

    def rows(self, steps) -> list[results.Row]:
        """The rows of these steps, by step, in the order of the splits."""
        rows = [self._row(step, split) for step in steps for split in self._scorer.protocols]
        return [row for row in rows if row is not None]

    def lacking(self, step: int) -> list[str]:
        """The splits under whose protocol this checkpoint, with these contents, has no score."""
        fingerprint = best.fingerprint(checkpoints.find(self._model_dir, step))
        rows = {split: self._row(step, split) for split in self._scorer.protocols}
        return [
            split
            for split, row in rows.items()
            if row is None
            or row["checkpoint"] != fingerprint
            or (row["value"] is None and self._retry_failed)
        ]

    def score(self, step: int, splits: list[str], progress) -> None:
        """Scores one checkpoint, keeps it if it is the best, then writes its rows.

        In that order: from its rows on, training may delete the checkpoint.
        """
        fingerprint = best.fingerprint(checkpoints.find(self._model_dir, step))
        failure = self._restore(step)
        if fingerprint is None or (failure and not self._exists(step)):
            logging.warning("checkpoint %d was deleted before it was scored, skipped", step)
            return
        rows = []
        for split in splits:
            start = time.monotonic()
            value, reason = None, failure
            if not failure:
                value, reason = self._scorer.score(step, split, progress)
            row = self._new_row(step, fingerprint, split, value, reason)
            rows.append(row | {"seconds": round(time.monotonic() - start, 3)})
            logging.info("checkpoint %d, %s: FID %s", step, split, reason or f"{value:.4f}")
        rows = [row for row in rows if self._is_news(row)]
        self._latest |= results.latest(rows)
        self.keep_best()
        results.append(results.path(self._model_dir), *rows)

    def _exists(self, step: int) -> bool:
        return tf.io.gfile.exists(f"{checkpoints.find(self._model_dir, step)}.index")

    def _restore(self, step: int) -> str | None:
        """Loads a checkpoint, or returns why that failed."""
        try:
            checkpoints.restore_players(self._scorer.gan, self._model_dir, step)
        except UserError as error:
            return str(error)
        return None

    def _new_row(self, step, fingerprint, split, value, reason) -> results.Row:
        protocol = self._scorer.protocols[split]
        return {
            "run": os.path.basename(os.path.normpath(self._model_dir)),
            "step": step,
            "checkpoint": fingerprint,
            "split": split,
            "metric": best.METRIC,
            "value": value,
            "reason": reason,
            "interval": None,
            "protocol": protocol.to_dict(),
            "protocol_id": protocol.id,
            "seconds": 0.0,
            "time": results.now(),
        }

    def _is_news(self, row: results.Row) -> bool:
        """Whether this is another outcome than the last one written."""
        old = self._row(row["step"], row["split"])
        fields = ("checkpoint", "value", "reason")
        return old is None or any(old[field] != row[field] for field in fields)

    def keep_best(self) -> None:
        """Copies the checkpoint with the lowest validation score; the later one of equals."""
        protocol = self._scorer.protocols.get(best.SPLIT)
        kept = best.read(self._model_dir)
        other = kept and protocol and kept["protocol_id"] != protocol.id
        if other and not self._row(kept["step"], best.SPLIT):
            return  # once it has a score under this protocol too, it may be replaced
        rows = [
            row
            for row in self._latest.values()
            if protocol and row["protocol_id"] == protocol.id and row["value"] is not None
        ]
        best.keep(self._model_dir, sorted(rows, key=lambda row: (row["value"], -row["step"])))


class _Scorer:
    """Scores of the players in `gan` against the real samples, each under its protocol."""

    def __init__(
        self, *, gan, dataset, extractor, num_samples, batch_size, seed, splits, real_statistics
    ):
        _check(dataset, splits, num_samples, batch_size)
        extractor.check(dataset.sample_shape)
        self.gan = gan
        self._dataset = dataset
        self._extractor = extractor
        self._batch_size = batch_size
        self._real_statistics = real_statistics
        self.protocols = {
            split: Protocol(
                extractor=extractor.name,
                weights_sha256=extractor.weights_sha256,
                resize=extractor.resize,
                quantisation="uint8" if dataset.is_images else "float32",
                dataset=dataset.name,
                real_split=split,
                n_real=len(dataset.splits[split].images),
                n_fake=num_samples or len(dataset.splits[split].images),
                ema=bool(gan.uses_ema),
                seed=seed,
            )
            for split in splits
        }
        generator = gan.sampling_generator
        self._generate = tf.function(
            lambda inputs: generator(inputs, training=False), reduce_retracing=True
        )

    def score(self, step: int, split: str, progress) -> tuple[float | None, str | None]:
        """(FID, None), or (None, the reason why there is none)."""
        protocol = self.protocols[split]
        try:
            fake = self._fake(step, protocol, progress)
            return frechet_distance(self._real(split), fake), None
        except UndefinedScore as error:
            return None, str(error)

    def _real(self, split: str) -> GaussianStatistics:
        key = (self._dataset.name, split, self._extractor.name, self._extractor.weights_sha256)
        if key not in self._real_statistics:
            statistics = GaussianStatistics()
            images = self._dataset.splits[split].images
            for start in range(0, len(images), self._batch_size):
                statistics.update(self._extractor(images[start : start + self._batch_size]))
            self._real_statistics[key] = statistics
        return self._real_statistics[key]

    def _fake(self, step: int, protocol: Protocol, progress) -> GaussianStatistics:
        """Statistics of generated samples; raises UndefinedScore if some are not finite."""
        statistics, bad = GaussianStatistics(), 0
        inputs = self._inputs(protocol)
        for start in range(0, protocol.n_fake, self._batch_size):
            batch = {k: v[start : start + self._batch_size] for k, v in inputs.items()}
            samples = self._generate(batch)
            bad += _count_not_finite(samples)
            if not bad:
                samples = to_uint8(samples) if protocol.quantisation == "uint8" else samples
                statistics.update(self._extractor(samples.numpy()))
            progress.update(len(samples))
        if bad:
            raise UndefinedScore(
                f"{bad} of {protocol.n_fake} samples of checkpoint {step} are not finite"
            )
        return statistics

    def _inputs(self, protocol: Protocol) -> dict:
        """Latents and labels: other ones for each split, so that the luck of those on which a
        checkpoint was selected does not flatter its test score; drawn at once, so that the batch
        size does not matter.
        """
        seeds = {
            name: [random.key(protocol.seed, f"evaluate/{protocol.real_split}/{name}"), 0]
            for name in ("z", "labels")
        }
        inputs = {"z": self.gan.latents.sample(protocol.n_fake, seeds["z"])}
        if self.gan.num_classes:
            inputs["labels"] = random.integers(
                [protocol.n_fake], seeds["labels"], self.gan.num_classes
            )
        return inputs


def _check(dataset, splits, num_samples, batch_size) -> None:
    for split in splits:
        if split not in dataset.splits:
            raise UserError(
                f"the data set {dataset.name} has no split {split!r}, only "
                f"{', '.join(dataset.splits)} (set evaluate.splits)"
            )
    for name, value in (("num_samples", num_samples), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise UserError(f"evaluate.{name} is {value}: it must be at least 1")


def _count_not_finite(samples) -> int:
    """Samples [n, ...] with any value that is not finite."""
    finite = np.isfinite(samples.numpy()).reshape(len(samples), -1).all(axis=1)
    return int(np.count_nonzero(~finite))
