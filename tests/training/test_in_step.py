"""What happens to one worker in a step, all hear after it."""

import keras
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.training.in_step import InStep

LOGS = {"loss": 1.0}


class Others:
    """Other workers, of which one has a number of its own."""

    def __init__(self, number=0):
        self.number, self.heard = number, []

    def highest(self, number):
        self.heard.append(number)
        return max(number, self.number)

    def exchange(self, text):
        return [text, "" if text else "no memory left"]


class Saver(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.arrived, self.calls = None, []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def save_if_due(self, logs, stopped_by):
        self.calls.append((logs, stopped_by, self.model.stop_training))


class Mine(keras.callbacks.Callback):
    def __init__(self, work=lambda model: None):
        super().__init__()
        self._work = work

    def on_train_batch_end(self, batch, logs=None):
        self._work(self.model)


def step(others, work=lambda model: None, arrived=None):
    saver = Saver()
    both = InStep([Mine(work)], saver, others)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.stop_training = False
    both.set_model(model)
    both.on_train_begin()
    saver.arrived = arrived
    both.on_train_batch_end(0, LOGS)
    assert saver.calls[0] == "begin"
    return saver.calls[1:]


def test_a_step_without_events_goes_on():
    others = Others()
    assert step(others) == [(LOGS, None, False)]
    assert others.heard == [0]


def test_a_signal_to_any_worker_stops_all():
    others = Others()
    assert step(others, arrived=15) == [(LOGS, 15, False)] and others.heard == [15]
    assert step(Others(2)) == [(LOGS, 2, False)]


def test_a_callback_of_any_worker_stops_all():
    def stop(model):
        model.stop_training = True

    others = Others()
    assert step(others, stop) == [(LOGS, None, True)] and others.heard == [1]
    assert step(Others(1)) == [(LOGS, None, True)]


def test_a_failure_is_told_before_it_is_raised():
    def fail(model):
        raise OSError("no space left")

    others = Others()
    with pytest.raises(OSError, match="no space left"):
        step(others, fail, arrived=15)
    assert others.heard == [1000]
    with pytest.raises(UserError, match="another worker has failed: no memory left"):
        step(Others(1000), arrived=15)
