"""Scores checkpoints as a training writes them."""

import os
import time

import gin
import tensorflow as tf
from absl import logging

from compare_gan_tf.evaluation import runs
from compare_gan_tf.runs import checkpoints, results
from compare_gan_tf.settings.signatures import NotNegative, checked


@gin.configurable(module="evaluation")
@checked
def follow(
    model_dir,
    gan,
    dataset,
    *,
    poll_seconds: NotNegative = 60.0,
    timeout_seconds: NotNegative = 24 * 3600.0,
) -> list[results.Row]:
    """Scores checkpoints as they come; everything else is bound on `evaluate`.

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

    Raises:
      UserError: see `runs.plan` and `Plan.run`.
    """
    rows, known = {}, []
    plan = runs.plan(model_dir, gan, dataset, retry_failed=False)
    last_news = time.monotonic()
    while True:
        done = tf.io.gfile.exists(
            os.path.join(str(model_dir), checkpoints.TRAIN_DONE)
        )  # before the listing
        steps = checkpoints.list_steps(model_dir)
        if steps:
            rows |= results.latest(plan.run())
        if done:
            break
        if steps != known:
            known, last_news = steps, time.monotonic()
        if time.monotonic() - last_news > timeout_seconds:
            logging.warning("%s: no new checkpoint for %g s, giving up", model_dir, timeout_seconds)
            break
        time.sleep(poll_seconds)
    return sorted(rows.values(), key=lambda row: row["step"])
