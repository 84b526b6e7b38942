import math

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import dcgan, is_conditional, mlp, sndcgan
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm, spectral_norm

FAMILIES = {"dcgan": dcgan, "sndcgan": sndcgan}


def size(variables):
    return sum(math.prod(v.shape) for v in variables)


@pytest.mark.parametrize("family", FAMILIES)
def test_parameter_counts_equal_compare_gans(golden, family):
    rows = golden("compare_gan")["parameters"][family]
    assert len(rows) == 5
    for shape, *expected in rows:
        generator = FAMILIES[family].generator(tuple(shape), 128)
        discriminator = FAMILIES[family].discriminator(tuple(shape), kernel_norm=spectral_norm)
        found = [
            size(generator.trainable_variables),
            size(generator.non_trainable_variables),
            size(discriminator.trainable_variables),
            size(discriminator.non_trainable_variables),
            len(generator.trainable_variables),
            len(discriminator.trainable_variables),
        ]
        assert found == expected, shape


@pytest.mark.parametrize("family", ["dcgan", "sndcgan", "mlp"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3)])
def test_shapes_and_range(family, shape):
    module = {**FAMILIES, "mlp": mlp}[family]
    narrow = {} if family == "mlp" else {"width": 4}
    images = module.generator(shape, 5, **narrow)({"z": 100 * tf.ones([3, 5])}, training=True)
    assert images.shape == (3, *shape)
    assert np.abs(images).max() <= 1.0
    scores = module.discriminator(shape, **narrow)({"images": images})
    assert scores["logits"].shape == (3,)
    assert scores["features"].shape[0] == 3
    assert len(scores["features"].shape) == 2


def test_sndcgan_matches_a_numpy_reading_of_the_layer_table():
    """One 8x8 image through D with SAME convolutions written out as sums."""
    model = sndcgan.discriminator((8, 8, 1), width=2)
    image = np.random.default_rng(0).uniform(-1, 1, (8, 8, 1))
    x = image
    for index, (kernel_size, stride) in enumerate(
        [(3, 1), (4, 2), (3, 1), (4, 2), (3, 1), (4, 2), (3, 1)]
    ):
        kernel, bias = (v.numpy() for v in model.get_layer(f"conv{index}").weights)
        assert kernel.shape[:2] == (kernel_size, kernel_size)
        x = same_convolution(x, kernel, stride) + bias
        x = np.where(x > 0, x, 0.1 * x)
    kernel, bias = (v.numpy() for v in model.get_layer("logit").weights)
    expected = (x.reshape(1, -1) @ kernel + bias)[0, 0]
    found = model({"images": image[None].astype(np.float32)})["logits"][0]
    assert float(found) == pytest.approx(expected, rel=1e-4)


def same_convolution(x, kernel, stride):
    size = -(-x.shape[0] // stride)
    total = max((size - 1) * stride + kernel.shape[0] - x.shape[0], 0)
    padded = np.pad(x, ((total // 2, total - total // 2),) * 2 + ((0, 0),))
    out = np.zeros((size, size, kernel.shape[3]))
    for i in range(size):
        for j in range(size):
            patch = padded[i * stride :, j * stride :][: kernel.shape[0], : kernel.shape[1]]
            out[i, j] = np.tensordot(patch, kernel, 3)
    return out


def test_dcgan_discriminator_reads_images_in_the_unit_interval():
    model = dcgan.discriminator((8, 8, 1), width=2)
    black = -tf.ones([1, 8, 8, 1])  # 0 in the unit interval: all biases are 0, so is the logit
    assert float(model({"images": black})["logits"][0]) == 0.0


def test_labels_reach_the_players():
    generator = mlp.generator((2,), 4, num_classes=3, norm=batch_norm)
    discriminator = mlp.discriminator((2,), num_classes=3)
    assert is_conditional(generator) and is_conditional(discriminator)
    z = tf.ones([3, 4])
    points = generator({"z": z, "labels": tf.constant([0, 1, 1])}).numpy()
    assert not np.allclose(points[0], points[1])
    np.testing.assert_array_equal(points[1], points[2])
    logits = discriminator({"images": tf.ones([2, 2]), "labels": tf.constant([0, 2])})["logits"]
    assert float(logits[0]) != float(logits[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_an_architecture_cannot_do_is_refused(family):
    module = FAMILIES[family]
    with pytest.raises(UserError, match=r"needs images.*\(2,\).*mlp"):
        module.generator((2,), 4)
    with pytest.raises(UserError, match="takes no labels.*conditional"):
        module.discriminator((8, 8, 1), num_classes=10)
