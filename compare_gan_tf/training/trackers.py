"""Callbacks that send losses, sample grids, settings and scores to a service, see `services`.

Another thread sends. A tracker that fails, or that hangs at the end, is given up with a warning,
and training goes on. `<model_dir>/logs/<tracker>.json` keeps which run of the service this run is,
so that a resumed training and a later evaluation continue it.
"""

import importlib
import json
import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from compare_gan_tf.data.images import image_grid, to_uint8
from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.runs.logs import LOGS
from compare_gan_tf.storage import files
from compare_gan_tf.training.draw_samples import GRID, GRID_SEED

_PATIENCE = 60.0  # seconds to wait for a service at the end
_MOST_WAITING = 1000  # things to send; further ones are dropped


class Tracker(keras.callbacks.Callback):
    """Sends what a training logs to a service. A subclass has the five methods that send.

    Args:
      every: steps between losses.
      sample_every: steps between grids of samples.
      settings: of the service, kept for a later evaluation.
    """

    name: str  # of the service, of its module and of its extra

    def __init__(self, *, every: int, sample_every: int, settings: dict[str, Any]):
        super().__init__()
        self.settings = settings
        self._every, self._sample_every = every, sample_every
        self._queue: queue.Queue | None = None
        self._failed = self._draws_samples = False
        try:
            self.module = importlib.import_module(self.name)
        except ImportError as error:
            raise UserError(
                f"{type(self).__name__} needs {self.name} ({first_line(error)}): pip install"
                f" 'compare_gan_tf[{self.name}]'"
            ) from error

    def start(
        self, model_dir: str, parameters: dict[str, Any], *, draws_samples: bool = False
    ) -> None:
        """Begins, or continues, the service's run of a folder.

        Args:
          model_dir: the run's folder.
          parameters: {name: bool, int, float or str} of the run; {} to send none.
          draws_samples: whether grids of samples are sent, which must be images.
        """
        self._draws_samples = draws_samples
        if self._queue is None and not self._failed:
            self._queue = queue.Queue(_MOST_WAITING)
            threading.Thread(target=self._work, args=(self._queue,), daemon=True).start()
            self._send(self._begin, model_dir, parameters)

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.current_step
        if self._queue is None:
            return
        if step % self._every == 0:
            self._send(self.log, step, {name: float(value) for name, value in logs.items()})
        if self._draws_samples and step % self._sample_every == 0:
            images = to_uint8(self.model.sample(GRID, GRID_SEED)).numpy()
            self._send(self._log_grid, step, images)

    def log_scores(self, rows: Sequence[dict]) -> None:
        """Sends scores, as `scores/METRIC/SPLIT` at their steps."""
        for row in rows:
            if row["value"] is not None:
                name = f"scores/{row['metric']}/{row['split']}"
                self._send(self.log, row["step"], {name: row["value"]})

    def close(self, *, is_done: bool = True) -> None:
        """Ends the service's run, and waits until all is sent, but not for ever."""
        if self._queue is None:
            return
        sent = threading.Event()
        self._send(self.end, is_done)
        self._send(None, sent)
        if not self._failed and not sent.wait(_PATIENCE):
            logging.warning("%s does not answer: the last values may be missing", self.name)
        self._queue = None

    def _send(self, task: Callable | None, *arguments) -> None:
        try:
            if self._queue is not None:
                self._queue.put_nowait((task, arguments))
        except queue.Full:
            logging.warning("%s is too slow: values are dropped", self.name)

    def _work(self, tasks: queue.Queue) -> None:
        """Runs the tasks, none after a failure; None, with an event to set, is the end."""
        while True:
            task, arguments = tasks.get()
            if task is None:
                arguments[0].set()
                return
            try:
                if not self._failed:
                    task(*arguments)
            except Exception as error:  # whatever a service raises: training must go on
                self._failed = True
                logging.warning("%s is given up: %s", self.name, first_line(error))

    def _begin(self, model_dir: str, parameters: dict[str, Any]) -> None:
        path = path_of(model_dir, self.name)
        text = files.read_text(path)
        known = json.loads(text)["id"] if text else None
        found = self.begin(model_dir, known, parameters)
        files.write_text(path, json.dumps({"id": found, "settings": self.settings}, indent=2))

    def _log_grid(self, step: int, images: np.ndarray) -> None:
        grid = image_grid(images, scale=max(1, 64 // images.shape[1]))
        self.log_image(step, grid[..., 0] if grid.shape[-1] == 1 else grid)

    def begin(self, model_dir: str, known: str | None, parameters: dict[str, Any]) -> str:
        """Begins a run of the service, or continues the `known` one; returns its id."""
        raise NotImplementedError

    def log(self, step: int, values: dict[str, float]) -> None:
        """Sends numbers of a training step."""
        raise NotImplementedError

    def log_image(self, step: int, image: np.ndarray) -> None:
        """Sends an image, uint8 [H, W, 3] or [H, W]."""
        raise NotImplementedError

    def end(self, is_done: bool) -> None:
        """Ends the run of the service."""
        raise NotImplementedError


def path_of(model_dir: str, name: str) -> str:
    """Of the file that keeps which run of a service a run is."""
    return os.path.join(model_dir, LOGS, f"{name}.json")
