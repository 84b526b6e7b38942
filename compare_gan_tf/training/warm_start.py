"""Loads the initial weights of a new run from another run."""

import os

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.gan.workers import Workers
from compare_gan_tf.runs import best, checkpoints


def load_unless_begun(gan: GAN, model_dir: str, init_from: str | None, everyone: Workers) -> None:
    """Calls `load` on the chief, unless the run has a checkpoint of its own."""
    everyone.together(lambda: checkpoints.list_steps(model_dir) or load(gan, init_from))


def load(gan: GAN, init_from: str | None) -> None:
    """Loads the networks from another run's best checkpoint, or from its newest if none is best.

    Args:
      gan: a built GAN that has not been trained.
      init_from: the other run's folder; None to keep the GAN's own initial weights.

    Raises:
      UserError: there is no checkpoint, or the GAN has already been trained by another run.
    """
    if init_from:
        prefix = _prefix(init_from)
        averaged = checkpoints.has_average(prefix)
        checkpoints.read_players(gan, prefix, average=averaged)
        if gan.uses_ema and not averaged:
            gan.ema.copy(gan.generator)
    elif gan.starts_trained:
        raise UserError(
            "the Keras models of this GAN have been trained by another already: make new ones, or "
            "give functions that make them, so that the run starts from weights of its own"
        )


def _prefix(model_dir: str) -> str:
    """Prefix of the files of a run's best checkpoint, or of its newest."""
    kept = best.read(model_dir)
    if kept:
        return os.path.join(best.folder(model_dir), f"ckpt-{kept['step']}")
    steps = checkpoints.list_steps(model_dir)
    if not steps:
        raise UserError(f"train.init_from = {model_dir!r}: there are no checkpoints in it")
    return checkpoints.path(model_dir, steps[-1])
