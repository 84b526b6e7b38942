"""Who sets p: sequences worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.augment import ADA, APA, Adaptive, Chain, Constant, DiffAugment, Scheduled
from compare_gan_tf.errors import UserError


def alone(values):
    return values


def twice(values):
    """As on two replicas that see the same."""
    return tf.concat([values, values], 0)


def run(controller, logits, gather=alone):
    found = []
    for row in logits:
        controller.update(tf.constant(row, tf.float32), gather)
        found.append(float(controller.p.value))
    return found


def test_p_moves_by_the_reals_seen_over_the_speed_towards_the_target():
    controller = Adaptive(target=0.6, speed=100, interval=2)
    logits = [
        [1, 2, 3, 4],
        [5, 1, 1, -1],  # mean sign 6 / 8 > 0.6: up by 8 / 100
        [3, 3, 3, 3],
        [2, 2, 2, 2],  # 1 > 0.6: up
        [9, 9, 9, -1],
        [1, 1, 1, -9],  # 4 / 8 < 0.6: down
    ]
    np.testing.assert_allclose(
        run(controller, logits), [0, 0.08, 0.08, 0.16, 0.16, 0.08], rtol=1e-5
    )


def test_p_stays_within_its_bounds():
    falling = run(Adaptive(speed=10, interval=1, p=0.3), [[-1, -1]] * 3)
    np.testing.assert_allclose(falling, [0.1, 0, 0], atol=1e-6)
    rising = run(Adaptive(speed=10, interval=1, p=0.7), [[1, 1]] * 3)
    np.testing.assert_allclose(rising, [0.9, 1, 1], rtol=1e-6)


def test_p_stays_where_the_signs_are_on_the_target():
    assert run(Adaptive(target=0.5, speed=10, interval=1, p=0.25), [[1, 1, 1, -1]]) == [0.25]


def test_the_defaults_are_those_of_the_paper():
    controller = Adaptive()
    logits = [[1.0] * 64] * 8
    expected = [0, 0, 0, 256 / 5e5] + [256 / 5e5] * 3 + [512 / 5e5]
    np.testing.assert_allclose(run(controller, logits), expected, rtol=1e-6)


def test_all_replicas_reals_count():
    found = run(Adaptive(speed=100, interval=1), [[1, 1]], twice)
    np.testing.assert_allclose(found, [0.04], rtol=1e-6)


def test_a_schedule_is_followed_and_kept_in_bounds():
    line = keras.optimizers.schedules.PolynomialDecay(0.1, 4, 0.5)
    np.testing.assert_allclose(run(Scheduled(line), [[0.0]] * 5), [0.2, 0.3, 0.4, 0.5, 0.5])
    assert run(Scheduled(lambda updates: 0.5 * updates), [[0.0]] * 3) == [0.5, 1.0, 1.0]


@pytest.mark.parametrize("make", [ADA, APA, lambda **settings: Chain([ADA(**settings)])])
def test_a_schedule_runs_over_training_steps_however_many_updates_each_has(make):
    controller = Scheduled(lambda steps: 0.25 * steps)
    make(controller=controller).count_training_steps(2)
    assert run(controller, [[0.0]] * 5) == [0.0, 0.25, 0.25, 0.5, 0.5]


def test_a_constant_stays():
    assert run(Constant(0.25), [[1.0]] * 2) == [0.25, 0.25]


def test_state_goes_through_a_checkpoint_and_no_weight_trains(tmp_path):
    layer, other = (ADA(controller=Adaptive(speed=100, interval=2)) for _ in range(2))
    run(layer.controller, [[1.0, 1.0]] * 3)
    assert not layer.trainable_variables
    assert len(layer.non_trainable_variables) == 4
    path = tf.train.Checkpoint(layer).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(other).read(path).assert_consumed()
    np.testing.assert_allclose(
        run(other.controller, [[1.0, -1.0]]), run(layer.controller, [[1.0, -1.0]])
    )
    assert float(other.controller.p.value) == np.float32(0.0)  # 2 of 4 signs: below the target


@pytest.mark.parametrize("make", [ADA, APA, lambda **settings: Chain([APA(**settings)])])
def test_augmentations_hand_their_logits_on(make):
    controller = Adaptive(speed=100, interval=1)
    layer = make(controller=controller)
    layer.update(tf.ones([3]), twice)
    np.testing.assert_allclose(float(controller.p.value), 0.06, rtol=1e-6)


def test_diffaugment_has_no_state():
    assert not DiffAugment().variables


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adaptive(target=1.0), "Adaptive.target is 1.0"),
        (lambda: Adaptive(speed=0.0), "Adaptive.speed is 0.0"),
        (lambda: Adaptive(interval=0), "Adaptive.interval is 0"),
        (lambda: Adaptive(p=1.5), "Adaptive.p is 1.5"),
        (lambda: Constant(-0.1), "Constant.p is -0.1"),
        (lambda: Scheduled(lambda updates: -1.0), "Scheduled.p is -1.0"),
        (lambda: Scheduled(0.3), "Scheduled.schedule is 0.3.*linear_decay"),
        (lambda: APA(controller=0.3), "APA.controller is 0.3.*Adaptive"),
    ],
)
def test_bad_settings_are_refused_with_their_value(make, message):
    with pytest.raises(UserError, match=message):
        make()
