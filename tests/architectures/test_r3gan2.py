"""R3GAN2: numbers of parameters, magnitudes, and weights that are normalised."""

import numpy as np
import pytest
import tensorflow as tf
from parameter_counts import counted

from compare_gan_tf.architectures import r3gan2
from compare_gan_tf.architectures import r3gan2_layers as layers
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.state import frozen_state
from compare_gan_tf.optimizers import adam

SMALL = {"width": 16, "depth": 2, "group_width": 8}
RNG = np.random.default_rng(0)


def test_the_players_have_the_authors_numbers_of_parameters(golden):
    row = golden("r3gan2")
    shape = (row["side"], row["side"], 3)
    found = counted(r3gan2.generator, shape, row["latent_dim"], row["classes"])
    assert found == row["generator"]
    assert counted(r3gan2.discriminator, shape, row["classes"]) == row["discriminator"]


def normalised(kernel, centred=True):
    """Float64, the outputs last."""
    rows = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    rows = rows - rows.mean(0) if centred else rows
    return (rows / (np.sqrt((rows**2).mean(0)) + 1e-4)).reshape(kernel.shape)


def test_a_dense_layer_divides_by_the_size_of_each_outputs_weights():
    layer, x = layers.UnitDense(4), RNG.normal(size=(3, 5)).astype(np.float32)
    layer.build(x.shape)
    layer.kernel.assign(7.0 * layer.kernel + 1.0)
    expected = x @ normalised(layer.kernel.numpy()) / 5**0.5
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-6)


def test_an_embedding_is_normalised_for_each_class():
    layer = layers.UnitEmbedding(6, centred=False)
    found = layer(np.eye(3, dtype=np.float32)).numpy()
    np.testing.assert_allclose((found**2).mean(1), np.ones(3), rtol=1e-3)


def test_maps_and_their_pooling_are_linear_in_each_group():
    x = RNG.normal(size=(2, 6)).astype(np.float32)
    basis = layers.UnitBasis(6, 3, side=2)
    maps = basis(x).numpy()
    kernel = normalised(basis.kernel.numpy()) / 3**0.5
    pool = layers.UnitPool(6, 3)
    pooled = pool(maps).numpy()
    weights = normalised(pool.kernel.numpy()) / 12**0.5
    for group in range(2):
        part = slice(3 * group, 3 * group + 3)
        expected = np.einsum("nc,hwco->nhwo", x[:, part], kernel[..., part])
        np.testing.assert_allclose(maps[..., part], expected, rtol=1e-3, atol=1e-5)
        expected = np.einsum("nhwc,hwco->no", maps[..., part], weights[..., part])
        np.testing.assert_allclose(pooled[:, part], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.UnitDense(256), (512, 256)),
        (layers.UnitGroupedConv2D(64, 32, 3), (16, 8, 8, 64)),
        (layers.UnitBasis(64, 32), (512, 64)),
        (layers.UnitPool(64, 32), (512, 4, 4, 64)),
        (layers.UnitLeakyReLU(), (512, 256)),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_layers_keep_the_variance(layer, shape):
    """Of N(0, 1); the convolution sees zeros beyond the edges of its maps, so the middle counts."""
    y = np.asarray(layer(RNG.normal(size=shape).astype(np.float32)))
    y = y[:, 1:-1, 1:-1] if isinstance(layer, layers.UnitGroupedConv2D) else y
    assert y.var() == pytest.approx(1.0, abs=0.05)


def test_a_stage_adds_blocks_by_their_gains_and_keeps_the_variance():
    stage = r3gan2.Stage(2, 2, 8, 3, noisy=False)
    x = RNG.normal(size=(4, 6, 6, 16)).astype(np.float32)
    np.testing.assert_allclose(stage(x), x, rtol=1e-6)  # gains are 0 at first
    gains = RNG.normal(size=(2, 16))
    expected, variance = x, np.ones(16)
    for variable, gain, block in zip(stage.gains, gains, stage.blocks, strict=True):
        variable.assign(gain)
        h = expected / np.sqrt(variance)
        for layer in block:
            h = np.asarray(layer(h.astype(np.float32)))
        expected, variance = expected + np.tanh(gain) * h, variance + np.tanh(gain) ** 2
    found = stage(x).numpy()
    np.testing.assert_allclose(found, expected / np.sqrt(variance), rtol=1e-3, atol=1e-4)


def test_kernels_are_normalised_again_after_an_update():
    layer = layers.UnitDense(4)
    layer.build((None, 5))
    optimizer = adam(learning_rate=0.5)
    optimizer.build([layer.kernel])
    optimizer.apply([tf.constant(RNG.normal(size=(5, 4)), tf.float32)], [layer.kernel])
    kernel = layer.kernel.numpy()
    np.testing.assert_allclose(kernel.mean(0), np.zeros(4), atol=1e-6)
    np.testing.assert_allclose((kernel**2).mean(0), np.ones(4), rtol=5e-3)


def test_noise_is_drawn_in_training_and_one_map_in_inference():
    layer, x = layers.AppendedNoise(seed=1), tf.zeros([3, 4, 4, 2])
    one, two = layer(x, training=True), layer(x, training=True)
    assert one.shape == (3, 4, 4, 3)
    assert np.any(one[0] != one[1]) and np.any(one != two)
    with frozen_state():
        np.testing.assert_array_equal(layer(x, training=True), layer(x, training=True))
    kept = layer(x)
    np.testing.assert_array_equal(kept[0], kept[1])
    np.testing.assert_array_equal(kept, layer(x))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="from 8 px on; take r3gan"):
        r3gan2.generator((4, 4, 3), 8)
    with pytest.raises(UserError, match="32 channels inside a block do not split into groups of 7"):
        r3gan2.discriminator((8, 8, 3), width=16, group_width=7)
