"""Trains a config as `compare-gan train` does, and loads what came out."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence


def train(config: str, folder: str, *, seed: int, bindings: Sequence[str] = ()) -> None:
    """Runs `compare-gan train` in a process of its own; a run that is done is left as it is.

    Args:
      config: as `--gin_config` takes it.
      folder: of the run.
      seed: of weights and noise.
      bindings: more of them, which win over the config's.

    Raises:
      SystemExit: the training fails; its own line is shown.
    """
    flags = [f"--gin_bindings={binding}" for binding in (f"train.seed = {seed}", *bindings)]
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "train", f"--gin_config={config}"]
    child = subprocess.run(
        [*command, f"--model_dir={folder}", *flags], capture_output=True, text=True
    )
    if child.returncode:
        reason = child.stderr.strip() or f"it ended with {child.returncode}"
        sys.exit(f"{config}: {reason.splitlines()[-1]}")


def load(folder: str, step: int | None = None):
    """The data set and the GAN of a run, with the weights of a checkpoint: the last, or `step`."""
    import gin

    from compare_gan_tf import config, data, training
    from compare_gan_tf.config import configurables
    from compare_gan_tf.runs import checkpoints
    from compare_gan_tf.storage import files

    configurables.load()
    config.parse([os.path.join(folder, files.CONFIG)])
    bound = gin.get_bindings("train")
    dataset = data.load()
    gan = training.build(bound["model"], dataset, seed=bound.get("seed", 0))
    last = checkpoints.list_steps(folder)[-1]
    checkpoints.restore_players(gan, folder, last if step is None else step)
    return dataset, gan


def logged(folder: str) -> list[dict]:
    """The lines of the training's log, each with its step and the terms' values."""
    from compare_gan_tf.runs import logs

    with open(logs.log_path(folder)) as lines:
        return [json.loads(line) for line in lines]
