"""Reads a run's logs, and truncates them at the step from which training resumes."""

import itertools
import json
import os
import re
from collections.abc import Iterator

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import results
from compare_gan_tf.storage.files import refuse_link, write_text

LOGS = "logs"
_MOST_STEPS = 2**53  # the largest range of integers that floats represent exactly
_MOST_SECONDS = 1e300  # excludes NaN and infinity
_EVENTS = r"events\.out\.tfevents\..*"  # file names of TensorBoard events


def log_path(model_dir: str) -> str:
    """Path of the run's log, with one JSON object per line."""
    return os.path.join(model_dir, LOGS, "train.jsonl")


def events_dir(model_dir: str) -> str:
    """Folder of the run's TensorBoard events."""
    return os.path.join(model_dir, LOGS, "tensorboard")


def cut_back(model_dir: str, step: int):
    """Removes all log entries after `step`, so that a resumed run writes each step once.

    Raises:
      UserError: a log was written by another program.
    """
    path = log_path(model_dir)
    if tf.io.gfile.exists(path):
        write_text(path, "".join(rows_until(path, step)))
    if tf.io.gfile.isdir(events_dir(model_dir)):
        for name in tf.io.gfile.listdir(events_dir(model_dir)):
            events = os.path.join(events_dir(model_dir), name)
            refuse_link(events)
            if re.fullmatch(_EVENTS + r"\.partial", name):  # of a process that was killed here
                tf.io.gfile.remove(events)
            elif re.fullmatch(_EVENTS, name):
                _cut_events(events, step)


def append(model_dir: str, rows: list[dict]):
    """Appends rows, each with its "step", to the run's log."""
    tf.io.gfile.makedirs(os.path.join(model_dir, LOGS))
    with tf.io.gfile.GFile(log_path(model_dir), "a") as log:
        log.write("".join(json.dumps(row) + "\n" for row in rows))


def rows_until(path: str, step: int) -> Iterator[str]:
    """The complete lines of a log whose "step" is not after `step`.

    Raises:
      UserError: another program wrote it.
    """
    with tf.io.gfile.GFile(path) as log:
        for line in log.read().splitlines():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):  # a line that a crash truncated
                continue
            if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                raise UserError(f"{path} was not written by compare-gan: use another folder")
            if row["step"] <= step:
                yield line + "\n"


def _cut_events(path: str, step: int):
    kept = []
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
    except tf.errors.DataLossError:  # the last record, truncated by a crash
        pass
    with tf.io.TFRecordWriter(f"{path}.partial") as writer:
        for record in kept:
            writer.write(record)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def read(model_dir: str) -> list[dict]:
    """The complete rows of `logs/train.jsonl`, sorted by step, one per step: the last."""
    path, rows = log_path(model_dir), {}
    for line in results.lines(path) if tf.io.gfile.exists(path) else ():
        try:
            row = json.loads(line)
            if 0 <= row["step"] < _MOST_STEPS:
                rows[int(row["step"])] = row
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return [rows[step] for step in sorted(rows)]


def sample_grids(model_dir: str) -> dict[int, bytes]:
    """{training step: PNG} of the grids of samples in the TensorBoard events, by step."""
    folder, found = events_dir(model_dir), {}
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    for name in sorted(name for name in names if re.fullmatch(_EVENTS, name)):
        try:
            for record in tf.data.TFRecordDataset(os.path.join(folder, name)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                for value in event.summary.value:
                    if value.tag == "samples":  # a tensor of width, height, and the pictures
                        found[event.step] = value.tensor.string_val[2]
        except tf.errors.DataLossError:  # the last record, truncated by a crash
            continue
    return dict(sorted(found.items()))


def training_seconds(log: list[dict]) -> float | None:
    """Seconds spent in training, over all starts; None without a log.

    The field `seconds` of the log restarts from 0 at each start.
    """
    clock = [row.get("seconds") for row in log]
    clock = [one for one in clock if isinstance(one, int | float) and abs(one) < _MOST_SECONDS]
    earlier = sum(then for then, now in itertools.pairwise(clock) if now < then)
    return earlier + clock[-1] if clock else None
