"""The residual and the dense networks match networks written in numpy from their tables."""

import keras
import numpy as np
import pytest
from numpy_layers import (
    TOLERANCE,
    conv,
    dense,
    draw,
    found,
    logit,
    norm,
    relu,
    sigmoid,
    weights,
    with_drawn_weights,
)

from compare_gan_tf.architectures import (
    maxout,
    mlp,
    residual,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
)
from compare_gan_tf.layers import batch_norm, no_norm

UPSAMPLE = {
    "nearest": (residual.nearest, lambda x: x.repeat(2, 1).repeat(2, 2)),
    "zero_insertion": (residual.zero_insertion, lambda x: insert_zeros(x)),
}


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
