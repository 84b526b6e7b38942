import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.optimizers import schedules

MADE = {
    "linear": (schedules.linear_decay(start=2.0, end=1.0, steps=4, delay=2), [2, 2, 1.5, 1, 1]),
    "cosine": (
        schedules.cosine_decay(start=0.0, end=0.6, steps=6),
        [0.0, 0.3 * (1 - np.cos(np.pi / 3)), 0.3 * (1 - np.cos(4 * np.pi / 6)), 0.6, 0.6],
    ),
    "inverse_root": (
        schedules.inverse_root_decay(start=3.0, steps=2, warm_up=4),
        [0.0, 1.5, 3.0 / 2**0.5, 3.0 / 3**0.5, 1.5],
    ),
    "exponential": (
        schedules.exponential_decay(start=1.0, rate=0.25, steps=4, floor=0.1),
        [1.0, 0.5, 0.25, 0.125, 0.1],
    ),
    "staircase": (
        schedules.exponential_decay(start=1.0, rate=0.5, steps=4, staircase=True),
        [1.0, 1.0, 0.5, 0.5, 0.25],
    ),
    "piecewise": (
        schedules.piecewise_constant(boundaries=[2, 5], values=[3.0, 2.0, 1.0]),
        [3.0, 3.0, 2.0, 1.0, 1.0],
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_values_at_steps(name):
    schedule, expected = MADE[name]
    for step, value in zip((0, 2, 4, 6, 8), expected, strict=True):
        for given in (step, tf.constant(step, tf.int64)):
            assert float(schedule(given)) == pytest.approx(value, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", MADE)
def test_schedules_are_remade_from_their_configs(name):
    schedule, _ = MADE[name]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.linear_decay(start=1.0, steps=0), "LinearDecay.steps is 0"),
        (lambda: schedules.cosine_decay(start=1.0, steps=5, delay=-1), "CosineDecay.delay is -1"),
        (lambda: schedules.exponential_decay(start=1.0, rate=0.0, steps=5), "rate is 0.0"),
        (lambda: schedules.inverse_root_decay(start=1.0, steps=0), "InverseRootDecay.steps is 0"),
        (lambda: schedules.linear_decay(start=-1.0, steps=5), "LinearDecay.start is -1.0"),
        (lambda: schedules.cosine_decay(start=1.0, end=-1.0, steps=5), "CosineDecay.end is -1.0"),
        (lambda: schedules.exponential_decay(start=-1.0, rate=0.5, steps=5), "start is -1.0"),
        (lambda: schedules.piecewise_constant(boundaries=[1], values=[1.0, -1.0]), "one is -1.0"),
        (
            lambda: schedules.piecewise_constant(boundaries=[1], values=[1.0]),
            "it must have one more",
        ),
    ],
)
def test_settings_that_make_no_schedule_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
