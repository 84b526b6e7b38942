"""Checks of a run's folder before training: owner, config, data, and a lock for one writer."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import logging

from compare_gan_tf import config, data
from compare_gan_tf.config import gin_files, gin_imports
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.runs import checkpoints, collapse, ema_snapshots, logs, manifest
from compare_gan_tf.storage import files, locks

# The files and folders that a training writes in a run's folder.
_PARTS = (
    files.CONFIG, manifest.FILE, checkpoints.FOLDER, checkpoints.TRAIN_DONE, logs.LOGS,
    ema_snapshots.FOLDER,
)  # fmt: skip

# Bindings that may change when a run is resumed, because they do not affect the trained weights,
# or only their rounding, as XLA does.
# Settings of functions and classes that only these bindings refer to may change as well.
FREE = (
    r"(.*\.)?train\.(training_steps|checkpoint_every|keep_checkpoints|log_every|sample_every)",
    r"(.*\.)?train\.(callbacks|jit_compile)",
    r"(.*\.)?GAN\.(remat|accumulation)",
    r"(.*\.)?(evaluate|follow)\..*",
    r"(.*\.)?load\.(data_dir|memory_budget|disk_budget|cache_folder)",
    r"(.*/)?(evaluation|features|metrics|presets)\..*",
)


@contextlib.contextmanager
def sole_training(model_dir: str) -> Iterator[Callable[[], None]]:
    """Context manager that makes the folder and locks it against other trainings.

    Yields:
      A function that checks that it is still locked, see `locks.sole_writer`.

    Raises:
      UserError: the folder cannot be made or locked, or a file of another program would be
        replaced.
    """
    with _writing(model_dir):
        tf.io.gfile.makedirs(model_dir)
    with locks.sole_writer(model_dir, "training") as require_lock:
        files.refuse_links(model_dir, _PARTS)
        config_file = os.path.join(model_dir, files.CONFIG)
        text = files.read_text(config_file)
        if text and not text.startswith(gin_files.HEADER):
            raise UserError(
                f"{config_file} was not written by a training, which would replace it: use another"
                " folder, or move it away"
            )
        yield require_lock


def require_own_run(
    model_dir: str,
    *,
    config_text: str | None,
    seen: dict | None,
    precision: str | None,
    settings: dict | None = None,
) -> None:
    """Checks that a run was trained with these settings and data, in this precision.

    Args:
      model_dir: the run's folder. Without a checkpoint in it nothing is checked.
      config_text: text of the config; only bindings that affect the weights are compared; None to
        accept any.
      seen: `data.identity` of the data set; None to accept any.
      precision: that the networks compute in, which a run without a config may change, too; None to
        accept any.
      settings: of a run without a config, {name: value}; None to accept any.

    Raises:
      UserError: settings, modules, data or precision differ; the message lists the differences.
    """
    if not checkpoints.list_steps(model_dir):
        return  # no weights were trained yet
    old = _config_of(model_dir)
    lines = config.differing_lines(old, config_text, FREE) if old and config_text else []
    starts = manifest.read(model_dir)
    changed = _changed_settings(starts, settings or {})
    if lines:
        raise UserError(
            f"the config differs from that of the run in {model_dir}: {' | '.join(lines)}; use "
            "another folder, or allow_config_change=True (--allow_config_change) to go on"
        )
    if changed:
        raise UserError(
            f"the settings differ from those of the run in {model_dir}: {' | '.join(changed)}; use "
            "another folder, or allow_config_change=True to go on"
        )
    if edited := _edited_modules(starts) if config_text else []:
        raise UserError(
            f"{', '.join(edited)} changed since the run in {model_dir} was trained: use another"
            " folder, or allow_config_change=True (--allow_config_change) to go on"
        )
    before = ([start["precision"] for start in starts if "precision" in start] or [None])[-1]
    if precision and before not in (None, precision):
        raise UserError(
            f"the run in {model_dir} was trained in {before}, not in {precision}: set GAN.precision"
            f" = {before!r}, use another folder, or allow_config_change=True"
            " (--allow_config_change) to go on"
        )
    changes = data_changes(model_dir, seen) if seen else []
    if changes:
        raise UserError(
            f"the data set is not the one that the run in {model_dir} has seen:"
            f" {'; '.join(changes)}. Bring that back, use another folder, or --allow_data_change"
            " (allow_data_change=True) to go on all the same"
        )


def _config_of(model_dir: str) -> str | None:
    """The text of the run's config, as the training wrote it; warns if the file is another."""
    text = manifest.config(model_dir)
    if text != files.read_text(path := os.path.join(model_dir, files.CONFIG)):
        logging.warning("%s is cut off, or was changed: the text in %s counts", path, manifest.FILE)
    return text


def _changed_settings(starts: list[dict], settings: dict) -> list[str]:
    """What differs from the newest start that knows its settings, of the names that both have."""
    before = ([start["settings"] for start in starts if "settings" in start] or [{}])[-1]
    changed = [name for name in settings if name in before and before[name] != settings[name]]
    changed = [name for name in changed if not re.fullmatch("|".join(FREE), name)]
    return [f"{name} was {before[name]!r}, and is {settings[name]!r}" for name in changed]


def _edited_modules(starts: list[dict]) -> list[str]:
    """The user's modules whose source is not what it was at the newest start that knows it."""
    before = ([start["modules"] for start in starts if "modules" in start] or [{}])[-1]
    now = gin_imports.hashes()
    return [name for name in sorted(now) if before.get(name, now[name]) != now[name]]


def require_continued(model_dir: str, first_step: int, lowered: dict) -> int:
    """Checks that states after `first_step` continue the run; returns the step they continue.

    Raises:
      UserError: the newest checkpoint is neither of `first_step` nor of the same lowering.
    """
    newest = ([first_step] + checkpoints.list_steps(model_dir))[-1]
    starts = manifest.read(model_dir)
    known = starts[-1].get("lowered") if starts else None
    is_same = isinstance(known, dict) and known.get("id") == lowered["id"]
    if newest != first_step and not is_same:
        raise UserError(
            f"the states continue step {first_step}, and the newest checkpoint in {model_dir} is of"
            f" step {newest}: use another folder"
        )
    return newest


def data_changes(model_dir: str, now: dict) -> list[str]:
    """Differences between a data set and the one in the run's manifest, one phrase each.

    Args:
      model_dir: the run's folder.
      now: `data.identity` of the data set.
    """
    starts = manifest.read(model_dir)
    known = [start["data"] for start in starts if isinstance(start.get("data"), dict)]
    return data.changes(known[-1], json.loads(json.dumps(now))) if known else []


def begin(model_dir: str) -> None:
    """Removes the file TRAIN_DONE, and checks that the folder can be written."""
    with _writing(model_dir):
        files.write_text(_done(model_dir), "")
        tf.io.gfile.remove(_done(model_dir))


def cut_back(model_dir: str, step: int) -> None:
    """Removes what was written after `step`, from which training goes on, so that it is once there.

    Raises:
      UserError: a file was written by another program.
    """
    for one in (logs, collapse, ema_snapshots):
        one.cut_back(model_dir, step)


def end(model_dir: str, step: int) -> None:
    """Writes the file TRAIN_DONE, which says that training has ended."""
    files.write_text(_done(model_dir), f"{step}\n")


def _done(model_dir: str) -> str:
    return os.path.join(model_dir, checkpoints.TRAIN_DONE)


@contextlib.contextmanager
def _writing(model_dir: str) -> Iterator[None]:
    """Context manager that converts file system errors into a `UserError`."""
    try:
        yield
    except (tf.errors.OpError, OSError) as error:
        raise UserError(unwritable(f"cannot write to model_dir {model_dir}", error)) from error
