import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import (
    biggan,
    biggan_blocks,
    biggan_deep,
    biggan_deep_block,
    biggan_kernels,
    residual,
)
from compare_gan_tf.architectures.conditioning import Concatenation
from compare_gan_tf.errors import UserError

FAMILIES = {"biggan": biggan, "biggan_deep": biggan_deep}


def normed(vector="left"):
    """Options with which every kernel but the embeddings' is under spectral norm."""
    norm = functools.partial(layers.spectral_norm, vector=vector)
    conditional = functools.partial(layers.conditional_batch_norm, kernel_norm=norm)
    return {"norm": conditional, "kernel_norm": norm}, {"kernel_norm": norm}


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


@pytest.mark.parametrize("family", FAMILIES)
def test_the_published_networks_have_compare_gans_numbers_of_parameters(golden, family):
    module = FAMILIES[family]
    for row in golden("biggan")[family]:
        shape = (row["side"], row["side"], 3)
        generator, _ = counted(module.generator, shape, row["latent_dim"], 1000)
        discriminator, _ = counted(module.discriminator, shape, 1000)
        assert (generator, discriminator) == (row["generator"], row["discriminator"]), shape


@pytest.mark.parametrize("family", FAMILIES)
def test_spectral_norm_stores_compare_gans_vectors(golden, family):
    module = FAMILIES[family]
    rows = golden("biggan")
    for vector, expected in rows["not_trained_at_128"][family].items():
        of_generator, of_discriminator = normed(vector)
        latent_dim = rows[family][0]["latent_dim"]
        of_both = {"kernel_initializer": "zeros"}  # quick: spectral norm reads the kernel's shape
        generator = counted(
            module.generator, (128, 128, 3), latent_dim, 1000, **of_generator, **of_both
        )
        discriminator = counted(
            module.discriminator, (128, 128, 3), 1000, **of_discriminator, **of_both
        )
        assert [generator[1], discriminator[1]] == expected, vector


def test_options_give_studiogans_numbers_of_parameters(golden):
    row = golden("biggan")["studiogan"]["biggan_32"]
    generator, _ = counted(biggan.generator, (32, 32, 3), 80, 10, attention="B2")
    discriminator, _ = counted(
        biggan.discriminator,
        (32, 32, 3),
        10,
        halvings=2,
        shortcut=biggan_blocks.learned_shortcut,
    )
    assert round(generator / 1e6, 2) == row["generator"]
    assert round(discriminator / 1e6, 2) == row["discriminator"]


def test_options_give_the_authors_numbers_of_parameters_at_256():
    """Attention at 64 px, and a learned shortcut in the block that halves 8 ch channels."""
    row = {"generator": 82097604, "discriminator": 98635298}
    generator, _ = counted(biggan.generator, (256, 256, 3), 140, 1000, attention=64)
    at_64, at_128 = (5 * (ch * 96) ** 2 // 4 + 1 for ch in (4, 2))
    assert generator == row["generator"] - at_128 + at_64
    discriminator, _ = counted(
        biggan.discriminator, (256, 256, 3), 1000, shortcut=biggan_blocks.learned_shortcut
    )
    assert discriminator == row["discriminator"] + 768 * 768 + 768


@pytest.mark.parametrize("hierarchical", [True, False])
@pytest.mark.parametrize("embedded", [True, False])
def test_a_generators_parameters_are_those_of_its_table(hierarchical, embedded):
    """Three blocks of width 4 ch from 4x4 maps, z of 8 and 5 classes."""
    width, labels = 8, (7 if embedded else 5)
    first_z, condition = (2, 2 + labels) if hierarchical else (8, labels)
    embeddings = (8 * 8 + 8) + (5 * 7 + 7) if embedded else 0
    conv, shortcut = 9 * width * width + width, width * width + width
    block = 2 * conv + shortcut + 4 * condition * width
    final = 2 * width + 9 * width * 3 + 3
    attention = 2 * width * 1 + width * 4 + 4 * width + 1
    found, _ = counted(
        biggan.generator,
        (32, 32, 3),
        8,
        5,
        ch=2,
        attention=(16,),
        hierarchical_z=hierarchical,
        embed_z=embedded,
        embed_y=embedded,
        embed_y_dim=7,
        embed_bias=True,
    )
    assert found == embeddings + (first_z + 1) * 16 * width + 3 * block + attention + final


# Forward passes, written out in float64


def drawn(model):
    """The model with weights of gain about one, and statistics of order one."""
    rng = np.random.default_rng(7)
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = 1.0 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.3
        value = rng.normal(size=shape) * scale
        if variable.name in ("moving_variance", "gamma", "sigma"):
            value = 1.0 + 0.5 * np.abs(value)
        variable.assign(value)
    return model


class Weights:
    """Those of a model by the name of the layer, float64."""

    def __init__(self, model):
        self.model = model

    def __call__(self, layer):
        return [np.asarray(v, np.float64) for v in self.model.get_layer(layer).weights]

    def named(self, layer):
        return {
            "/".join(v.path.split("/")[1:]): np.asarray(v, np.float64)
            for v in self.model.get_layer(layer).weights
        }


def conv(weights, name, x):
    """SAME, of an odd side, with a bias if it has one."""
    kernel, *bias = weights(name)
    edge = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    out = sum(
        padded[:, a : a + x.shape[1], b : b + x.shape[2]] @ kernel[a, b]
        for a in range(kernel.shape[0])
        for b in range(kernel.shape[1])
    )
    return out + (bias[0] if bias else 0.0)


def relu(x):
    return np.maximum(x, 0.0)


def standardised(x, mean, variance):
    return (x - mean) / np.sqrt(variance + 1e-5)


def conditional(weights, name, x, condition, centred):
    found = weights.named(name)
    gamma, beta = (condition @ found[f"{part}/kernel"] for part in ("gamma", "beta"))
    x = standardised(x, found["moving_mean"], found["moving_variance"])
    return x * (gamma + float(centred))[:, None, None] + beta[:, None, None]


def pooled(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def repeated(x):
    return x.repeat(2, 1).repeat(2, 2)


def with_zeros(x):
    out = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3]))
    out[:, ::2, ::2] = x
    return out


def max_pooled(x):
    return np.maximum(
        np.maximum(x[:, ::2, ::2], x[:, 1::2, ::2]), np.maximum(x[:, ::2, 1::2], x[:, 1::2, 1::2])
    )


def attended(weights, name, x):
    def rows(maps):
        return maps.reshape(len(maps), -1, maps.shape[-1])

    queries = rows(conv(weights, f"{name}_theta", x))
    keys, values = (rows(max_pooled(conv(weights, f"{name}_{part}", x))) for part in ("phi", "g"))
    scores = np.exp(queries @ keys.transpose(0, 2, 1))
    means = scores / scores.sum(-1, keepdims=True) @ values
    out = conv(weights, f"{name}_out", means.reshape(*x.shape[:3], -1))
    return x + weights(name)[0] * out


def generated(weights, z, labels, up, centred):
    """BigGAN at 32 px: z in four parts; B1 to B3; attention behind B2."""
    embedded = np.eye(3)[labels] @ weights("embed_y")[0]
    first, *parts = np.split(z, 4, 1)
    kernel, bias = weights("fc_noise")
    x = (first @ kernel + bias).reshape(len(z), 4, 4, -1)
    for name, part in zip(("B1", "B2", "B3"), parts, strict=True):
        condition = np.concatenate([part, embedded], 1)
        h = relu(conditional(weights, f"{name}_1_norm", x, condition, centred))
        h = conv(weights, f"{name}_conv1", up(h))
        h = relu(conditional(weights, f"{name}_2_norm", h, condition, centred))
        h = conv(weights, f"{name}_conv2", h)
        x = conv(weights, f"{name}_shortcut", up(x)) + h
        x = attended(weights, "B2_attention", x) if name == "B2" else x
    gamma, beta, mean, variance = weights("final_norm")
    x = relu(standardised(x, mean, variance) * gamma + beta)
    return np.tanh(conv(weights, "final_conv", x))


@pytest.mark.parametrize("as_compare_gan", [False, True])
def test_biggans_generator_matches_a_numpy_reading_of_its_table(as_compare_gan):
    norm = functools.partial(layers.conditional_batch_norm, centred=not as_compare_gan)
    upsample = residual.zero_insertion if as_compare_gan else residual.nearest
    model = drawn(
        biggan.generator(
            (32, 32, 3),
            8,
            3,
            ch=2,
            norm=norm,
            upsample=upsample,
            attention="B2",
            embed_y_dim=5,
            kernel_initializer="orthogonal",
        )
    )
    z, labels = np.random.default_rng(1).normal(size=(3, 8)), np.array([0, 2, 1])
    up = with_zeros if as_compare_gan else repeated
    expected = generated(Weights(model), z, labels, up, not as_compare_gan)
    found = model({"z": z.astype(np.float32), "labels": labels})
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def scored(weights, images, labels, as_compare_gan):
    """BigGAN's D at 32 px: B1 to B3 halve; attention behind B1."""
    x = (images + 1) / 2 if as_compare_gan else images
    for index, name in enumerate(("B1", "B2", "B3", "B4")):
        down = pooled if index < 3 else lambda maps: maps
        h = conv(weights, f"{name}_conv1", relu(x) if index or as_compare_gan else x)
        h = down(conv(weights, f"{name}_conv2", relu(h)))
        if index == 0:
            h = h + down(conv(weights, f"{name}_shortcut", x))
        elif not as_compare_gan:
            h = h + down(x)
        x = attended(weights, "B1_attention", h) if index == 0 else h
    features = relu(x).sum((1, 2))
    kernel, bias = weights("logit")
    projected = np.eye(3)[labels] @ weights("label_projection")[0]
    return (features @ kernel + bias)[:, 0] + (projected * features).sum(1), features


@pytest.mark.parametrize("as_compare_gan", [False, True])
def test_biggans_discriminator_matches_a_numpy_reading_of_its_table(as_compare_gan):
    options = {"shortcut": biggan_blocks.no_shortcut, "unit_interval": True}
    options = options if as_compare_gan else {}
    model = drawn(biggan.discriminator((32, 32, 3), 3, ch=2, **options))
    images = np.random.default_rng(2).uniform(-1, 1, (3, 32, 32, 3))
    labels = np.array([2, 0, 1])
    logits, features = scored(Weights(model), images, labels, as_compare_gan)
    found = model({"images": images.astype(np.float32), "labels": labels})
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-4)
    np.testing.assert_allclose(found["features"], features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("filters", "resize"),
    [(4, {"upsample": residual.nearest}), (8, {}), (20, {"downsample": residual.average_pool})],
)
def test_the_deep_block_matches_a_numpy_reading(filters, resize):
    """From 8 channels: drop four and double the sides; keep all; halve them and add twelve."""
    inputs = keras.Input((4, 4, 8))
    kernels = biggan_kernels.Kernels()
    block = biggan_deep_block.deep_block(
        inputs, filters, name="B", kernels=kernels, norm=layers.batch_norm, **resize
    )
    model = drawn(keras.Model(inputs, block))
    weights, x = Weights(model), np.random.default_rng(3).normal(size=(2, 4, 4, 8))
    up = repeated if "upsample" in resize else lambda maps: maps
    down = pooled if "downsample" in resize else lambda maps: maps

    def normalised(h, name):
        gamma, beta, mean, variance = weights(name)
        return standardised(h, mean, variance) * gamma + beta

    h = conv(weights, "B_conv1", relu(normalised(x, "B_1_norm")))
    h = conv(weights, "B_conv2", up(relu(normalised(h, "B_2_norm"))))
    h = conv(weights, "B_conv3", relu(normalised(h, "B_3_norm")))
    h = conv(weights, "B_conv4", down(relu(normalised(h, "B_4_norm"))))
    shortcut = down(up(x[..., :filters]))
    if filters > 8:
        added = conv(weights, "B_shortcut", shortcut)
        assert added.shape[-1] == 12
        shortcut = np.concatenate([shortcut, added], -1)
    assert weights("B_conv2")[0].shape[-1] == max(8, filters) // 4
    np.testing.assert_allclose(model(x.astype(np.float32)), shortcut + h, rtol=1e-4, atol=1e-5)


# Shapes, labels, attention


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("side", "latent_dim"), [(32, 4), (64, 5), (128, 6)])
def test_images_are_in_range_and_labels_matter(family, side, latent_dim):
    check_both_players(FAMILIES[family], side, latent_dim)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("side", "latent_dim"), [(256, 7), (512, 8)])
def test_large_images_are_in_range_and_labels_matter(family, side, latent_dim):
    check_both_players(FAMILIES[family], side, latent_dim)


def check_both_players(module, side, latent_dim):
    generator = module.generator((side, side, 1), latent_dim, 3, ch=4)
    inputs = {"z": 10 * tf.ones([3, latent_dim]), "labels": tf.constant([0, 2, 2])}
    images = generator(inputs, training=True).numpy()
    assert images.shape == (3, side, side, 1)
    assert np.abs(images).max() <= 1.0
    assert np.abs(images[0] - images[1]).max() > 1e-4
    np.testing.assert_allclose(images[1], images[2], atol=1e-4)
    discriminator = module.discriminator((side, side, 1), 3, ch=4)
    same = tf.repeat(images[:1], 3, 0)
    scores = discriminator({"images": same, "labels": inputs["labels"]})
    assert scores["logits"].shape == (3,)
    assert scores["features"].shape[0] == 3
    assert float(scores["logits"][0]) != float(scores["logits"][1])


@pytest.mark.parametrize("family", FAMILIES)
def test_without_classes_every_block_sees_z(family):
    module = FAMILIES[family]
    generator = module.generator((32, 32, 3), 8, ch=4)
    kinds = {type(layer) for layer in generator.layers}
    assert layers.SelfModulatedBatchNorm in kinds and set(generator.input) == {"z"}
    assert generator({"z": tf.zeros([2, 8])}).shape == (2, 32, 32, 3)
    discriminator = module.discriminator((32, 32, 3), ch=4)
    assert set(discriminator.input) == {"images"}
    assert discriminator({"images": tf.zeros([2, 32, 32, 3])})["logits"].shape == (2,)


@pytest.mark.parametrize("options", [{"norm": layers.batch_norm}, {"norm": layers.self_modulation}])
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_reach_generators_whose_norms_do_not_use_them(family, options):
    if family == "biggan":
        options = options | {"hierarchical_z": False}
    generator = FAMILIES[family].generator((32, 32, 1), 8, 3, ch=4, **options)
    images = generator({"z": tf.ones([2, 8]), "labels": tf.constant([0, 1])})
    assert np.abs(images[0] - images[1]).max() > 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_attends(family):
    module = FAMILIES[family]
    generator = module.generator((32, 32, 1), 8, 3, ch=4, attention=(8, "B3"))
    inputs = {"z": tf.ones([2, 8]), "labels": tf.constant([0, 1])}
    assert_attends(generator, lambda: generator(inputs), 2)
    discriminator = module.discriminator((32, 32, 1), ch=4, attention=(16, "B3"))
    images = {"images": tf.random.stateless_uniform([2, 32, 32, 1], [0, 1], -1, 1)}
    assert_attends(discriminator, lambda: discriminator(images)["logits"], 2)


def assert_attends(model, output, blocks):
    gains = [v for v in model.trainable_variables if v.name == "sigma"]
    before = output()
    assert len(gains) == blocks and all(float(gain) == 0.0 for gain in gains)
    for gain in gains:
        gain.assign(1.0)
        after = output()
        assert np.abs(after - before).max() > 1e-6
        before = after


@pytest.fixture
def unmade_weights():
    """Networks are built, their weights not made."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # else Keras makes them when the next scope ends


def test_attention_is_where_it_is_asked_for(unmade_weights):
    def places(model):
        return [layer.name for layer in model.layers if layer.name.endswith("_attention")]

    deep = functools.partial(biggan_deep.generator, (64, 64, 1), 5, ch=4)
    assert places(deep()) == ["B8_attention"]
    assert places(deep(attention=())) == []
    assert places(deep(attention=(16, "B5"))) == ["B4_attention", "B5_attention"]
    assert places(biggan.generator((32, 32, 1), 4, ch=4)) == []
    assert places(biggan.generator((64, 64, 1), 5, ch=4)) == ["B4_attention"]
    judge = functools.partial(biggan_deep.discriminator, (128, 128, 1), ch=4)
    assert places(judge()) == ["B2_attention"]
    assert places(judge(attention=(32, "B1"))) == ["B1_attention", "B4_attention"]
    assert places(biggan.discriminator((32, 32, 1), ch=4, attention=4)) == ["B4_attention"]


def test_kernels_are_orthogonal_at_the_start_and_each_is_drawn_by_itself():
    norm = functools.partial(layers.conditional_batch_norm, initializer=biggan_kernels.ORTHOGONAL)
    model = biggan.generator((32, 32, 3), 8, 3, ch=4, norm=norm)
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 2 + 3 * 3 + 3 * 4 + 1
    for kernel in kernels:
        matrix = np.reshape(kernel, (-1, kernel.shape[-1]))
        matrix = matrix if len(matrix) >= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(matrix.shape[1]), atol=1e-5)
    first, second = (model.get_layer(f"B{i}_conv1").kernel for i in (1, 2))
    assert np.abs(first - second).max() > 0.01


def test_orthogonal_kernels_are_spread_as_keras_spreads_them():
    """Columns of a uniform orthogonal matrix with n rows have entries of variance 1 / n."""
    values = np.stack([biggan_kernels.Orthogonal(seed=i)((3, 3, 4, 2)) for i in range(300)])
    assert values.mean() == pytest.approx(0.0, abs=5 * (1 / 36 / values.size) ** 0.5)
    assert values.var(0).mean() == pytest.approx(1 / 36, rel=0.02)


def test_kernel_norm_wraps_every_kernel_but_the_embeddings():
    of_generator, of_discriminator = normed()
    generator = biggan.generator((32, 32, 3), 8, 3, ch=4, attention=8, **of_generator)
    bare = [
        layer.name
        for layer in generator.layers
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D)
    ]
    assert bare == ["embed_y"]
    discriminator = biggan.discriminator((32, 32, 3), 3, ch=4, **of_discriminator)
    vectors = [v for v in discriminator.non_trainable_variables if v.name == "u"]
    kernels = [v for v in discriminator.trainable_variables if v.name == "kernel"]
    assert len(vectors) == len(kernels)


def test_discriminators_may_take_labels_at_the_input_or_not_at_all():
    concatenating = biggan.discriminator((32, 32, 1), 3, ch=4, conditioning=Concatenation())
    assert concatenating.get_layer("B1_conv1").kernel.shape[2] == 4
    assert set(biggan.discriminator((32, 32, 1), 3, ch=4, conditioning=None).input) == {"images"}


def test_deep_networks_may_take_images_from_a_wider_convolution():
    narrow, _ = counted(biggan_deep.generator, (32, 32, 3), 8, 3, ch=4)
    wide, _ = counted(biggan_deep.generator, (32, 32, 3), 8, 3, ch=4, final_filters=128)
    assert wide - narrow == 125 * (9 * 16 + 1)
    model = biggan_deep.generator((32, 32, 3), 8, ch=4, final_filters=128)
    assert model({"z": tf.ones([1, 8])}).shape == (1, 32, 32, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: biggan.generator((28, 28, 1), 4), r"128, 256, 512 px.*have 28.*dcgan"),
        (lambda: biggan.generator((32, 64, 1), 4), "square.*32 x 64.*dcgan"),
        (lambda: biggan.generator((2,), 4), r"needs images.*\(2,\)"),
        (lambda: biggan.generator((64, 64, 1), 128), "splits z in 5.*128.*multiple of 5"),
        (
            lambda: biggan.generator((32, 32, 1), 8, norm=layers.batch_norm),
            "hierarchical_z.*norm takes none.*hierarchical_z = False",
        ),
        (
            lambda: biggan.generator((32, 32, 1), 8, norm=layers.conditional_batch_norm),
            "needs labels",
        ),
        (
            lambda: biggan.generator((32, 32, 1), 8, attention="B4"),
            r"generator.attention has 'B4'.*B1 \(8 px\), B2 \(16 px\), B3 \(32 px\)",
        ),
        (
            lambda: biggan.discriminator((32, 32, 1), attention=(64,)),
            "discriminator.attention has 64",
        ),
        (
            lambda: biggan.discriminator((32, 32, 1), halvings=5),
            "halvings is 5.*0 to 4",
        ),
        (lambda: biggan.generator((32, 32, 1), 8, multiples=(4, 4)), "2 numbers.*8 px.*have 32"),
        (lambda: biggan_deep.generator((48, 48, 1), 8), "have 48"),
        (lambda: biggan_deep.discriminator((64, 64, 1), attention=64), "attention has 64"),
    ],
)
def test_what_cannot_be_is_refused(unmade_weights, make, message):
    with pytest.raises(UserError, match=message):
        make()
