"""Training does not wait for the disk, and loses nothing by that."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import checkpoints, logs
from compare_gan_tf.storage.background import Background
from compare_gan_tf.training import callbacks

SECONDS = 60  # that a test waits for what must happen at once


class AtStep(keras.callbacks.Callback):
    """Calls a function after a training step."""

    def __init__(self, step, function):
        super().__init__()
        self.step, self.function = step, function

    def on_train_batch_end(self, batch, logs=None):
        if self.model.current_step == self.step:
            self.function()


def slow(monkeypatch, kind, name):
    """Makes a method wait for an event, which is returned with the list of what it waited for."""
    ready, waited, method = threading.Event(), [], getattr(kind, name)

    def waiting(*arguments, **more):
        waited.append(ready.wait(SECONDS))
        return method(*arguments, **more)

    monkeypatch.setattr(kind, name, waiting)
    return ready, waited


def test_steps_go_on_while_a_checkpoint_is_written(run, tmp_path, monkeypatch):
    ready, waited = slow(monkeypatch, tf.train.CheckpointManager, "save")
    run(tmp_path, 20, checkpoint_every=20, callbacks=[AtStep(10, ready.set)])
    assert waited == [True, True]  # ten steps were made during the first
    assert checkpoints.list_steps(str(tmp_path)) == [0, 20]


@pytest.mark.parametrize("kind", [callbacks.WriteLogs, callbacks.DrawSamples])
def test_steps_go_on_while_logs_are_written(run, tmp_path, monkeypatch, kind):
    ready, waited = slow(monkeypatch, kind, "_write")
    run(tmp_path, 12, callbacks=[AtStep(11, ready.set)])
    assert waited and all(waited)
    assert [row["step"] for row in logs.read(str(tmp_path))] == list(range(1, 13))


def test_a_checkpoint_holds_its_own_step_though_written_later(run, tmp_path):
    gan = run(tmp_path / "run", 1)
    saver, background = checkpoints.Checkpoints(gan, str(tmp_path), keep=9), Background()
    expected = [np.copy(v.numpy()) for v in gan.variables]
    ready = threading.Event()
    background.submit(ready.wait, SECONDS)
    saver.save_later(background)
    data = np.zeros((8, gan.slices, 8, 8, 1), np.uint8), np.zeros((8, gan.slices), np.int32)
    tf.function(gan.train_step, autograph=False)(tuple(map(tf.constant, data)))
    assert not all(map(np.array_equal, expected, [v.numpy() for v in gan.variables]))
    ready.set()
    background.wait()
    assert saver.restore() == 1
    found = [v.numpy() for v in gan.variables if "first_failure" not in v.path]
    known = [value for v, value in zip(gan.variables, expected, strict=True)
             if "first_failure" not in v.path]  # fmt: skip
    assert all(map(np.array_equal, found, known))


def test_weights_that_are_not_finite_end_training_before_the_next_checkpoint(run, tmp_path):
    gan = run(tmp_path / "run", 1)
    saver, background = checkpoints.Checkpoints(gan, str(tmp_path), keep=9), Background()
    saver.save_later(background)
    gan.generator.trainable_variables[0].assign_add(
        tf.fill(gan.generator.trainable_variables[0].shape, np.nan)
    )
    saver.save_later(background)
    with pytest.raises(UserError, match=r"is not finite; the last good checkpoint is .*ckpt-1$"):
        saver.save_later(background)
    assert saver.newest.endswith("ckpt-1")


def test_an_error_of_writing_ends_training(run, tmp_path, monkeypatch):
    def full(self, row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(callbacks.WriteLogs, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, 20)


def test_tasks_are_done_in_order_and_none_after_the_end():
    done, background = [], Background()
    for number in range(50):
        background.submit(done.append, number)
    background.wait()
    assert done == list(range(50))
    background.close()
    with pytest.raises(RuntimeError):
        background.submit(done.append, 50)
