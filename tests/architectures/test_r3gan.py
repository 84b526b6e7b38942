import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import r3gan
from compare_gan_tf.architectures.conditioning import Concatenation, Projection
from compare_gan_tf.architectures.r3gan_layers import (
    FilteredDownsampling,
    FilteredUpsampling,
    GroupedConv2D,
    grouped_convolution,
)
from compare_gan_tf.errors import UserError

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


def weights(model, layer):
    return [np.asarray(v, np.float64) for v in model.get_layer(layer).weights]


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


FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0  # (1, 2, 1) * (1, 1), of sum 1


def doubled(x):
    """Each pixel adds four times the filter to the 4x4 pixels about it."""
    n, side, _, channels = x.shape
    out = np.zeros((n, 2 * side + 2, 2 * side + 2, channels))
    for i in range(side):
        for j in range(side):
            here = out[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            here += 4 * FILTER[:, :, None] * x[:, i, None, None, j]
    return out[:, 1:-1, 1:-1]


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

    @tf.function(jit_compile=jit)
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

    @tf.function(jit_compile=jit)
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


# The start, labels, options


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
