"""Forward passes of one network of each family against a numpy reading of its table of layers.

The readings are float64 and in the formulas' own order; all weights are drawn anew, so that none is
0 or 1. Networks are float32: a relative error of 1e-7 a product, in at most a hundred layers.
"""

import keras
import numpy as np
import pytest

from compare_gan_tf.architectures import (
    dcgan,
    infogan,
    maxout,
    mlp,
    residual,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sndcgan,
)
from compare_gan_tf.layers import batch_norm, no_norm

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
UPSAMPLE = {
    "nearest": (residual.nearest, lambda x: x.repeat(2, 1).repeat(2, 2)),
    "zero_insertion": (residual.zero_insertion, lambda x: insert_zeros(x)),
}


def with_drawn_weights(model):
    """The model with kernels of gain about one, and biases and statistics of order one."""
    rng = np.random.default_rng(7)
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = 1.0 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.3
        value = rng.normal(size=shape) * scale
        if "variance" in variable.name or "gamma" in variable.name:
            value = 1.0 + 0.5 * np.abs(value)
        variable.assign(value)
    return model


def weights(model, layer):
    return [np.asarray(v, np.float64) for v in model.get_layer(layer).weights]


def draw(*shape):
    return np.random.default_rng(3).uniform(-1, 1, shape)


def found(model, inputs, output=None):
    as_float = {name: value.astype(np.float32) for name, value in inputs.items()}
    if "labels" in inputs:
        as_float["labels"] = inputs["labels"]
    outputs = model(as_float)
    return np.asarray(outputs if output is None else outputs[output])


# The layers, written out


def dense(model, name, x):
    kernel, bias = weights(model, name)
    return x @ kernel + bias


def conv(model, name, x, stride=1):
    """SAME: ceil(side / stride) outputs, the smaller half of the padding in front."""
    kernel, bias = weights(model, name)
    side = -(-x.shape[1] // stride)
    total = max((side - 1) * stride + kernel.shape[0] - x.shape[1], 0)
    pad = (total // 2, total - total // 2)
    x = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    out = np.zeros((len(x), side, side, kernel.shape[3])) + bias
    for i in range(side):
        for j in range(side):
            patch = x[:, i * stride :, j * stride :][:, : kernel.shape[0], : kernel.shape[1]]
            out[:, i, j] += np.tensordot(patch, kernel, 3)
    return out


def deconv(model, name, x, stride):
    """Each pixel adds its kernel [h, w, out, in] to the output; SAME crops it to stride * side."""
    kernel, bias = weights(model, name)
    side, size = x.shape[1], kernel.shape[0]
    full = (side - 1) * stride + size
    out = np.zeros((len(x), full, full, kernel.shape[2]))
    for i in range(side):
        for j in range(side):
            here = out[:, i * stride :, j * stride :][:, :size, :size]
            here += np.einsum("nc,hwoc->nhwo", x[:, i, j], kernel)
    crop = (full - stride * side) // 2
    return out[:, crop:, crop:][:, : stride * side, : stride * side] + bias


def norm(model, name, x):
    gamma, beta, mean, variance = weights(model, name)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def relu(x, slope=0.0):
    return np.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def pool(x):
    """The mean over 2 x 2; a side of 1 stays."""
    if x.shape[1] == 1:
        return x
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def insert_zeros(x):
    out = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3]))
    out[:, ::2, ::2] = x
    return out


def same(x):
    return x


def block(model, name, x, normalise=norm, up=same, down=same):
    """compare_gan's residual block (its shortcut is a convolution 3x3)."""
    shortcut = down(conv(model, f"{name}_shortcut", up(x)))
    h = up(relu(normalise(model, f"{name}_norm0", x)))
    h = conv(model, f"{name}_conv0", h)
    h = relu(normalise(model, f"{name}_norm1", h))
    return shortcut + down(conv(model, f"{name}_conv1", h))


def identity(model, name, x):
    return x


def logit(model, features):
    return dense(model, "logit", features.reshape(len(features), -1))[:, 0]


# The networks


def test_infogan_generator():
    model = with_drawn_weights(infogan.generator((8, 8, 3), 5, width=2))
    z = draw(2, 5)
    x = relu(norm(model, "norm0", dense(model, "dense0", z)), 0.2)
    x = relu(norm(model, "norm1", dense(model, "dense1", x)), 0.2).reshape(2, 2, 2, 4)
    x = relu(norm(model, "norm2", deconv(model, "deconv0", x, 2)), 0.2)
    expected = 2 * sigmoid(deconv(model, "deconv1", x, 2)) - 1
    np.testing.assert_allclose(found(model, {"z": z}), expected, **TOLERANCE)


def test_infogan_discriminator():
    model = with_drawn_weights(infogan.discriminator((7, 7, 3), width=2, norm=batch_norm))
    images = draw(2, 7, 7, 3)
    x = relu(conv(model, "conv0", (images + 1) / 2, 2), 0.2)
    x = relu(norm(model, "norm1", conv(model, "conv1", x, 2)), 0.2)
    x = relu(norm(model, "norm2", dense(model, "dense2", x.reshape(2, -1))), 0.2)
    np.testing.assert_allclose(found(model, {"images": images}, "features"), x, **TOLERANCE)
    expected = logit(model, x)
    np.testing.assert_allclose(found(model, {"images": images}, "logits"), expected, **TOLERANCE)


def test_dcgan_generator():
    model = with_drawn_weights(dcgan.generator((16, 16, 1), 5, width=2))
    z = draw(2, 5)
    x = dense(model, "dense", z).reshape(2, 1, 1, 16)
    for index in range(4):
        x = relu(norm(model, f"norm{index}", x))
        x = deconv(model, f"deconv{index + 1}", x, 2)
    np.testing.assert_allclose(found(model, {"z": z}), np.tanh(x), **TOLERANCE)


def test_dcgan_discriminator():
    model = with_drawn_weights(dcgan.discriminator((28, 28, 1), width=2, norm=batch_norm))
    images = draw(2, 28, 28, 1)
    x = (images + 1) / 2
    for index in range(4):
        x = conv(model, f"conv{index}", x, 2)
        x = relu(norm(model, f"norm{index}", x) if index else x, 0.2)
    expected = logit(model, x)
    np.testing.assert_allclose(found(model, {"images": images}, "logits"), expected, **TOLERANCE)


def test_sndcgan_generator():
    model = with_drawn_weights(sndcgan.generator((16, 16, 3), 5, width=2))
    z = draw(2, 5)
    x = relu(norm(model, "norm0", dense(model, "dense", z))).reshape(2, 2, 2, 16)
    for index in (1, 2, 3):
        x = relu(norm(model, f"norm{index}", deconv(model, f"deconv{index}", x, 2)))
    expected = np.tanh(deconv(model, "deconv4", x, 1))
    np.testing.assert_allclose(found(model, {"z": z}), expected, **TOLERANCE)


def test_sndcgan_discriminator():
    model = with_drawn_weights(sndcgan.discriminator((8, 8, 1), width=2))
    x = images = draw(2, 8, 8, 1)
    for index, stride in enumerate((1, 2, 1, 2, 1, 2, 1)):
        kernel_size = 4 if stride == 2 else 3
        assert weights(model, f"conv{index}")[0].shape[:2] == (kernel_size, kernel_size)
        x = relu(conv(model, f"conv{index}", x, stride), 0.1)
    expected = logit(model, x)
    np.testing.assert_allclose(found(model, {"images": images}, "logits"), expected, **TOLERANCE)


@pytest.mark.parametrize("upsample", UPSAMPLE)
def test_resnet_cifar_generator(upsample):
    layer, up = UPSAMPLE[upsample]
    model = with_drawn_weights(resnet_cifar.generator((16, 16, 3), 5, width=4, upsample=layer))
    z = draw(2, 5)
    x = dense(model, "dense", z).reshape(2, 2, 2, 4)
    for index in range(3):
        x = block(model, f"block{index}", x, up=up)
    x = relu(norm(model, "out_norm", x))
    expected = 2 * sigmoid(conv(model, "out_conv", x)) - 1
    np.testing.assert_allclose(found(model, {"z": z}), expected, **TOLERANCE)


def test_resnet_cifar_discriminator_projects_the_labels():
    model = with_drawn_weights(resnet_cifar.discriminator((8, 8, 3), 4, width=3))
    images, labels = draw(3, 8, 8, 3), np.array([2, 0, -1], np.int32)
    x = (images + 1) / 2
    for index in range(4):
        x = block(model, f"block{index}", x, identity, down=pool if index < 2 else same)
    features = relu(x).mean((1, 2))
    (embedding,) = weights(model, "label_projection")
    rows = np.array([embedding[2], embedding[0], 0 * embedding[0]])
    expected = logit(model, features) + (rows * features).sum(1)
    inputs = {"images": images, "labels": labels}
    np.testing.assert_allclose(found(model, inputs, "features"), features, **TOLERANCE)
    np.testing.assert_allclose(found(model, inputs, "logits"), expected, **TOLERANCE)


class Modulation(keras.layers.Layer):
    """x * (1 + [z, labels] w): small enough to read, and it takes all that a norm may take."""

    conditions = ("z", "labels")

    def build(self, input_shape):
        x, z, labels = input_shape
        self.w = self.add_weight(shape=(z[-1] + labels[-1], x[-1]), initializer="normal")

    def call(self, inputs):
        x, z, labels = inputs
        gain = 1.0 + keras.ops.concatenate([z, labels], -1) @ self.w
        return x * gain[:, None, None]


def test_hierarchical_z_gives_each_norm_its_part():
    model = with_drawn_weights(
        resnet_cifar.generator(
            (8, 8, 1),
            8,
            3,
            width=4,
            norm=Modulation,
            hierarchical_z=True,
            embed_z=True,
            embed_y=True,
        )
    )
    z, labels = draw(2, 8), np.array([2, 1], np.int32)
    whole = dense(model, "embed_z", z)
    y = dense(model, "embed_y", np.eye(3)[labels])
    parts = np.split(whole, 4, 1)
    x = dense(model, "dense", parts[0]).reshape(2, 1, 1, 4)

    def modulation(z, labels):
        def normalise(model, name, x):
            gain = 1 + np.concatenate([z, labels], 1) @ weights(model, name)[0]
            return x * gain[:, None, None]

        return normalise

    for index, part in enumerate(parts[1:]):
        normalise = modulation(part, np.concatenate([part, y], 1))
        x = block(model, f"block{index}", x, normalise, up=UPSAMPLE["nearest"][1])
    x = relu(modulation(whole, y)(model, "out_norm", x))
    expected = 2 * sigmoid(conv(model, "out_conv", x)) - 1
    np.testing.assert_allclose(found(model, {"z": z, "labels": labels}), expected, **TOLERANCE)


def test_resnet_stl():
    generator = with_drawn_weights(resnet_stl.generator((24, 24, 1), 5, width=2))
    z = draw(2, 5)
    x = dense(generator, "dense", z).reshape(2, 3, 3, 16)
    for index in range(3):
        x = block(generator, f"block{index}", x, up=UPSAMPLE["nearest"][1])
    x = relu(norm(generator, "out_norm", x))
    images = 2 * sigmoid(conv(generator, "out_conv", x)) - 1
    np.testing.assert_allclose(found(generator, {"z": z}), images, **TOLERANCE)

    discriminator = with_drawn_weights(resnet_stl.discriminator((16, 16, 1), width=2))
    images = draw(2, 16, 16, 1)
    x = (images + 1) / 2
    for index in range(5):
        x = block(discriminator, f"block{index}", x, identity, down=pool if index < 4 else same)
    expected = logit(discriminator, relu(x).mean((1, 2)))
    logits = found(discriminator, {"images": images}, "logits")
    np.testing.assert_allclose(logits, expected, **TOLERANCE)


def test_resnet5():
    generator = with_drawn_weights(resnet5.generator((16, 16, 3), 5, width=2))
    z = draw(2, 5)
    x = dense(generator, "dense", z).reshape(2, 4, 4, 16)
    for index in range(5):
        up = UPSAMPLE["nearest"][1] if index < 2 else same
        x = block(generator, f"block{index}", x, up=up)
    x = relu(norm(generator, "out_norm", x))
    images = 2 * sigmoid(conv(generator, "out_conv", x)) - 1
    np.testing.assert_allclose(found(generator, {"z": z}), images, **TOLERANCE)

    discriminator = with_drawn_weights(resnet5.discriminator((16, 16, 3), width=2))
    x = (images + 1) / 2
    for index in range(6):
        x = block(discriminator, f"block{index}", x, identity, down=pool)
    expected = logit(discriminator, relu(x).mean((1, 2)))
    logits = found(discriminator, {"images": images}, "logits")
    np.testing.assert_allclose(logits, expected, **TOLERANCE)


def test_resnet30():
    generator = with_drawn_weights(
        resnet30.generator((32, 32, 1), 5, width=1, depth=1, norm=no_norm)
    )
    z = draw(2, 5)
    x = dense(generator, "dense", z).reshape(2, 1, 1, 32)
    for stage in range(6):
        if stage:
            up = UPSAMPLE["nearest"][1]
            x = block(generator, f"stage{stage}_resize", x, identity, up=up)
        x = block(generator, f"stage{stage}_block0", x, identity)
    images = 2 * sigmoid(conv(generator, "out_conv", x)) - 1
    np.testing.assert_allclose(found(generator, {"z": z}), images, **TOLERANCE)

    discriminator = with_drawn_weights(resnet30.discriminator((32, 32, 1), width=1, depth=1))
    x = conv(discriminator, "in_conv", (images + 1) / 2)
    for stage in range(6):
        if stage:
            x = block(discriminator, f"stage{stage}_resize", x, identity, down=pool)
        x = block(discriminator, f"stage{stage}_block0", x, identity)
    expected = logit(discriminator, x)
    logits = found(discriminator, {"images": images}, "logits")
    np.testing.assert_allclose(logits, expected, **TOLERANCE)


def test_mlp():
    generator = with_drawn_weights(mlp.generator((4, 4, 1), 5, units=6, norm=batch_norm))
    z = draw(2, 5)
    x = relu(norm(generator, "norm0", dense(generator, "dense0", z)))
    x = relu(norm(generator, "norm1", dense(generator, "dense1", x)))
    images = np.tanh(dense(generator, "out", x)).reshape(2, 4, 4, 1)
    np.testing.assert_allclose(found(generator, {"z": z}), images, **TOLERANCE)

    discriminator = with_drawn_weights(mlp.discriminator((4, 4, 1), 3, units=6))
    labels = np.array([2, 1], np.int32)
    x = np.concatenate([images.reshape(2, 16), np.eye(3)[labels]], 1)
    x = relu(dense(discriminator, "dense0", x), 0.2)
    expected = logit(discriminator, relu(dense(discriminator, "dense1", x), 0.2))
    logits = found(discriminator, {"images": images, "labels": labels}, "logits")
    np.testing.assert_allclose(logits, expected, **TOLERANCE)


def test_maxout():
    generator = with_drawn_weights(maxout.generator((4, 4, 1), 5, units=6))
    z = draw(2, 5)
    x = relu(dense(generator, "dense0", z))
    x = relu(dense(generator, "dense1", x))
    images = 2 * sigmoid(dense(generator, "out", x)).reshape(2, 4, 4, 1) - 1
    np.testing.assert_allclose(found(generator, {"z": z}), images, **TOLERANCE)

    discriminator = with_drawn_weights(maxout.discriminator((4, 4, 1), units=3, pieces=2))
    x = (images.reshape(2, 16) + 1) / 2
    for index in range(2):
        x = dense(discriminator, f"maxout{index}_pieces", x).reshape(2, 3, 2).max(2)
    expected = logit(discriminator, x)
    logits = found(discriminator, {"images": images}, "logits")
    np.testing.assert_allclose(logits, expected, **TOLERANCE)
