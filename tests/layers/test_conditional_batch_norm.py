import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import attention, conditional_batch_norm, not_averaged, spectral_norm

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (5, 3, 4, 2))
LABELS = RNG.normal(size=(5, 3))


def call(layer, training=True):
    x, labels = (tf.constant(value, tf.float32) for value in (X, LABELS))
    return layer([x, labels], training=training).numpy()


def standardised(x):
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)


@pytest.mark.parametrize("centred", [True, False])
def test_it_equals_numpy(centred):
    layer = conditional_batch_norm(centred=centred)
    found = call(layer)
    gamma_map, beta_map = (v.numpy().astype(np.float64) for v in layer.trainable_variables)
    gamma = (LABELS @ gamma_map + (1.0 if centred else 0.0))[:, None, None]
    beta = (LABELS @ beta_map)[:, None, None]
    np.testing.assert_allclose(found, standardised(X) * gamma + beta, atol=1e-5)


def test_the_moving_statistics_are_batch_norms():
    layer = conditional_batch_norm(momentum=0.5, centred=False)
    call(layer)
    np.testing.assert_allclose(layer.moving_mean, 0.5 * X.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.5 + 0.5 * X.var((0, 1, 2)), rtol=1e-5)
    gamma_map, beta_map = (v.numpy() for v in layer.trainable_variables)
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    expected = (X - mean) / np.sqrt(variance + 1e-5) * (LABELS @ gamma_map)[:, None, None]
    expected += (LABELS @ beta_map)[:, None, None]
    np.testing.assert_allclose(call(layer, training=False), expected, atol=1e-5)


def test_centred_it_starts_near_batch_norm_and_uncentred_near_0():
    assert np.std(call(conditional_batch_norm())) == pytest.approx(1.0, abs=0.1)
    assert np.std(call(conditional_batch_norm(centred=False))) < 0.15


def test_kernels_are_normal_with_deviation_0_02_and_biases_0():
    layer = conditional_batch_norm(use_bias=True)
    layer.build([(None, 2, 2, 300), (None, 100)])
    gamma, gamma_bias, beta, beta_bias = (v.numpy() for v in layer.trainable_variables)
    for kernel in (gamma, beta):
        assert kernel.shape == (100, 300)
        assert kernel.std() == pytest.approx(0.02, rel=0.03)
    assert not gamma_bias.any() and not beta_bias.any()


def test_spectral_norm_reaches_both_kernels():
    layer = conditional_batch_norm(kernel_norm=spectral_norm)
    for _ in range(100):
        found = call(layer)
    gamma_map, beta_map = (v.numpy().astype(np.float64) for v in layer.trainable_variables)
    gamma, beta = (
        (LABELS @ kernel / np.linalg.norm(kernel, 2))[:, None, None]
        for kernel in (gamma_map, beta_map)
    )
    np.testing.assert_allclose(found, standardised(X) * (1 + gamma) + beta, atol=1e-4)


def test_an_average_of_weights_can_tell_which_to_copy():
    x, labels = keras.Input((2, 2, 8)), keras.Input((3,))
    layer = conditional_batch_norm(kernel_norm=spectral_norm)
    model = keras.Model([x, labels], layer([x, labels]))
    assert {id(v) for v in not_averaged(model)} == {id(layer.to_gamma.u), id(layer.to_beta.u)}


def test_biggans_generator_has_compare_gans_number_of_weights(golden):
    """Its norms and its attention are made here, the rest is counted by hand."""
    facts = golden("layers")["biggan128"]
    channels, condition = facts["channels"], facts["condition"]
    first = 16 * channels[0]
    trained = facts["classes"] * facts["embedding"] + (facts["latent_chunk"] + 1) * first
    not_trained = facts["latent_chunk"]
    for before, after in zip(channels, channels[1:], strict=False):
        trained += (9 * before + 1) * after + (9 * after + 1) * after + (before + 1) * after
        not_trained += 9 * before + 9 * after + before
        for width in (before, after):
            layer = conditional_batch_norm(kernel_norm=spectral_norm)
            layer.build([(None, 4, 4, width), (None, condition)])
            trained += layer.count_params() - (unseen := count(layer.non_trainable_variables))
            not_trained += unseen
    size, width = (facts["attention"][key] for key in ("size", "channels"))
    x = keras.Input((size, size, width))
    block = keras.Model(x, attention(x, kernel_norm=spectral_norm))
    trained += count(block.trainable_variables) + 2 * channels[-1] + 27 * channels[-1] + 3
    not_trained += count(block.non_trainable_variables) + 2 * channels[-1] + 9 * channels[-1]
    assert trained == facts["generator"]
    assert not_trained == facts["not_trained"]


def count(variables):
    return sum(int(np.prod(v.shape)) for v in variables)


@pytest.mark.parametrize("momentum", [-0.1, 1.5])
def test_a_momentum_outside_0_to_1_is_refused(momentum):
    with pytest.raises(UserError, match=f"conditional_batch_norm.momentum is {momentum}"):
        conditional_batch_norm(momentum=momentum)
