import numpy as np
import tensorflow as tf

from compare_gan_tf.layers import pixel_norm


def test_it_equals_numpy():
    x = np.random.default_rng(0).normal(3.0, 2.0, (5, 3, 4, 6))
    expected = x / np.sqrt((x**2).mean(3, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixel_norm()(tf.constant(x, tf.float32)), expected, rtol=1e-5)


def test_a_pixel_of_zeros_stays_0():
    np.testing.assert_array_equal(pixel_norm()(tf.zeros([1, 2, 2, 3])), np.zeros((1, 2, 2, 3)))
