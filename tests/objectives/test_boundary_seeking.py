import functools

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import boundary_seeking, f_gan, losses
from compare_gan_tf.objectives.losses import require_log_ratios


def test_distances_equal_the_golden(golden):
    case = golden("seeds")["boundary"]
    ratios = tf.constant(case["log_ratios"], tf.float64)
    squared = boundary_seeking.squared(ratios).numpy()
    np.testing.assert_allclose(squared, case["squared"], atol=1e-12)
    np.testing.assert_allclose(2.0 * boundary_seeking.half_squared(ratios), squared)
    entropy = boundary_seeking.cross_entropy(ratios)
    np.testing.assert_allclose(entropy, case["cross_entropy"], atol=1e-7)


@pytest.mark.parametrize(
    "distance",
    [boundary_seeking.squared, boundary_seeking.half_squared, boundary_seeking.cross_entropy],
)
def test_the_gradient_changes_its_sign_on_the_boundary(distance):
    ratios = tf.Variable([-1e-3, 0.0, 1e-3], dtype=tf.float64)
    with tf.GradientTape() as tape:
        values = distance(ratios)
    assert np.sign(tape.gradient(values, ratios).numpy()).tolist() == [-1.0, 0.0, 1.0]


def test_log_z_follows_the_fakes():
    log_z = tf.Variable(0.5)
    ratios = np.array([-1.0, 0.3, 2.0])
    boundary_seeking.follow_log_z(log_z, 0.9, tf.constant(ratios, tf.float32))
    expected = 0.9 * 0.5 + 0.1 * np.log(np.mean(np.exp(ratios)))
    assert float(log_z) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "loss", [losses.non_saturating, losses.minimax, losses.least_squares_on_probabilities]
)
def test_probabilities_that_are_best_at_the_share_of_data_are_log_ratios(loss):
    require_log_ratios("loss", loss)


@pytest.mark.parametrize(
    "loss",
    [
        losses.hinge,
        losses.wasserstein,
        losses.least_squares,
        f_gan.f_gan,
        functools.partial(losses.non_saturating, label_smoothing=0.1),
        lambda real, fake: losses.Losses(tf.exp(real), -tf.exp(-fake), fake),  # largest there
        lambda real, fake: losses.Losses(tf.zeros_like(real), fake, fake),
    ],
)
def test_losses_without_log_ratios_are_refused(loss):
    with pytest.raises(UserError, match="BoundarySeeking.loss is .*: its best logits are not"):
        boundary_seeking.BoundarySeeking(loss)


def test_a_decay_out_of_range_is_refused():
    with pytest.raises(UserError, match=r"BoundarySeeking.log_z_decay is 1.0"):
        boundary_seeking.BoundarySeeking(log_z_decay=1.0)
