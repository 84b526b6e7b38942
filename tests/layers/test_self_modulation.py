import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import self_modulation, spectral_norm

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (5, 3, 4, 2))
Z = RNG.normal(size=(5, 7))


def randomised(layer):
    layer.build([(None, 3, 4, 2), (None, 7)])
    for variable in layer.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    return layer


def call(layer):
    return layer([tf.constant(X, tf.float32), tf.constant(Z, tf.float32)], training=True).numpy()


def modulated(gamma, beta):
    x = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 1e-5)
    return x * gamma[:, None, None] + beta[:, None, None]


def test_it_equals_numpy():
    layer = randomised(self_modulation(num_hidden=4))
    by_path = {v.path.split("/", 1)[1]: v.numpy() for v in layer.trainable_variables}
    hidden = np.maximum(Z @ by_path["hidden/kernel"] + by_path["hidden/bias"], 0.0)
    gamma = hidden @ by_path["gamma/kernel"] + by_path["gamma/bias"]
    beta = hidden @ by_path["beta/kernel"] + by_path["beta/bias"]
    np.testing.assert_allclose(call(layer), modulated(gamma, beta), atol=1e-4)


def test_without_hidden_units_gain_and_offset_are_linear_in_z():
    layer = randomised(self_modulation(num_hidden=0))
    gamma_map, gamma_bias, beta_map, beta_bias = (v.numpy() for v in layer.trainable_variables)
    expected = modulated(Z @ gamma_map + gamma_bias, Z @ beta_map + beta_bias)
    np.testing.assert_allclose(call(layer), expected, atol=1e-4)


def test_variables_and_their_start_are_compare_gans(golden):
    facts = golden("layers")["self_modulation"]
    layer = self_modulation()
    layer.build([(None, 4, 4, 256), (None, 128)])
    units = facts["num_hidden"]
    found = {v.path.split("/", 1)[1]: v for v in layer.trainable_variables}
    assert {name: tuple(v.shape) for name, v in found.items()} == {
        "hidden/kernel": (128, units),
        "hidden/bias": (units,),
        "gamma/kernel": (units, 256),
        "gamma/bias": (256,),
        "beta/kernel": (units, 256),
        "beta/bias": (256,),
    }
    np.testing.assert_array_equal(found["gamma/bias"], np.full(256, facts["gamma_bias"]))
    np.testing.assert_array_equal(found["beta/bias"], np.full(256, facts["beta_bias"]))
    np.testing.assert_array_equal(found["hidden/bias"], np.zeros(units))
    for name in ("hidden", "gamma", "beta"):
        assert found[f"{name}/kernel"].numpy().std() == pytest.approx(0.02, rel=0.05)


def test_spectral_norm_reaches_all_three_kernels():
    layer = self_modulation(kernel_norm=spectral_norm)
    call(layer)
    shapes = [tuple(v.shape) for v in layer.non_trainable_variables if v.name == "u"]
    assert sorted(shapes) == [(7,), (32,), (32,)]


def test_a_negative_number_of_units_is_refused():
    with pytest.raises(UserError, match="num_hidden is -1"):
        self_modulation(num_hidden=-1)
