"""R3GAN's layers, blocks and players: what they begin as, take, give and refuse."""

import math

import numpy as np
import pytest
import tensorflow as tf
from numpy_layers import weights
from r3gan_kernels import doubled

from compare_gan_tf import layers
from compare_gan_tf.architectures import r3gan
from compare_gan_tf.architectures.conditioning import Concatenation, Projection
from compare_gan_tf.architectures.r3gan_layers import (
    FilteredDownsampling,
    FilteredUpsampling,
    GroupedConv2D,
)
from compare_gan_tf.errors import UserError


@pytest.mark.parametrize(
    "layer",
    [
        GroupedConv2D(8, 3, padding="same", groups=2),
        FilteredUpsampling((1, 4, 6, 4, 1)),
        FilteredDownsampling(),
    ],
)
def test_layers_are_rebuilt_from_their_configuration(layer):
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 4)).astype(np.float32)
    expected = layer(x)
    again = type(layer).from_config(layer.get_config())
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_blocks_are_the_identity_at_the_start():
    model = r3gan.generator((8, 8, 3), 4, widths=(16, 16))
    z = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    gains = z.astype(np.float64) @ weights(model, "gains")[0]
    x = doubled(gains[:, None, None] * weights(model, "maps")[0])
    expected = x @ weights(model, "to_images")[0][0, 0]
    np.testing.assert_allclose(model({"z": z}, training=True), expected, rtol=1e-4, atol=1e-5)


def test_kernels_start_with_the_variance_of_fix_up():
    """gain^2 / fan_in, gain^2 = 2 / (1 + 0.2^2) / sqrt(L), L = 6 blocks; within 5 sigma of it."""
    model = r3gan.discriminator((16, 16, 3), widths=(64, 64, 64), cardinalities=(8, 8, 8))
    gain = 2 / 1.04 / 6**0.5
    for layer, fan_in in (("conv1", 64), ("conv2", 9 * 16)):
        kernel = np.asarray(model.get_layer(f"stage1_block0_{layer}").kernel)
        error = 5 * (2 / kernel.size) ** 0.5
        assert kernel.var() == pytest.approx(gain / fan_in, rel=error)
    assert not np.any(model.get_layer("stage1_block0_conv3").kernel)
    pool = np.asarray(model.get_layer("pool").kernel)
    assert pool.var() == pytest.approx(1 / 16, rel=5 * (2 / pool.size) ** 0.5)


@pytest.mark.parametrize("side", [4, 8, 32, 64])
def test_images_are_in_range_and_labels_matter(side):
    widths = (16, 8, 8, 8, 8)[: int(math.log2(side)) - 1]
    generator = r3gan.generator((side, side, 1), 4, 3, widths=widths)
    discriminator = r3gan.discriminator((side, side, 1), 3, widths=widths)
    labels = tf.constant([0, 2, 2])
    images = generator({"z": 10 * tf.ones([3, 4]), "labels": labels}).numpy()
    assert images.shape == (3, side, side, 1) and np.abs(images).max() <= 1.0
    raw = generator({"z": tf.ones([3, 4]), "labels": labels}, training=True).numpy()
    assert np.abs(raw[0] - raw[1]).max() > 1e-5
    scores = discriminator({"images": tf.repeat(images[:1], 3, 0), "labels": labels})
    assert scores["logits"].shape == (3,) and scores["features"].shape == (3, 16)
    assert float(scores["logits"][0]) != float(scores["logits"][1])


def test_an_unlabelled_image_scores_nothing_by_the_inner_product():
    discriminator = r3gan.discriminator((4, 4, 1), 3, widths=(8,))
    images, labels = tf.ones([2, 4, 4, 1]), tf.constant([-1, 1])
    logits = discriminator({"images": images, "labels": labels})["logits"]
    assert float(logits[0]) == 0.0 != float(logits[1])


@pytest.mark.parametrize("conditioning", [Projection(), Concatenation(), None])
def test_other_conditionings_go_with_a_term_of_the_image(conditioning):
    model = r3gan.discriminator((8, 8, 1), 3, widths=(8, 8), conditioning=conditioning)
    assert model.get_layer("logit").kernel.shape == (8, 1)
    assert ("labels" in model.input) == (conditioning is not None)


def test_norms_may_be_put_in_front_of_the_activations():
    generator = r3gan.generator(
        (8, 8, 1),
        4,
        3,
        widths=(8, 8),
        norm=layers.conditional_batch_norm,
        kernel_norm=layers.spectral_norm,
    )
    kinds = [type(layer) for layer in generator.layers]
    assert kinds.count(layers.ConditionalBatchNorm) == 2 * 2 * 2
    assert kinds.count(layers.SpectralNorm) == 3 * 2 * 2 + 3
    discriminator = r3gan.discriminator(
        (8, 8, 1), widths=(8, 8), kernel_norm=layers.spectral_norm, norm=layers.layer_norm
    )
    kinds = [type(layer) for layer in discriminator.layers]
    assert kinds.count(layers.SpectralNorm) == 3 * 2 * 2 + 3
    images = generator({"z": tf.ones([2, 4]), "labels": tf.constant([0, 1])}, training=True)
    assert np.isfinite(discriminator({"images": images}, training=True)["logits"]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: r3gan.generator((28, 28, 1), 4), "4, 8, 16.*have 28.*dcgan"),
        (lambda: r3gan.discriminator((2, 2, 1)), "have 2:"),
        (lambda: r3gan.generator((8, 16, 1), 4), "square.*8 x 16"),
        (lambda: r3gan.generator((8, 8, 1), 4, widths=(8,)), "1 numbers.*8 px need 2"),
        (
            lambda: r3gan.generator((8, 8, 1), 4, widths=(8, 8), cardinalities=(1,)),
            "cardinalities has 1 numbers.*2 stages",
        ),
        (
            lambda: r3gan.discriminator((8, 8, 1), widths=(8, 8), cardinalities=(3, 3)),
            "16 channels.*3 groups",
        ),
        (lambda: r3gan.generator((4, 4, 1), 4, widths=(8,), kernel_size=2), "kernel_size is 2"),
        (
            lambda: r3gan.generator((8, 8, 1), 4, widths=(8, 8), resampling_filter=(1, 1)),
            r"\(1, 1\).*odd",
        ),
        (
            lambda: r3gan.discriminator((4, 4, 1), widths=(8,), norm=layers.self_modulation),
            "needs z",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
