import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_layers import weights
from r3gan_kernels import FILTER, doubled

from compare_gan_tf.architectures import r3gan
from compare_gan_tf.architectures.r3gan_layers import (
    FilteredDownsampling,
    FilteredUpsampling,
    grouped_convolution,
)

NARROW = {"widths": (16, 16, 8), "cardinalities": (4, 2, 8)}  # 16 px


def counted(make, *arguments, **options):
    """(trainable, non-trainable) of a network whose weights are never made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, **options)
        sizes = tuple(
            sum(math.prod(v.shape) for v in variables)
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return sizes


@pytest.mark.parametrize("index", [0, 1])
def test_the_presets_have_the_authors_numbers_of_parameters(golden, index):
    row = golden("r3gan")["presets"][index]
    shape = (row["side"], row["side"], 3)
    latent_dim = golden("r3gan")["latent_dim"]
    assert counted(r3gan.generator, shape, latent_dim, row["classes"]) == (row["generator"], 0)
    assert counted(r3gan.discriminator, shape, row["classes"]) == (row["discriminator"], 0)


def test_imagenets_preset_is_a_matter_of_options():
    """A block of width w, with groups of 32 channels, has 4 w w + 9 (2 w) 32 + 4 w weights."""
    width = 1536
    block = 4 * width**2 + 9 * 2 * width * 32 + 4 * width
    found, _ = counted(
        r3gan.generator, (32, 32, 3), 64, 1000, widths=4 * (width,), cardinalities=4 * (96,)
    )
    assert found == 8 * block + 16 * width + 128 * width + 64 * 1000 + 3 * width


# Forward passes, written out in float64


def drawn(model):
    rng = np.random.default_rng(7)
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = 1.0 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.3
        variable.assign(rng.normal(size=shape) * scale)
    return model


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def grouped(x, kernel, bias, groups):
    """Each group of inputs to its group of outputs, 3x3, 0 beyond the borders."""
    outputs = []
    for part, weight in zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True):
        padded = np.pad(part, ((0, 0), (1, 1), (1, 1), (0, 0)))
        outputs.append(
            sum(
                padded[:, a : a + x.shape[1], b : b + x.shape[2]] @ weight[a, b]
                for a in range(3)
                for b in range(3)
            )
        )
    return np.concatenate(outputs, -1) + bias


def block(model, name, x, groups):
    kernel, bias = weights(model, f"{name}_conv1")
    h = leaky(x @ kernel[0, 0] + bias)
    h = leaky(grouped(h, *weights(model, f"{name}_conv2"), groups))
    return x + h @ weights(model, f"{name}_conv3")[0][0, 0]


def halved(x):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    side = x.shape[1] // 2
    out = np.zeros((len(x), side, side, x.shape[3]))
    for i in range(side):
        for j in range(side):
            patch = padded[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            out[:, i, j] = np.einsum("nabc,ab->nc", patch, FILTER)
    return out


def test_the_generator_matches_a_numpy_reading_of_its_table():
    model = drawn(r3gan.generator((16, 16, 3), 5, 3, **NARROW))
    z, labels = np.random.default_rng(1).normal(size=(2, 5)), np.array([2, 0])
    condition = np.concatenate([z, np.eye(3)[labels] @ weights(model, "embed_y")[0]], 1)
    gains = condition @ weights(model, "gains")[0]
    x = gains[:, None, None] * weights(model, "maps")[0]
    for index, groups in enumerate(NARROW["cardinalities"]):
        if index == 2:
            x = x @ weights(model, "stage2_widen")[0][0, 0]
        x = doubled(x) if index else x
        for number in range(2):
            x = block(model, f"stage{index}_block{number}", x, groups)
    expected = x @ weights(model, "to_images")[0][0, 0]
    inputs = {"z": z.astype(np.float32), "labels": labels}
    np.testing.assert_allclose(model(inputs, training=True), expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected).max() > 1.0
    clipped = np.clip(expected, -1, 1)
    np.testing.assert_allclose(model(inputs), clipped, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [None, 3])
def test_the_discriminator_matches_a_numpy_reading_of_its_table(classes):
    model = drawn(r3gan.discriminator((16, 16, 3), classes, **NARROW))
    images = np.random.default_rng(2).uniform(-1, 1, (2, 16, 16, 3))
    labels = np.array([2, 0])
    x = images @ weights(model, "from_images")[0][0, 0]
    for index in (2, 1, 0):
        for number in range(2):
            name = f"stage{index}_block{number}"
            x = block(model, name, x, NARROW["cardinalities"][index])
        x = halved(x) if index else x
        if index == 2:
            x = x @ weights(model, "stage2_widen")[0][0, 0]
    features = np.einsum("nabc,abc->nc", x, weights(model, "pool")[0][..., 0])
    if classes:
        embedded = np.eye(3)[labels] @ weights(model, "embed_y")[0]
        logits = (features @ weights(model, "projection")[0] * embedded).sum(1)
    else:
        logits = (features @ weights(model, "logit")[0])[:, 0]
    inputs = {"images": images.astype(np.float32)} | ({"labels": labels} if classes else {})
    found = model(inputs)
    np.testing.assert_allclose(found["features"], features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-4, atol=1e-5)


# Layers


def as_dense(x, kernel, groups):
    """The same by an ungrouped convolution for each group, which TensorFlow can differentiate."""
    pairs = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([tf.nn.conv2d(part, weight, 1, "SAME") for part, weight in pairs], -1)


@pytest.mark.parametrize(("jit", "side"), [(False, 3), (False, 5), (True, 3)])
def test_grouped_convolutions_have_right_gradients_of_first_and_second_order(jit, side):
    """The second is that of a penalty: d |d y / d x|^2 / d kernel."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 6, 4, 6)), tf.float32)
    kernel = tf.constant(rng.normal(size=(side, side, 2, 12)), tf.float32)

    @tf.function(jit_compile=jit, autograph=False)
    def derivatives(convolution):
        with tf.GradientTape() as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(tf.sin(convolution(x, kernel, 3)))
            gradient = inner.gradient(value, x)
            penalty = tf.reduce_sum(gradient**2)
        return value, gradient, outer.gradient([value, penalty], [x, kernel])

    found, expected = (derivatives(f) for f in (grouped_convolution, as_dense))
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("jit", [False, True])
def test_both_players_learn_in_a_graph_with_a_penalty(jit):
    generator = r3gan.generator((8, 8, 1), 4, 3, widths=(8, 8))
    discriminator = r3gan.discriminator((8, 8, 1), 3, widths=(8, 8))
    for player in (generator, discriminator):  # at the start the blocks pass no gradients on
        drawn(player)

    @tf.function(jit_compile=jit, autograph=False)
    def gradients(z, labels):
        with tf.GradientTape(persistent=True) as outer:
            images = generator({"z": z, "labels": labels}, training=True)
            with tf.GradientTape() as inner:
                inner.watch(images)
                logits = discriminator({"images": images, "labels": labels}, training=True)[
                    "logits"
                ]
            penalised = logits + tf.reduce_sum(inner.gradient(logits, images) ** 2)
        return (
            outer.gradient(logits, generator.trainable_variables),
            outer.gradient(penalised, discriminator.trainable_variables),
        )

    for gradient in tf.nest.flatten(gradients(tf.ones([2, 4]), tf.constant([0, 1]))):
        assert np.isfinite(gradient).all() and np.any(gradient)


def test_second_order_gradients_agree_with_finite_differences():
    rng = np.random.default_rng(4)
    x = tf.constant(rng.normal(size=(1, 4, 4, 4)), tf.float64)
    kernel = tf.constant(rng.normal(size=(3, 3, 2, 4)), tf.float64)
    towards = tf.constant(rng.normal(size=kernel.shape), tf.float64)

    def penalty(kernel):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(tf.sin(grouped_convolution(x, kernel, 2)))
        return tf.reduce_sum(tape.gradient(value, x) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(kernel)
        value = penalty(kernel)
    slope = tf.reduce_sum(tape.gradient(value, kernel) * towards)
    step = 1e-5
    change = (penalty(kernel + step * towards) - penalty(kernel - step * towards)) / (2 * step)
    assert float(slope) == pytest.approx(float(change), rel=1e-7)


@pytest.mark.parametrize("taps", [(1,), (1, 2, 1), (1, 4, 6, 4, 1), (1, 2, 3)])
def test_upsampling_is_four_times_the_adjoint_of_downsampling(taps):
    rng = np.random.default_rng(0)
    small = rng.normal(size=(2, 4, 6, 3)).astype(np.float32)
    large = rng.normal(size=(2, 8, 12, 3)).astype(np.float32)
    up, down = FilteredUpsampling(taps)(small), FilteredDownsampling(taps)(large)
    assert up.shape == large.shape and down.shape == small.shape
    assert np.sum(up * large) == pytest.approx(4 * np.sum(down * small), rel=1e-4)


def test_resampling_keeps_constants_inside():
    ones = tf.ones([1, 8, 8, 2])
    np.testing.assert_allclose(FilteredUpsampling()(ones)[:, 1:-1, 1:-1], 1.0, rtol=1e-6)
    np.testing.assert_allclose(FilteredDownsampling()(ones)[:, 1:-1, 1:-1], 1.0, rtol=1e-6)
