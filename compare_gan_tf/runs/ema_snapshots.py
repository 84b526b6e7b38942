"""Snapshots of the averages for post-hoc EMA, in `<model_dir>/ema/STEP.npz`, and what they make.

A file has an array float32 for each tracked length and each variable of G that is averaged, named
LENGTH/INDEX. All snapshots up to a step are needed for an average at that step.
"""

import io
import os
import re

import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import DAMAGED_ARRAYS, UserError, as_user_error, unwritable
from compare_gan_tf.optimizers import post_hoc
from compare_gan_tf.storage import files

Length = post_hoc.Length  # sigma_rel

FOLDER = "ema"
MOST_ERROR = 0.05  # of the profile of an average, see `post_hoc.coefficients`


def path(model_dir: str, step: int) -> str:
    """The file of a snapshot."""
    return os.path.join(model_dir, FOLDER, f"{step}.npz")


def list_steps(model_dir: str) -> list[int]:
    """Ascending steps of the snapshots."""
    found = (re.fullmatch(r"(\d+)\.npz", name) for name in _names(model_dir))
    return sorted(int(match[1]) for match in found if match)


def _names(model_dir: str) -> list[str]:
    folder = os.path.join(model_dir, FOLDER)
    return tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []


def write(model_dir: str, step: int, lengths, averages) -> None:
    """Writes a snapshot atomically.

    Args:
      model_dir: the run's folder.
      step: the training step.
      lengths, averages: of `post_hoc.PowerFunctionAverages`, the latter as tensors or arrays.

    Raises:
      UserError: the file cannot be written; nothing is left of it.
    """
    arrays = {
        f"{length:g}/{index}": np.asarray(value)
        for length, values in zip(lengths, averages, strict=True)
        for index, value in enumerate(values)
    }
    content, name = io.BytesIO(), path(model_dir, step)
    np.savez(content, **arrays)
    try:
        tf.io.gfile.makedirs(os.path.dirname(name))
        files.write_bytes(name, content.getvalue())
    except (OSError, tf.errors.OpError) as error:
        what = unwritable(f"cannot write the averages of step {step} to {name}", error)
        raise UserError(f"{what} and run the same command again") from error


def cut_back(model_dir: str, step: int) -> None:
    """Deletes snapshots after a step, and incomplete ones: training goes on from there."""
    for name in _names(model_dir):
        match = re.fullmatch(r"(\d+)\.npz(\.partial)?", name)
        if match and (match[2] or int(match[1]) > step):
            tf.io.gfile.remove(os.path.join(model_dir, FOLDER, name))


# --- Averages of other lengths ----------------------------------------------------------------


def combination(model_dir: str, gan, step: int, length: float) -> dict[int, np.ndarray]:
    """{step of a snapshot: coefficients of its averages, one for each tracked length}.

    Raises:
      UserError: the run has not tracked averages, there is no snapshot of the step, or the average
        would differ from the one of that length by more than `MOST_ERROR`.
    """
    if gan.post_hoc is None:
        raise UserError(
            f"the run in {model_dir} has no snapshots for post-hoc EMA: train it anew with "
            "GAN.post_hoc_ema = @PostHocEMA()"
        )
    steps = [one for one in list_steps(model_dir) if one <= step]
    if step not in steps:
        known = f"the last one before is of step {steps[-1]}" if steps else "there is none before"
        raise UserError(
            f"{path(model_dir, step)} is missing, {known}: name another --checkpoint, whose step "
            f"is a multiple of PostHocEMA.snapshot_every = {gan.post_hoc.snapshot_every}"
        )
    tracked = gan.post_hoc.lengths
    solved, error = post_hoc.coefficients(
        np.repeat(steps, len(tracked)), np.tile(tracked, len(steps)), step, length
    )
    if error > MOST_ERROR:
        raise UserError(
            f"the {len(steps)} snapshots up to step {step} make the length {length:g} with an "
            f"error of {error:.0%}, more than {MOST_ERROR:.0%}: take a length nearer to "
            f"{' or '.join(f'{one:g}' for one in tracked)}, or train with more snapshots "
            "(PostHocEMA.snapshot_every)"
        )
    return dict(zip(steps, solved.reshape(len(steps), len(tracked)), strict=True))


def reconstruct(gan, model_dir: str, length: float) -> None:
    """Gives the sampling generator of a GAN the average of a length at the GAN's current step.

    Only the variables that are averaged change: those of `not_averaged` stay as in the checkpoint.

    Args:
      gan: a built GAN with the networks of a checkpoint, see `checkpoints.restore_players`.
      model_dir: the run's folder.
      length: sigma_rel, in (0, 0.288).

    Raises:
      UserError: see `combination`; or a snapshot is damaged, or is of another configuration.
    """
    variables = post_hoc.averaged(gan.sampling_generator)
    sums = [np.zeros(variable.shape, np.float64) for variable in variables]
    combined = combination(model_dir, gan, gan.current_step, length)
    for step, coefficients in combined.items():
        found = _read(path(model_dir, step), gan.post_hoc.lengths, variables)
        for coefficient, arrays in zip(coefficients, found, strict=True):
            for total, array in zip(sums, arrays, strict=True):
                total += coefficient * array
    for variable, total in zip(variables, sums, strict=True):
        variable.assign(total.astype(np.float32))


def _read(name: str, lengths, variables) -> list[list[np.ndarray]]:
    """For each length the averages of a snapshot, which have the shapes of `variables`."""
    with as_user_error(
        f"cannot read {name}",
        *DAMAGED_ARRAYS,
        tf.errors.OpError,
        cure="score an earlier checkpoint",
    ):
        with tf.io.gfile.GFile(name, "rb") as file:
            arrays = np.load(io.BytesIO(file.read()), allow_pickle=False)
        found = [[arrays[f"{one:g}/{i}"] for i, _ in enumerate(variables)] for one in lengths]
    for values in found:
        for value, variable in zip(values, variables, strict=True):
            if value.shape != tuple(variable.shape):
                raise UserError(f"{name} has averages of another generator: check --gin_config")
    return found
