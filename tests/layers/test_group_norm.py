"""Group, layer and instance normalisation, which differ in what they average over."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import group_norm, instance_norm, layer_norm

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (5, 3, 4, 6))
GAMMA, BETA = RNG.normal(size=(2, 6))


def call(layer, x=X):
    layer.build(x.shape)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    return layer(tf.constant(x, tf.float32)).numpy()


def standardised(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_layer_norm_averages_over_positions_and_channels():
    expected = standardised(X, (1, 2, 3), 1e-12) * GAMMA + BETA
    np.testing.assert_allclose(call(layer_norm()), expected, atol=1e-5)


def test_instance_norm_averages_over_positions():
    expected = standardised(X, (1, 2), 0.1) * GAMMA + BETA
    np.testing.assert_allclose(call(instance_norm(epsilon=0.1)), expected, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_averages_over_positions_and_neighbouring_channels(groups):
    parts = np.split(X, groups, axis=3)
    parts = [standardised(part, (1, 2, 3), 1e-5) for part in parts]
    expected = np.concatenate(parts, 3) * GAMMA + BETA
    np.testing.assert_allclose(call(group_norm(groups=groups)), expected, atol=1e-5)


def test_group_norm_equals_keras():
    theirs = keras.layers.GroupNormalization(3, epsilon=1e-5)
    theirs.build(X.shape)
    theirs.gamma.assign(GAMMA)
    theirs.beta.assign(BETA)
    np.testing.assert_allclose(call(group_norm(groups=3)), theirs(X), atol=1e-5)


def test_flat_vectors_have_one_position():
    x = X[:, 0, 0]
    expected = standardised(x, (1,), 1e-12) * GAMMA + BETA
    np.testing.assert_allclose(call(layer_norm(), x), expected, atol=1e-5)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(UserError, match="groups is 32.*48 channels at 'norm1': use 16"):
        group_norm(name="norm1").build((None, 4, 4, 48))
    with pytest.raises(UserError, match="groups is 0"):
        group_norm(groups=0)


def test_groups_of_one_value_are_refused():
    with pytest.raises(UserError, match=r"GroupNorm.*\(1, 1, 6\) has one value"):
        group_norm(groups=6).build((None, 1, 1, 6))


def test_large_offsets_do_not_ruin_the_variance():
    found = layer_norm()(tf.constant(X + 3000.0, tf.float32)).numpy()
    np.testing.assert_allclose(found, standardised(X, (1, 2, 3), 0.0), atol=1e-3)
