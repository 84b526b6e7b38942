import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.jacobian_conditioning import JacobianConditioning, jacobians

MATRIX = np.random.default_rng(0).normal(size=(5, 4 * 4 * 3)).astype(np.float32)


def latents(number, seed, dim=5):
    return np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)


def linear(z, labels):
    return tf.reshape(tf.matmul(z, MATRIX), [-1, 4, 4, 3])


def curved(z, labels):
    return tf.tanh(linear(z, labels) / 4.0)


def score(generate, own_latents=latents, labels=None, **settings):
    fake = Collected(generate=generate, latents=own_latents, labels=labels)
    return JacobianConditioning(**{"points": 6, **settings})(Collected(), fake)


def test_of_a_linear_generator_is_that_of_its_matrix():
    eigenvalues = np.linalg.eigvalsh(MATRIX.astype(np.float64) @ MATRIX.T.astype(np.float64))
    found = score(linear)
    expected = np.log(eigenvalues[-1] / eigenvalues[0])
    assert found["jacobian_log_condition"].value == pytest.approx(expected, rel=1e-5)
    assert found["jacobian_log_condition_std"].value == pytest.approx(0.0, abs=1e-6)


def test_the_jacobian_is_that_of_finite_differences():
    z = latents(2, 1)
    found = jacobians(curved, z)
    assert found.shape == (2, 48, 5)
    for column in range(5):
        step = np.zeros(5)
        step[column] = 1e-2
        sides = [np.asarray(curved((z + s * step).astype(np.float32), None)) for s in (1, -1)]
        slope = (sides[0] - sides[1]).reshape(2, -1) / 2e-2
        np.testing.assert_allclose(found[:, :, column], slope, atol=2e-4)


def test_a_generator_that_stretches_one_direction_is_worse_conditioned():
    def stretched(z, labels):
        return linear(z * [1.0, 1.0, 1.0, 1.0, 30.0], labels)

    change = (
        score(stretched)["jacobian_log_condition"].value
        - score(linear)["jacobian_log_condition"].value
    )
    assert change > 2 * np.log(30) - 3


def test_batches_do_not_matter_and_the_seed_does():
    first, again = score(curved), score(curved, batch_size=4)
    value = first["jacobian_log_condition"].value
    assert again["jacobian_log_condition"].value == pytest.approx(value, rel=1e-6)
    assert score(curved) == first
    assert score(curved, seed=1)["jacobian_log_condition"].value != value


def test_labels_are_those_of_the_fakes():
    def scaled(z, labels):
        return linear(z, None) * tf.reshape(tf.cast(labels, tf.float32), [-1, 1, 1, 1])

    found = score(scaled, labels=Rows.of(np.array([2], np.int32)))
    expected = score(linear)["jacobian_log_condition"].value
    assert found["jacobian_log_condition"].value == pytest.approx(expected, rel=1e-5)


def test_what_has_no_condition_number():
    with pytest.raises(UndefinedScore, match="has not rank 5 at 6 of 6"):
        score(lambda z, labels: linear(z * [1.0, 1.0, 1.0, 1.0, 0.0], labels))
    with pytest.raises(UndefinedScore, match="has not rank 5"):
        score(lambda z, labels: tf.zeros([len(z), 4, 4, 3]))
    with pytest.raises(UndefinedScore, match="cannot tell 5 latents"):
        score(lambda z, labels: linear(z, labels)[:, :1, :1])
    with pytest.raises(UndefinedScore, match="not finite"):
        score(lambda z, labels: linear(z * np.nan, labels))
    with pytest.raises(UserError, match="points is 1"):
        JacobianConditioning(points=1)
