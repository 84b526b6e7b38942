import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import SpectralNorm, frozen_state


def dense(kernel, **settings):
    kernel = np.asarray(kernel, np.float32)
    layer = SpectralNorm(keras.layers.Dense(kernel.shape[1], use_bias=False), **settings)
    layer.build((None, kernel.shape[0]))
    layer.layer.kernel.assign(kernel)
    layer.u.assign(np.ones(layer.u.shape))
    return layer


def sigma(layer, **call):
    kernel = layer.layer.kernel.numpy()
    used = layer(tf.eye(kernel.shape[0]), **call).numpy()
    return float(np.mean(kernel / used))


@pytest.mark.parametrize("vector", ["left", "right"])
def test_first_two_passes_equal_compare_gans(golden, vector):
    expected = golden("compare_gan")["spectral_norm"]
    layer = dense(expected["kernel"], vector=vector)
    assert sigma(layer, training=True) == pytest.approx(expected[vector]["sigma"][0], abs=1e-5)
    np.testing.assert_allclose(layer.u.numpy(), expected[vector]["u"], atol=1e-6)
    assert sigma(layer, training=True) == pytest.approx(expected[vector]["sigma"][1], abs=1e-5)


def test_sigma_becomes_the_largest_singular_value():
    kernel = np.random.default_rng(0).normal(size=(20, 7))
    layer = dense(kernel)
    for _ in range(200):
        sigma(layer, training=True)
    assert sigma(layer) == pytest.approx(np.linalg.svd(kernel)[1][0], rel=1e-4)


def test_the_pass_changes_neither_the_kernel_nor_in_inference_the_state():
    layer = dense([[1, 2, 3], [4, 5, 6]])
    layer(tf.eye(2), training=True)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), [[1, 2, 3], [4, 5, 6]])
    before = layer.u.numpy()
    layer(tf.eye(2))
    with frozen_state():
        layer(tf.eye(2), training=True)
    np.testing.assert_array_equal(layer.u.numpy(), before)


def test_gradient_flows_through_sigma():
    """With u, v constant, d(W / sigma) has -W u v^T / sigma^2: compared with numpy."""
    kernel = np.random.default_rng(2).normal(size=(4, 3))
    layer = dense(kernel)
    for _ in range(100):
        layer(tf.eye(4), training=True)
    weights = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(tf.eye(4)) * weights)
    (gradient,) = tape.gradient(value, layer.trainable_variables)
    left, values, right = np.linalg.svd(kernel)
    largest = values[0]
    expected = weights / largest - np.sum(weights * kernel) / largest**2 * np.outer(
        left[:, 0], right[0]
    )
    np.testing.assert_allclose(gradient, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("vector", "shape", "length"),
    [("left", (6, 2), 6), ("right", (6, 2), 2), ("auto", (6, 2), 2), ("auto", (2, 6), 2)],
)
def test_length_of_the_stored_vector(vector, shape, length):
    assert dense(np.ones(shape), vector=vector).u.shape == (length,)


def test_convolution_kernels_are_matrices_with_the_last_axis_as_columns():
    layer = SpectralNorm(keras.layers.Conv2D(5, 3, use_bias=False, padding="same"))
    images = tf.random.stateless_normal([2, 6, 6, 4], [1, 2])
    for _ in range(300):
        layer(images, training=True)
    kernel = layer.layer.kernel.numpy()
    largest = np.linalg.svd(kernel.reshape(-1, 5))[1][0]
    expected = tf.nn.conv2d(images, kernel / largest, 1, "SAME")
    np.testing.assert_allclose(layer(images), expected, atol=1e-3 * np.abs(expected).max())


def test_more_iterations_come_closer():
    kernel = np.random.default_rng(5).normal(size=(30, 30))
    largest = np.linalg.svd(kernel)[1][0]
    once, often = (sigma(dense(kernel, iterations=n), training=True) for n in (1, 50))
    assert largest - often < 0.2 * (largest - once)


def test_an_unknown_vector_is_refused():
    with pytest.raises(UserError, match="'top'.*left"):
        SpectralNorm(keras.layers.Dense(1), vector="top")


def test_it_survives_saving(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, SpectralNorm(keras.layers.Dense(3), vector="right")(inputs))
    model(tf.ones([1, 4]), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(tf.ones([1, 4])), model(tf.ones([1, 4])))


@pytest.mark.parametrize("vector", ["left", "right"])
@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_n_iterations_are_n_of_algorithm_1(vector, iterations):
    """One pass against numpy: v <- W^T u / |W^T u|, u <- W v / |W v|, n times; sigma = u W v."""
    kernel = np.random.default_rng(6).normal(size=(7, 4))
    matrix = kernel if vector == "left" else kernel.T
    u = np.ones(len(matrix))
    for _ in range(iterations):
        v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
        u = matrix @ v / np.linalg.norm(matrix @ v)
    layer = dense(kernel, vector=vector, iterations=iterations)
    assert sigma(layer, training=True) == pytest.approx(u @ matrix @ v, rel=1e-5)
    np.testing.assert_allclose(layer.u.numpy(), u, atol=1e-6)


def test_less_than_one_iteration_is_refused():
    with pytest.raises(UserError, match="iterations is 0"):
        SpectralNorm(keras.layers.Dense(1), iterations=0)
