"""Callbacks of training: checkpoints, averages, logs, sample grids, progress bar, and signals.

What they write goes through one thread, in order: a saved step is then already logged.
"""

import concurrent.futures
import json
import signal
import time

import keras
import tensorflow as tf
from tqdm import tqdm

from compare_gan_tf.errors import NotFinite, Stopped
from compare_gan_tf.gan.workers import Workers
from compare_gan_tf.runs import ema_snapshots
from compare_gan_tf.runs.checkpoints import Checkpoints
from compare_gan_tf.runs.logs import events_dir, log_path
from compare_gan_tf.storage.background import Background
from compare_gan_tf.training.draw_samples import DrawSamples

Summary = tf.compat.v1.Summary


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves a checkpoint every `every` steps, at the last step, and when a signal stops training.

    Another thread writes it while training goes on; training ends when all are written. Raises
    `NotFinite`, and saves nothing, if a term of the loss was not finite.

    Args:
      checkpoints: of the run; on workers other than the chief, None.
      background: of the chief, which writes.
      workers: all of which have this callback.
      every: steps between checkpoints.
      last_step: of the training.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        background: Background,
        workers: Workers,
        *,
        every: int,
        last_step: int,
    ):
        super().__init__()
        self._checkpoints = checkpoints
        self._background = background
        self._workers = workers
        self._every = every
        self._last_step = last_step
        self.arrived = None  # the number of a signal
        self._has_trained = False
        self._before = {}

    def on_train_begin(self, logs=None):
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._before[number] = signal.signal(number, self._on_signal)
            except ValueError:  # not in the main thread, which alone can handle signals
                return
        if self.model.current_step == 0:
            self._workers.together(lambda: self._checkpoints.save_later(self._background))

    def _on_signal(self, number, frame):
        before = self._before[number]
        if not self._has_trained and callable(before) and self._workers.number == 1:
            before(number, frame)  # nothing is lost, and to compile the first step may take long
        self.arrived = number

    def on_train_batch_end(self, batch, logs=None):
        self._has_trained = True
        self.save_if_due(logs, self.arrived)

    def save_if_due(self, logs, stopped_by: int | None):
        """Saves a checkpoint if it is time; raises `Stopped` if a signal has stopped the training.

        Args:
          logs: of the step.
          stopped_by: number of the signal, equal on all workers; None for none.
        """
        step = self.model.current_step
        due = step % self._every == 0 or step == self._last_step
        # `stop_training` is set by another callback.
        if due or stopped_by or self.model.stop_training:
            self._workers.together(lambda: self._save(logs))
        if stopped_by and step != self._last_step:
            self._workers.together(self._background.wait)
            self.arrived = None
            raise Stopped(stopped_by, step)

    def _save(self, logs):
        check_finite(self.model, logs, self._checkpoints)
        self._checkpoints.save_later(self._background)

    def on_train_end(self, logs=None):
        self._workers.together(self._background.wait)

    def close(self):
        """Restores the previous signal handlers, which hear of a signal that came too late."""
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: it is not Python's
        if self.arrived and self._workers.number == 1:
            signal.raise_signal(self.arrived)


def check_finite(gan, logs: dict, checkpoints: Checkpoints):
    """Checks that all terms of the loss have been finite.

    Raises:
      NotFinite: one was NaN or infinite; names the step, the term and the last good checkpoint.
    """
    if failure := gan.first_failure.of(logs):
        step, term = failure
        message = (
            f"step {step}: {term} is not finite; the last good checkpoint is "
            f"{checkpoints.newest}; a lower learning rate or a penalty may help{_range_of(gan)}"
        )
        raise NotFinite(message, step, term)


def _range_of(gan) -> str:
    """The end of the message for networks with a smaller range than float32 has."""
    if gan.precision != "mixed_float16":
        return ""
    return '; float16 ends at 65504: GAN.precision = "mixed_bfloat16" has the range of float32'


class SaveAverages(keras.callbacks.Callback):
    """Writes a snapshot of the averages for post-hoc EMA every `PostHocEMA.snapshot_every` steps.

    Another thread writes it while training goes on. It is called before `SaveCheckpoints`: a step
    that has a checkpoint has its snapshots.

    Args:
      model_dir: the run's folder.
      background: which writes.
    """

    def __init__(self, model_dir: str, background: Background):
        super().__init__()
        self._model_dir, self._background = model_dir, background
        self._writing: concurrent.futures.Future | None = None

    def on_train_batch_end(self, batch, logs=None):
        step, tracked = self.model.current_step, self.model.post_hoc
        if step % tracked.snapshot_every:
            return
        if self._writing is not None:
            self._writing.result()  # so that at most one copy waits in memory
        with tf.device("CPU:0"):
            values = [[tf.identity(one.value) for one in part] for part in tracked.averages]
        self._writing = self._background.submit(
            ema_snapshots.write, self._model_dir, step, tracked.lengths, values
        )

    def close(self):
        """Does nothing: the background waits for what it was given."""


class WriteLogs(keras.callbacks.Callback):
    """Writes all loss terms and the speed to `train.jsonl` and TensorBoard every `every` steps."""

    def __init__(
        self, model_dir: str, checkpoints: Checkpoints, background: Background, *, every: int
    ):
        super().__init__()
        self._background = background
        self._path = log_path(model_dir)
        self._events = tf.summary.create_file_writer(events_dir(model_dir))
        self._checkpoints = checkpoints
        self._every = every

    def on_train_begin(self, logs=None):
        self._began = self._then = time.monotonic()
        self._step = self.model.current_step

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.current_step
        if step % self._every:
            return
        check_finite(self.model, logs, self._checkpoints)
        now = time.monotonic()
        speed = (step - self._step) / (now - self._then)
        self._then, self._step = now, step
        row = {"step": step, "seconds": round(now - self._began, 3)}
        row |= {"steps_per_second": round(speed, 3)}
        row |= {name: float(value) for name, value in logs.items()}
        self._background.submit(self._write, row)

    def _write(self, row: dict):
        with tf.io.gfile.GFile(self._path, "a") as log:
            log.write(json.dumps(row) + "\n")
        scalars = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name not in ("step", "seconds")
        ]
        # One event for all: faster than tf.summary.scalar.
        with self._events.as_default(step=row["step"]):
            tf.summary.experimental.write_raw_pb(Summary(value=scalars).SerializeToString())

    def close(self):
        """Closes the events; however training ended."""
        self._events.close()


class ShowProgress(keras.callbacks.Callback):
    """A progress bar over the training steps, with steps per second and remaining time."""

    def __init__(self, *, first_step: int, last_step: int, watch: DrawSamples | None = None):
        super().__init__()
        self._watch = watch
        self._bar = tqdm(
            total=last_step,
            initial=first_step,
            desc="training",
            unit=" steps",
            mininterval=0.5,
            dynamic_ncols=True,
        )

    def on_train_batch_end(self, batch, logs=None):
        self._bar.update(self.model.current_step - self._bar.n)
        losses = {name[0].upper(): logs[f"{name}/loss"] for name in ("discriminator", "generator")}
        shown = {k: f"{float(v):.3g}" for k, v in losses.items()}
        if self._watch is not None and self._watch.alarm:
            shown["⚠"] = self._watch.alarm
        self._bar.set_postfix(shown, refresh=False)

    def close(self):
        """Closes the bar and leaves it on the screen."""
        self._bar.close()
