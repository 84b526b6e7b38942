"""Forward passes of BigGAN, beside a reading of its tables in float64."""

import functools

import keras
import numpy as np
import pytest

from compare_gan_tf import layers
from compare_gan_tf.architectures import (
    biggan,
    biggan_blocks,
    biggan_deep_block,
    biggan_kernels,
    residual,
)


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
    [(4, {"upsample": residual.nearest}), (8, {}), (20, {"downsample": layers.mean_halving})],
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
