"""Calls the callbacks of several workers in step: what happens to one, all hear after the step."""

from collections.abc import Sequence

import keras

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.gan.workers import Workers
from compare_gan_tf.training.callbacks import SaveCheckpoints

_STOP, _FAILED = 1, 1000  # beside the numbers of signals


class InStep(keras.callbacks.CallbackList):
    """Calls the callbacks of this worker, then agrees with the others whether to go on.

    A worker that left alone, because of a signal, a full disk or a callback that stops training,
    would leave the others waiting for it in the next step.

    Args:
      callbacks: of this worker.
      saver: the last of them; it hears first what was agreed upon.
      workers: all workers.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        saver: SaveCheckpoints,
        workers: Workers,
    ):
        self._saver, self._workers = saver, workers
        super().__init__([*callbacks])

    def set_model(self, model):
        super().set_model(model)
        self._saver.set_model(model)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._saver.on_train_begin(logs)

    def on_train_batch_end(self, batch, logs=None):
        failure = None
        try:
            super().on_train_batch_end(batch, logs)
        except Exception as error:  # the others are told before it is raised
            failure = error
        own = self._saver.arrived or (_STOP if self.model.stop_training else 0)
        agreed = self._workers.highest(_FAILED if failure else own)
        if agreed == _FAILED:
            reasons = self._workers.exchange(first_line(failure) if failure else "")
            raise failure or UserError(f"another worker has failed: {max(reasons)}")
        self.model.stop_training |= agreed == _STOP
        # A signal that arrives from here on is of the next step.
        self._saver.save_if_due(logs, agreed if agreed > _STOP else None)
