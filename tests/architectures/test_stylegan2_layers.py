"""StyleGAN2's layers against float64, and what they do in training, inference and parts."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_layers import TOLERANCE, draw
from numpy_stylegan2 import downsampled, leaky, minibatch_std, modulated

from compare_gan_tf.architectures import equalized
from compare_gan_tf.architectures.minibatch_std import MinibatchStd
from compare_gan_tf.architectures.stylegan2_layers import (
    AddedNoise,
    LearnedConstant,
    SecondLatents,
    Styles,
)
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import dtype_policy, frozen_state
from compare_gan_tf.layers.state import views_of_pass


def kernel_of(layer):
    kernel = np.asarray(layer.kernel, np.float64)
    return kernel / np.sqrt(np.prod(kernel.shape[:-1]))


@pytest.mark.parametrize(("up", "demodulate"), [(False, True), (True, True), (False, False)])
def test_modulated_convolutions_have_the_kernels_of_equations_1_and_3(up, demodulate):
    x, styles = draw(3, 4, 6, 5), 10 * draw(3, 5)
    layer = equalized.ModulatedConv2D(7, 3, up, demodulate, dtype="float64")
    found = layer([x, styles])
    layer.bias.assign(draw(7))
    biased = layer([x, styles])
    expected = modulated(x, styles, kernel_of(layer), up=up, demodulate=demodulate)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(biased, expected + draw(7), rtol=1e-10, atol=1e-12)
    assert layer.compute_output_shape([x.shape, styles.shape]) == found.shape


def test_demodulation_gives_unit_variance_for_inputs_of_unit_variance():
    """The kernel of each output has length 1, section 2.2; within 5 sigma."""
    rng = np.random.default_rng(0)
    x, styles = rng.normal(size=(4, 32, 32, 16)), 3 + rng.normal(size=(4, 16))
    found = equalized.ModulatedConv2D(64, 3, dtype="float64")([x, styles])[:, 1:-1, 1:-1]
    assert np.var(found) == pytest.approx(1.0, rel=0.05)


def test_large_styles_do_not_overflow_in_float16():
    x, styles = draw(2, 4, 4, 5), 6e4 * draw(2, 5)
    layer = equalized.ModulatedConv2D(7, 3, dtype="mixed_float16")
    found = layer([tf.constant(1e3 * x, tf.float16), tf.constant(styles, tf.float16)])
    expected = modulated(1e3 * x, styles, kernel_of(layer))
    assert found.dtype == tf.float16
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=3.0)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_downsampling_is_a_filter_then_every_second_pixel_of_a_convolution(kernel_size):
    x = draw(2, 6, 8, 5)
    layer = equalized.EqualizedConv2D(3, kernel_size, down=True, dtype="float64")
    found = layer(x)
    expected = downsampled(x, kernel_of(layer))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert layer.compute_output_shape(x.shape) == found.shape


def test_constant_maps_keep_their_value_through_the_filters():
    x = tf.ones([1, 8, 8, 1], tf.float64)
    np.testing.assert_allclose(equalized.filtered(x, (1, 1))[:, 1:-1, 1:-1], 1.0, rtol=1e-12)


def test_equalised_kernels_start_at_one_and_learn_at_their_rate():
    """W ~ N(0, 1 / rate^2), used times rate / sqrt(c): the same function for any rate."""
    for rate in (1.0, 0.01):
        keras.utils.set_random_seed(1)
        layer = equalized.EqualizedDense(300, rate, dtype="float64")
        x = draw(2, 200)
        found = layer(x)
        kernel = np.asarray(layer.kernel)
        assert kernel.std() * rate == pytest.approx(1.0, rel=0.02)
        np.testing.assert_allclose(found, x @ (kernel * rate / 200**0.5), rtol=1e-10)
        layer.bias.assign(np.full(300, 3.0))
        np.testing.assert_allclose(layer(x) - found, 3.0 * rate, rtol=1e-8)


def test_the_leaky_relu_keeps_the_second_moment_and_is_cut_in_float16_alone():
    x = np.array([-1000.0, -1.0, 2.0, 1000.0])
    np.testing.assert_allclose(equalized.ScaledLeakyReLU(dtype="float64")(x), leaky(x))
    low = equalized.ScaledLeakyReLU(dtype="float16")(x)
    np.testing.assert_allclose(low, np.clip(leaky(x), -256, 256), rtol=1e-3)


# Minibatch standard deviation


def std_layer(**settings):
    layer = MinibatchStd(dtype="float64", **settings)
    layer.build((None, 2, 3, 4))
    return layer


@pytest.mark.parametrize("group", [1, 2, 4, 8])
def test_minibatch_std_is_that_of_groups_of_neighbours(group):
    x = draw(8, 2, 3, 4)
    found = std_layer(group_size=group)(x, training=True)
    np.testing.assert_allclose(found, minibatch_std(x, group), rtol=1e-10)
    few = std_layer(group_size=64)(x, training=True)
    np.testing.assert_allclose(few, minibatch_std(x, 8), rtol=1e-10)


def test_minibatch_std_has_a_map_for_each_part_of_the_channels():
    x = draw(4, 2, 3, 4)
    found = std_layer(features=2)(x, training=True)
    for part in range(2):
        one = minibatch_std(x[..., 2 * part : 2 * part + 2], 4)[..., -1]
        np.testing.assert_allclose(found[..., 4 + part], one, rtol=1e-10)


def in_replica(monkeypatch, number, replica):
    context = types.SimpleNamespace(
        num_replicas_in_sync=number, replica_id_in_sync_group=tf.constant(replica)
    )
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)


def test_groups_hold_samples_of_one_view_and_are_the_same_on_two_replicas(monkeypatch):
    real, fake = draw(8, 2, 3, 4), 5 * draw(8, 2, 3, 4) ** 2

    def found(number, replica):
        in_replica(monkeypatch, number, replica)
        size = 8 // number
        rows = slice(replica * size, (replica + 1) * size)
        with frozen_state(), views_of_pass([size, size]):
            both = std_layer()(np.concatenate([real[rows], fake[rows]]), training=True)
        return np.split(both, 2)

    whole = found(1, 0)
    for view, x in zip(whole, (real, fake), strict=True):
        np.testing.assert_allclose(view, minibatch_std(x, 4), rtol=1e-10)
    parts = [found(2, replica) for replica in range(2)]
    for view, expected in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[view] for part in parts]), expected)


def test_groups_over_the_border_of_two_replicas_are_refused(monkeypatch):
    in_replica(monkeypatch, 4, 1)
    with pytest.raises(UserError, match="groups of 4 samples, which do not divide the 2"):
        std_layer()(draw(2, 2, 3, 4), training=True)


def test_in_inference_the_std_is_its_moving_average():
    layer, x = std_layer(momentum=0.75), draw(4, 2, 3, 4)
    with frozen_state():
        layer(x, training=True)
    np.testing.assert_array_equal(layer(x)[..., 4], 0.0)
    layer(x, training=True)
    expected = 0.25 * minibatch_std(x, 4)[..., 4].mean()
    np.testing.assert_allclose(layer(x[:1])[..., 4], expected, rtol=1e-6)
    np.testing.assert_array_equal(layer(x)[..., :4], x)


# Noise and styles


@pytest.mark.parametrize("replicas", [2, 4])
def test_noise_does_not_depend_on_the_number_of_replicas(monkeypatch, replicas):
    layer = AddedNoise(seed=1)
    layer.build((None, 3, 2, 5))
    layer.strength.assign(2.0)

    def noise(number, replica):
        in_replica(monkeypatch, number, replica)
        with frozen_state():
            return layer(tf.zeros([8 // number, 3, 2, 5]), training=True).numpy()

    whole = noise(1, 0)
    parts = [noise(replicas, replica) for replica in range(replicas)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_noise_is_normal_new_in_each_update_and_one_map_in_inference():
    layer = AddedNoise(seed=1)
    x = tf.zeros([50, 16, 16, 2])
    assert not np.any(layer(x, training=True))  # the strength is 0 at first
    layer.strength.assign(2.0)
    found = [layer(x, training=True).numpy() for _ in range(2)]
    for one in found:
        np.testing.assert_array_equal(one[..., 0], one[..., 1])
        assert abs(one.mean()) < 5 * 2 / 12800**0.5
        assert one.std() == pytest.approx(2.0, rel=5 / (2 * 12800) ** 0.5)
    assert abs(np.corrcoef(found[0][..., 0].ravel(), found[1][..., 0].ravel())[0, 1]) < 0.05
    still = layer(x).numpy()
    np.testing.assert_array_equal(still, np.broadcast_to(still[:1], still.shape))
    np.testing.assert_array_equal(layer(x[:1]), still[:1])


def test_a_mixed_sample_has_the_second_w_from_some_layer_on():
    layer, number = Styles(5, 0.75, seed=3), 4000
    first, second = np.zeros((number, 2)), np.ones((number, 2))
    styles = layer(np.concatenate([first, second]).astype(np.float32), training=True)
    table = np.array(styles)[:, :, 0].T  # [n, layers]
    assert np.all(np.diff(table) >= 0)
    starts, counts = np.unique(table.sum(1), return_counts=True)
    np.testing.assert_array_equal(starts, range(5))  # none, or from the second to the last layer
    expected = number * np.array([0.25, *4 * [0.75 / 4]])
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected))


def test_the_average_of_w_follows_the_first_ones_and_truncation_is_towards_it():
    layer = Styles(4, 1.0, truncation=0.5, cutoff=3, momentum=0.9, seed=0)
    w = draw(6, 2).astype(np.float32)
    with frozen_state():
        layer(w, training=True)
    assert not np.any(layer.average)
    layer(w, training=True)
    average = 0.1 * w[:3].mean(0)
    np.testing.assert_allclose(layer.average, average, rtol=1e-5)
    styles = layer(w)
    for index in range(3):
        np.testing.assert_allclose(styles[index], average + 0.5 * (w - average), **TOLERANCE)
    np.testing.assert_array_equal(styles[3], w)


def test_second_latents_are_there_in_training_alone():
    layer, z = SecondLatents(seed=5), tf.ones([500, 8])
    np.testing.assert_array_equal(layer(z), z)
    found = layer(z, training=True).numpy()
    np.testing.assert_array_equal(found[:500], z)
    assert abs(found[500:].mean()) < 5 / 4000**0.5
    assert found[500:].std() == pytest.approx(1.0, rel=5 / 8000**0.5)


@pytest.mark.parametrize(
    "layer",
    [
        equalized.EqualizedDense(3, 0.1, "ones"),
        equalized.ScaledLeakyReLU(),
        LearnedConstant(4, 3),
        SecondLatents(seed=1),
        Styles(3, 0.5, 0.7, 2, 0.9, seed=1),
    ],
)
def test_layers_of_vectors_are_rebuilt_from_their_configuration(layer):
    x = draw(4, 6).astype(np.float32)
    again = type(layer).from_config(layer.get_config())
    for one in (layer, again):
        one.build(x.shape)
    again.set_weights(layer.get_weights())
    for training in {False, isinstance(layer, SecondLatents | Styles)}:
        arguments = {"training": training} if training else {}
        found, expected = (tf.nest.flatten(one(x, **arguments)) for one in (again, layer))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_layers_take_the_precision_of_their_policy():
    with dtype_policy("mixed_bfloat16"):
        x, styles = tf.ones([4, 4, 4, 6]), tf.ones([4, 6])
        for found in (
            equalized.ModulatedConv2D(2, 3, up=True)([x, styles]),
            equalized.EqualizedConv2D(2, 3, down=True)(x),
            AddedNoise()(x, training=True),
            MinibatchStd()(x, training=True),
        ):
            assert found.dtype == tf.bfloat16
