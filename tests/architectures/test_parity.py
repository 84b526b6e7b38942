"""Forward passes of one network of each family against a numpy reading of its table of layers.

The readings are float64 and in the formulas' own order; all weights are drawn anew, so that none is
0 or 1. Networks are float32: a relative error of 1e-7 a product, in at most a hundred layers.
"""

import numpy as np
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
    dcgan,
    deep_conv,
    infogan,
    sndcgan,
)
from compare_gan_tf.layers import batch_norm


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


def test_deep_conv_generator():
    model = with_drawn_weights(deep_conv.generator((16, 16, 3), 5, width=2))
    z = draw(2, 5)
    x = dense(model, "dense", z).reshape(2, 2, 2, 16)
    for index in range(3):
        x = relu(norm(model, f"norm{index}", deconv(model, f"deconv{index}", x, 2)))
    expected = np.tanh(conv(model, "conv", x))
    np.testing.assert_allclose(found(model, {"z": z}), expected, **TOLERANCE)


def test_deep_conv_discriminator():
    model = with_drawn_weights(deep_conv.discriminator((8, 8, 1), width=2))
    x = images = draw(2, 8, 8, 1)
    for index, stride in enumerate((1, 2, 1, 2, 1, 2, 1)):
        x = relu(norm(model, f"norm{index}", conv(model, f"conv{index}", x, stride)))
    expected = logit(model, x.sum((1, 2)))
    np.testing.assert_allclose(found(model, {"images": images}, "logits"), expected, **TOLERANCE)
