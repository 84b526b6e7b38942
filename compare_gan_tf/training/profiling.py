"""A profile of some training steps, for TensorBoard's profile plugin and for Perfetto."""

import gzip
import json
import os
from collections.abc import Sequence

import keras
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs.logs import events_dir
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.storage import files

_STEPS = 5  # profiled steps, and steps before them, if none are named


def is_window(value) -> bool:
    """Whether a value is True, or two whole numbers: the first and the last step to profile."""
    if isinstance(value, bool):
        return value
    steps = isinstance(value, list | tuple) and all(type(step) is int for step in value)
    return steps and len(value) == 2


def window(
    asked: Sequence[int] | bool | None,
    done: Sequence[int],
    training_steps: int,
    steps_per_execution: int,
) -> tuple[int, int] | None:
    """The first and the last step to profile, counted from 1 at the start of this training.

    Args:
      asked: these two steps; None for none; True for five steps after the first five, or for one
        execution after the first.
      done: the steps of the run's checkpoints.
      training_steps: the run's last step.
      steps_per_execution: steps that run without Python in between.

    Raises:
      UserError: the training ends before the last step, or the steps are in the wrong order.
    """
    if asked is None:
        return None
    left = max(0, training_steps - max(done, default=0))
    whole = -(-_STEPS // steps_per_execution) * steps_per_execution
    first, last = (whole + 1, 2 * whole) if asked is True else asked
    if not 1 <= first <= last:
        raise UserError(f"profile = {first},{last}: the steps must be 1 <= FIRST <= LAST")
    if last > left:
        cure = f"choose FIRST,LAST of 1 to {left}" if left else "increase train.training_steps"
        raise UserError(f"profile = {first},{last}: this training has {left} steps left; {cure}")
    return first, last


class Profile(keras.callbacks.Callback):
    """Writes a profile of some steps, and of what Python does between them.

    The folder `logs/tensorboard/plugins/profile/<time>` then has `<host>.xplane.pb`, for
    TensorBoard's profile plugin, and `<host>.trace.json.gz`, for https://ui.perfetto.dev.

    Args:
      model_dir: the run's folder.
      first, last: training steps, counted from 1; steps of one execution are profiled together.
    """

    def __init__(self, model_dir: str, *, first: int, last: int):
        super().__init__()
        self._events = events_dir(model_dir)
        self._first, self._last = first, last
        self._began = self._mark = None

    def on_train_batch_begin(self, batch, logs=None):
        step = self.model.current_step
        if self._began is None and step < self._last:
            if step + self.model.steps_per_execution >= self._first:
                self._start(step + 1)
        if self._began:
            self._mark = tf.profiler.experimental.Trace("train", step_num=step + 1, _r=1)
            self._mark.__enter__()

    def _start(self, step: int):
        try:
            tf.profiler.experimental.start(self._events)
            self._began = step
        except tf.errors.OpError as error:  # such as of another profiler in this process
            self._first = float("inf")
            logging.warning("no profile is written: %s", error.message)

    def on_train_batch_end(self, batch, logs=None):
        if not self._began:
            return
        step = self.model.current_step  # waits for the device
        self._mark.__exit__(None, None, None)
        if step >= self._last:
            self._write(step)

    def _write(self, step: int):
        """Ends the profile. Whatever goes wrong costs the profile, not the training."""
        before = _profiles(self._events)
        steps, self._began, self._first = f"{self._began} to {step}", None, float("inf")
        try:
            tf.profiler.experimental.stop()
            (folder,) = _profiles(self._events) - before
            for name in tf.io.gfile.listdir(folder):
                if name.endswith(".xplane.pb"):
                    write_trace(os.path.join(folder, name))
        except Exception as error:
            logging.warning("the profile of steps %s is not written: %s", steps, error)
            return
        tqdm.write(f"steps {steps} are profiled in {folder}")

    def close(self):
        """Drops a profile that is not complete; however training ended."""
        if self._began:
            tf.profiler.experimental.stop(save=False)
            logging.warning("training ended before step %d: no profile is written", self._last)


def _profiles(events: str) -> set[str]:
    """The folders of the profiles."""
    folder = os.path.join(events, "plugins", "profile")
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    return {os.path.join(folder, name.rstrip("/")) for name in names}


# --- Chrome's format, which Perfetto reads ----------------------------------------------------


def write_trace(path: str) -> None:
    """Writes `<host>.trace.json.gz` beside `<host>.xplane.pb`."""
    with tf.io.gfile.GFile(path, "rb") as file:
        space = keras_insides.read_xspace(file.read())
    text = json.dumps({"displayTimeUnit": "ns", "traceEvents": trace_events(space)})
    content = gzip.compress(text.encode())
    files.write_bytes(f"{path.removesuffix('.xplane.pb')}.trace.json.gz", content)


def trace_events(space) -> list[dict]:
    """The events of an XSpace in Chrome's trace event format; times are microseconds.

    A plane is a device, or the host, and becomes a process; a line becomes a thread.
    """
    found = []
    for process, plane in enumerate(space.planes):
        found.append(_name("process", plane.name, pid=process))
        for thread, line in enumerate(plane.lines):
            place = {"pid": process, "tid": thread}
            found.append(_name("thread", line.display_name or line.name or str(line.id), **place))
            for event in line.events:
                start = line.timestamp_ns / 1e3 + event.offset_ps / 1e6
                name = plane.event_metadata[event.metadata_id].name
                times = {"ts": start, "dur": event.duration_ps / 1e6}
                found.append({"ph": "X", "name": name, **place, **times})
    return found


def _name(kind: str, name: str, **place) -> dict:
    return {"ph": "M", "name": f"{kind}_name", "args": {"name": name}, **place}
