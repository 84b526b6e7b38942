import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.layers import BatchNorm, batch_statistics, frozen_state


@pytest.fixture
def images():
    return tf.random.stateless_normal([5, 3, 4, 2], [1, 2]) * 3.0 + 7.0


def test_training_pass_equals_compare_gans(golden):
    expected = golden("compare_gan")["batch_norm"]
    layer = BatchNorm(epsilon=expected["epsilon"])
    found = layer(tf.constant(expected["inputs"], tf.float32), training=True)
    np.testing.assert_allclose(tf.reshape(found, [8, 3]), expected["outputs"], atol=2e-6)


def test_moving_statistics_follow_the_biased_ones(images):
    layer = BatchNorm(momentum=0.9)
    for _ in range(2):
        layer(images, training=True)
    values = images.numpy().reshape(-1, 2).astype(np.float64)
    left = 0.9**2
    np.testing.assert_allclose(layer.moving_mean, (1 - left) * values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, left + (1 - left) * values.var(0), rtol=1e-5)


def test_inference_uses_the_moving_statistics_and_changes_nothing(images):
    layer = BatchNorm(epsilon=1e-5)
    layer(images, training=True)
    before = [v.numpy() for v in layer.variables]
    found = layer(images)
    gamma, beta, mean, variance = before
    expected = (images.numpy() - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_frozen_pass_normalises_by_the_batch_but_remembers_nothing(images):
    layer = BatchNorm()
    with frozen_state():
        found = layer(images, training=True)
    np.testing.assert_allclose(np.mean(found, axis=(0, 1, 2)), 0.0, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, [0.0, 0.0])


@pytest.mark.parametrize("shape", [(4096, 1), (64, 8, 8, 1)])
def test_large_offsets_do_not_ruin_the_variance(shape):
    inputs = tf.random.stateless_normal(shape, [1, 2]) + 3000.0
    found = BatchNorm()(inputs, training=True).numpy()
    assert found.std() == pytest.approx(1.0, abs=2e-2)


def test_tensorflows_operation_is_the_same_up_to_rounding(images, monkeypatch):
    """Outputs, moving statistics, first and second derivatives, beside those of single steps."""
    found = []
    for one_operation in (True, False):
        if not one_operation:
            monkeypatch.setattr(batch_statistics, "_fits_one_operation", lambda *_: False)
        layer = BatchNorm(momentum=0.0)
        layer.build(images.shape)
        layer.gamma.assign([0.5, 2.0])
        layer.beta.assign([-1.0, 0.3])
        weights = [layer.gamma.value, layer.beta.value]
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as inner:
                inner.watch([images, *weights])
                outputs = layer(images, training=True)
                total = tf.reduce_sum(tf.tanh(outputs) * images)
            first = inner.gradient(total, [images, *weights])
            slope = tf.reduce_sum(tf.square(first[0]))
        second = outer.gradient(slope, [images, *weights])
        found.append([outputs, *first, *second, layer.moving_mean, layer.moving_variance])
    for fused, single in zip(*found, strict=True):
        np.testing.assert_allclose(fused, single, rtol=2e-4, atol=2e-4)
