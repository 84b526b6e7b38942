"""Where a run's logs lie, and cutting them back to the step that training goes on from."""

import json
import os

import tensorflow as tf

from compare_gan_tf.files import write_text

LOGS = "logs"


def log_path(model_dir: str) -> str:
    """The run's log, one JSON object a line."""
    return os.path.join(model_dir, LOGS, "train.jsonl")


def events_dir(model_dir: str) -> str:
    """The run's TensorBoard events."""
    return os.path.join(model_dir, LOGS, "tensorboard")


def cut_back(model_dir: str, step: int):
    """Drops what the logs hold after `step`, so that a resumed run writes each step once."""
    path = log_path(model_dir)
    if tf.io.gfile.exists(path):
        write_text(path, "".join(_rows_until(path, step)))
    if tf.io.gfile.isdir(events_dir(model_dir)):
        for name in tf.io.gfile.listdir(events_dir(model_dir)):
            events = os.path.join(events_dir(model_dir), name)
            if name.endswith(".partial"):  # of a start that was killed here
                tf.io.gfile.remove(events)
            else:
                _cut_events(events, step)


def _rows_until(path: str, step: int):
    with tf.io.gfile.GFile(path) as log:
        for line in log.read().splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    yield line + "\n"
            except (ValueError, KeyError, TypeError):  # the line a crash cut short
                continue


def _cut_events(path: str, step: int):
    kept = []
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
    except tf.errors.DataLossError:  # the record a crash cut short is the last
        pass
    with tf.io.TFRecordWriter(f"{path}.partial") as writer:
        for record in kept:
            writer.write(record)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
