"""The scores of a run in TensorBoard: events of their own beside those of the training.

What is there already is found in the events themselves, so that nothing is written twice, and what
a process that died did not write comes with the next evaluation.
"""

import os

import numpy as np
import tensorflow as tf
from absl import logging

from compare_gan_tf.runs import logs, results

FOLDER = os.path.join(logs.LOGS, "scores")  # in a run's folder
_Summary = tf.compat.v1.Summary


def folder(model_dir) -> str:
    """Where the events of the scores lie; a training writes and cuts back its own elsewhere."""
    return os.path.join(str(model_dir), FOLDER)


def write(model_dir, rows: list[results.Row]) -> None:
    """Writes each score as a scalar at its step, unless it is there.

    The tag is `scores/METRIC/SPLIT`; scores under a second protocol, which do not compare with
    those of the first, have its id behind that. A folder that cannot be written is a warning.

    Args:
      model_dir: the run's folder.
      rows: all scores of the run that count, the oldest first.
    """
    try:
        known = _known(folder(model_dir))
        new = [one for one in _scalars(rows) if known.get(one[:2]) != one[2]]
        if not new:
            return
        writer = tf.summary.create_file_writer(folder(model_dir))
        for tag, step, value in new:
            summary = _Summary(value=[_Summary.Value(tag=tag, simple_value=value)])
            with writer.as_default(step=step):
                tf.summary.experimental.write_raw_pb(summary.SerializeToString())
        writer.close()
    except (OSError, tf.errors.OpError) as error:
        logging.warning("the scores are not in TensorBoard's events: %s", error)


def _scalars(rows: list[results.Row]):
    """(tag, step, float32 value) of each score."""
    first: dict = {}
    for row in rows:
        if row["value"] is None:
            continue
        tag = f"scores/{row['metric']}/{row['split']}"
        own = first.setdefault(tag, row["protocol_id"]) == row["protocol_id"]
        value = float(np.clip(row["value"], *_FLOAT32).astype(np.float32))
        yield tag if own else f"{tag}/{row['protocol_id']}", row["step"], value


_FLOAT32 = np.finfo(np.float32).min, np.finfo(np.float32).max


def _known(path: str) -> dict[tuple, float]:
    """{(tag, step): the last value written}; a record that a crash cut short ends its file."""
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
