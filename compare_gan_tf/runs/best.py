"""`checkpoints/best`: a copy of a run's best checkpoint, and `best.json`, which names its step.

The order is: copy the new checkpoint, replace `best.json` by one rename, delete the old copy. So
`best.json` always names a complete checkpoint, even if the process is killed.
"""

import hashlib
import json
import os
import re

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.storage import files

METRIC, SPLIT = "fid", "validation"  # the default score and split that select the best checkpoint
# Names of files that this program writes here, complete or partial.
_OURS = re.compile(r"ckpt-\d+\.(index|data-\d{5}-of-\d{5})(\.partial)?|best\.json\.partial")
_FIELDS = ("step", "checkpoint", "metric", "split", "value", "protocol_id")


def fingerprint(prefix: str) -> str | None:
    """A hash that identifies the contents of a checkpoint; None if it does not exist.

    It is the first 16 hex digits of the SHA-256 of the index file, which has a checksum of every
    tensor.
    """
    try:
        with tf.io.gfile.GFile(f"{prefix}.index", "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()[:16]
    except tf.errors.NotFoundError:
        return None


def folder(model_dir) -> str:
    """Folder with the copy of a run's best checkpoint."""
    return os.path.join(str(model_dir), checkpoints.BEST)


def read(model_dir) -> dict | None:
    """Contents of `best.json`; None if it is missing or damaged.

    The keys are step, checkpoint (its fingerprint), metric, split, value and protocol_id.
    """
    try:
        text = files.read_text(os.path.join(folder(model_dir), "best.json"))
        content = json.loads(text or "null")
    except (ValueError, RecursionError):  # of JSON or of UTF-8
        return None
    if not isinstance(content, dict) or not set(_FIELDS) <= content.keys():
        return None
    step = content["step"]
    is_step = isinstance(step, int) and not isinstance(step, bool) and step >= 0
    texts = (content[name] for name in _FIELDS if name not in ("step", "value"))
    return content if is_step and all(isinstance(text, str) for text in texts) else None


def refuse_others(model_dir) -> None:
    """Refuses what is no file, or no folder, where the copy will be: before hours of work.

    Raises:
      UserError: names it.
    """
    here = folder(model_dir)
    if tf.io.gfile.exists(here) and not tf.io.gfile.isdir(here):
        raise UserError(f"{here} is no folder, but the best checkpoint is copied there: remove it")
    for name in tf.io.gfile.listdir(here) if tf.io.gfile.isdir(here) else ():
        path, name = os.path.join(here, name), name.rstrip("/")
        ours = name == "best.json" or _OURS.fullmatch(name)
        if ours and tf.io.gfile.isdir(path):
            raise UserError(f"{path} is a folder, but a file is written there: remove it")


def keep(model_dir, rows) -> None:
    """Copies the first of these checkpoints that still exists to `checkpoints/best`.

    Args:
      model_dir: the run's folder.
      rows: rows of scores, the best first.

    Raises:
      UserError: the disk is full, or the folder cannot be written.
    """
    for row in rows:
        try:
            if _kept(model_dir, row):
                _clean(model_dir, row["step"])  # a process may have been killed before it did
                return
            if _is_here(folder(model_dir), row) or _copy(model_dir, row):
                _write_json(model_dir, row)
                _clean(model_dir, row["step"])
                return
        except tf.errors.NotFoundError:
            continue  # training deleted it while it was copied
        except tf.errors.OpError as error:
            what = f"cannot keep the best checkpoint in {folder(model_dir)}"
            raise UserError(f"{unwritable(what, error)}, then evaluate again") from error


def _is_here(checkpoint_folder: str, row) -> bool:
    prefix = os.path.join(checkpoint_folder, f"ckpt-{row['step']}")
    return fingerprint(prefix) == row["checkpoint"]


def _kept(model_dir, row) -> bool:
    content = read(model_dir)
    same = content and all(content[field] == row[field] for field in _FIELDS)
    return bool(same) and _is_here(folder(model_dir), row)


def _copy(model_dir, row) -> bool:
    """Copies a checkpoint's files, its index last; returns False if it no longer exists."""
    prefix = checkpoints.path(model_dir, row["step"])
    if fingerprint(prefix) != row["checkpoint"]:
        return False
    source, target = os.path.dirname(prefix), folder(model_dir)
    tf.io.gfile.makedirs(target)
    names = _files(source, row["step"])
    for name in names:
        partial = os.path.join(target, f"{name}.partial")
        tf.io.gfile.copy(os.path.join(source, name), partial, overwrite=True)
    for name in names:
        path = os.path.join(target, name)
        tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
    logging.info("checkpoint %d is the best so far, copied to %s", row["step"], target)
    return True


def _files(checkpoint_folder: str, step: int) -> list[str]:
    """Names of a checkpoint's files, the index last: a checkpoint exists if its index does."""
    names = tf.io.gfile.listdir(checkpoint_folder)
    names = [name for name in names if name.startswith(f"ckpt-{step}.")]
    return sorted(names, key=lambda name: (name.endswith(".index"), name))


def _write_json(model_dir, row) -> None:
    content = {field: row[field] for field in _FIELDS}
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    files.write_text(os.path.join(folder(model_dir), "best.json"), text)


def _clean(model_dir, step: int) -> None:
    """Deletes older copies, and incomplete copies of a killed process.

    Files with names that this program does not write are kept.
    """
    keep_names = set(_files(folder(model_dir), step))
    for name in tf.io.gfile.listdir(folder(model_dir)):
        old = name not in keep_names or name.endswith(".partial")
        if old and _OURS.fullmatch(name):
            tf.io.gfile.remove(os.path.join(folder(model_dir), name))
