"""Samples along a training: grids of them for TensorBoard, and whether they are alike."""

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from compare_gan_tf.data import Split
from compare_gan_tf.data.images import from_uint8, image_grid, to_uint8
from compare_gan_tf.gan import passes
from compare_gan_tf.runs import collapse
from compare_gan_tf.runs.logs import events_dir
from compare_gan_tf.storage.background import Background

GRID = 64  # samples in a grid
GRID_SEED = (20140610, 0)
_SIGNS = {"spread": "collapse", "duplicates": "twins", "d_auc": "D wins"}


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
        self._reals = np.asarray(reals.images[:GRID])
        self._labels = None if reals.labels is None else np.asarray(reals.labels[:GRID])
        self._rows, self._alarms = collapse.read(model_dir), {}
        self._events = tf.summary.create_file_writer(events_dir(model_dir), filename_suffix=".img")
        self._every = every

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.current_step
        if step % self._every == 0:
            inputs = self.model.draw_inputs(GRID, GRID_SEED)
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
