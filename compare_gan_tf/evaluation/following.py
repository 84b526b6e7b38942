"""Continuous evaluation: scores checkpoints while another process trains."""

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
    """Scores each new checkpoint. All other settings are those of `evaluate`.

    It returns when training has written its file TRAIN_DONE and all checkpoints are scored, or when
    no new checkpoint has appeared for `timeout_seconds`.

    Args:
      model_dir: the run's folder; it need not exist yet.
      gan: the built GAN of the run; not the object that is being trained.
      dataset: the data set with the splits to compare with.
      poll_seconds: time between two checks of the folder.
      timeout_seconds: time without a new checkpoint after which to give up.

    Returns:
      The rows of every checkpoint that was found, sorted by step.

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
