"""Callbacks of training: checkpoints, logs, sample grids, progress bar, and stopping by signals.

What they write goes through one thread, in order: a saved step is then already logged.
"""

import json
import signal
import time

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from compare_gan_tf.data import Split
from compare_gan_tf.data.images import from_uint8, image_grid, to_uint8
from compare_gan_tf.errors import NotFinite, Stopped
from compare_gan_tf.gan import passes
from compare_gan_tf.gan.workers import Workers
from compare_gan_tf.runs import collapse
from compare_gan_tf.runs.checkpoints import Checkpoints
from compare_gan_tf.runs.logs import events_dir, log_path
from compare_gan_tf.storage.background import Background

Summary = tf.compat.v1.Summary

_GRID = 64  # samples in a grid
_SIGNS = {"spread": "collapse", "duplicates": "twins", "d_auc": "D wins"}
_GRID_SEED = (20140610, 0)


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
        self.arrived = number

    def on_train_batch_end(self, batch, logs=None):
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
            raise Stopped(stopped_by, step)

    def _save(self, logs):
        check_finite(self.model, logs, self._checkpoints)
        self._checkpoints.save_later(self._background)

    def on_train_end(self, logs=None):
        self._workers.together(self._background.wait)

    def close(self):
        """Restores the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: it is not Python's


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


class DrawSamples(keras.callbacks.Callback):
    """Writes a grid of samples to TensorBoard every `every` steps, always from the same latents.

    It also notes whether they are alike, and whether D tells them from reals, see `runs.collapse`,
    and warns where a sign appears.

    Args:
      model_dir: of the run.
      background: writes.
      reals: the split of the data set that is trained on.
      every: steps between grids.
    """

    def __init__(self, model_dir: str, background: Background, reals: Split, *, every: int):
        super().__init__()
        self._background = background
        self._model_dir = model_dir
        self._reals = np.asarray(reals.images[:_GRID])
        self._labels = None if reals.labels is None else np.asarray(reals.labels[:_GRID])
        self._rows, self._alarms = collapse.read(model_dir), {}
        self._events = tf.summary.create_file_writer(events_dir(model_dir), filename_suffix=".img")
        self._every = every

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.current_step
        if step % self._every == 0:
            inputs = self.model.draw_inputs(_GRID, _GRID_SEED)
            images = self.model.generate(inputs)
            auc = self._d_auc(images, inputs.get("labels"))
            self._background.submit(self._write, step, to_uint8(images).numpy(), auc)

    def _d_auc(self, fakes, labels) -> float | None:
        if self.model.alphabet is not None:
            return None
        sides = (from_uint8(self._reals), self._labels), (fakes, labels)
        logits = [passes.logits(self.model.discriminator, *side).numpy() for side in sides]
        return collapse.d_auc(*logits)

    def _watch(self, step: int, images: np.ndarray, auc: float | None):
        row = {"step": step, **collapse.likeness(images, self._reals), "d_auc": auc}
        self._rows.append(row)
        collapse.add(self._model_dir, row)
        alarms = collapse.alarms(self._rows)
        for sign in alarms.keys() - self._alarms.keys():
            logging.warning("%s", alarms[sign])
        self._alarms = alarms
        with self._events.as_default(step=step):
            for name, value in row.items():
                if name != "step" and value is not None:
                    tf.summary.scalar(f"samples/{name}", value)

    @property
    def alarm(self) -> str:
        """The signs of a collapse that are on, in a word each; "" for none."""
        return ", ".join(_SIGNS[sign] for sign in self._alarms)

    def _write(self, step: int, images: np.ndarray, auc: float | None):
        self._watch(step, images, auc)
        grid = image_grid(images, scale=max(1, 64 // images.shape[1]))
        with self._events.as_default(step=step):
            tf.summary.image("samples", grid[np.newaxis])

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
