"""When a training hears a signal: before its first step, between two steps, and after the last."""

import signal
import types

import pytest

from compare_gan_tf.errors import Stopped
from compare_gan_tf.training import callbacks

LAST = 3
ONE = types.SimpleNamespace(number=1, together=lambda work: work())


class Saver:
    """Notes at which steps a checkpoint is saved."""

    newest = "none"

    def __init__(self, model):
        self.model, self.steps = model, []

    def save_later(self, background):
        self.steps.append(self.model.current_step)


@pytest.fixture
def heard():
    """The signals that the handlers of before have heard."""
    numbers, found = (signal.SIGTERM, signal.SIGINT), []
    before = {one: signal.signal(one, lambda number, _: found.append(number)) for one in numbers}
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def training(heard):
    failure = types.SimpleNamespace(of=lambda logs: None)
    model = types.SimpleNamespace(current_step=0, stop_training=False, first_failure=failure)
    waits = types.SimpleNamespace(wait=lambda: None)
    found = callbacks.SaveCheckpoints(Saver(model), waits, ONE, every=10, last_step=LAST)
    found._model = model
    found.on_train_begin()
    yield found
    found.arrived = None
    found.close()


def step(training):
    training.model.current_step += 1
    training.on_train_batch_end(0, {})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_before_the_first_step_it_is_not_waited_for_its_end(training, heard, number):
    signal.raise_signal(number)
    assert heard == [number]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_between_two_steps_a_checkpoint_is_saved_first(training, heard, number):
    step(training)
    signal.raise_signal(number)
    with pytest.raises(Stopped) as stopped:
        step(training)
    assert (stopped.value.step, stopped.value.signal_number) == (2, number)
    assert training._checkpoints.steps == [0, 2]
    training.close()
    assert heard == []


def test_in_the_last_step_it_is_not_lost_for_what_comes_after_the_training(training, heard):
    """Such as an evaluation of hours."""
    for _ in range(LAST - 1):
        step(training)
    signal.raise_signal(signal.SIGTERM)
    step(training)
    assert training._checkpoints.steps == [0, LAST] and heard == []
    training.close()
    assert heard == [signal.SIGTERM]
