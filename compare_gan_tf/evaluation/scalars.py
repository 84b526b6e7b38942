"""Writes the scores of a run as TensorBoard scalars, in event files separate from training's.

Before it writes, it reads the existing events: no score is written twice, and the next evaluation
adds the scores that a killed process did not write.
"""

import os

import numpy as np
import tensorflow as tf
from absl import logging

from compare_gan_tf.runs import logs, results

FOLDER = os.path.join(logs.LOGS, "scores")  # in a run's folder
_Summary = tf.compat.v1.Summary


def folder(model_dir) -> str:
    """Folder of the score events. Training writes and truncates its own events elsewhere."""
    return os.path.join(str(model_dir), FOLDER)


def write(model_dir, rows: list[results.Row]) -> None:
    """Writes each score as a scalar at its step, unless the events already hold it.

    The tag is `scores/METRIC/SPLIT`. Scores under a second protocol are not comparable with those
    of the first, so their tag is `scores/METRIC/SPLIT/PROTOCOL_ID`. If the folder cannot be
    written, a warning is logged.

    Args:
      model_dir: the run's folder.
      rows: the current scores of the run, the oldest first.
    """
    try:
        written = _read_events(folder(model_dir))
        new = [one for one in _scalars(rows) if written.get(one[:2]) != one[2]]
        if not new:
            return
        writer = tf.summary.create_file_writer(folder(model_dir))
        for tag, step, value in new:
            summary = _Summary(value=[_Summary.Value(tag=tag, simple_value=value)])
            with writer.as_default(step=step):
                tf.summary.experimental.write_raw_pb(summary.SerializeToString())
        writer.close()
    except (OSError, tf.errors.OpError) as error:
        logging.warning("cannot write the scores as TensorBoard events: %s", error)


def _scalars(rows: list[results.Row]):
    """Yields (tag, step, float32 value) for each score."""
    first_protocol: dict = {}  # {tag: protocol id}
    for row in rows:
        if row["value"] is None:
            continue
        tag = f"scores/{row['metric']}/{row['split']}"
        is_first = first_protocol.setdefault(tag, row["protocol_id"]) == row["protocol_id"]
        value = float(np.clip(row["value"], *_FLOAT32_RANGE).astype(np.float32))
        yield tag if is_first else f"{tag}/{row['protocol_id']}", row["step"], value


_FLOAT32_RANGE = np.finfo(np.float32).min, np.finfo(np.float32).max


def _read_events(path: str) -> dict[tuple, float]:
    """{(tag, step): the last value written}. A file is read up to its first truncated record."""
    found = {}
    if not tf.io.gfile.isdir(path):
        return found
    names = [name for name in tf.io.gfile.listdir(path) if name.startswith("events.out.tfevents.")]
    for name in sorted(names):
        try:
            for record in tf.data.TFRecordDataset(os.path.join(path, name)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
        except tf.errors.DataLossError:
            continue
    return found
