"""Options by which networks become those of other sources: pooling, widths, starts, doubling."""

import gin
import keras
import numpy as np
import pytest

from compare_gan_tf.architectures import (
    biggan,
    biggan_deep,
    pooling,
    residual,
    resnet5,
    resnet_cifar,
    resnet_stl,
    sagan,
)
from compare_gan_tf.config import configurables
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import no_norm

SHAPE = (32, 32, 3)
SUMMING = {"biggan": (biggan, {"ch": 4}), "biggan_deep": (biggan_deep, {"ch": 4}),
           "sagan": (sagan, {"ch": 4})}  # fmt: skip
AVERAGING = {"resnet_cifar": (resnet_cifar, {"width": 4}), "resnet_stl": (resnet_stl, {"width": 4}),
             "resnet5": (resnet5, {"width": 4})}  # fmt: skip


@pytest.mark.parametrize("name", [*SUMMING, *AVERAGING])
def test_the_sum_is_the_mean_times_the_pixels(name):
    module, sizes = (SUMMING | AVERAGING)[name]
    images = np.random.default_rng(0).uniform(-1, 1, [3, *SHAPE]).astype(np.float32)
    found = {}
    for label, rule in (("published", None), ("sum", pooling.total), ("mean", pooling.mean)):
        keras.utils.set_random_seed(3)
        network = module.discriminator(SHAPE, **sizes, **({"pooling": rule} if rule else {}))
        found[label] = network({"images": images})["features"].numpy()
    np.testing.assert_allclose(found["sum"], found["mean"] * _pixels(name), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found["published"], found["sum" if name in SUMMING else "mean"])
    assert np.any(found["mean"] != 0)


def _pixels(name: str) -> int:
    module, sizes = (SUMMING | AVERAGING)[name]
    relu = "final_relu" if name in SUMMING else "out_relu"
    return int(np.prod(module.discriminator(SHAPE, **sizes).get_layer(relu).output.shape[1:3]))


def test_gin_names_the_poolings():
    configurables.load()
    gin.parse_config("sagan.discriminator.pooling = @pooling.mean\nsagan.discriminator.ch = 4")
    try:
        network = sagan.discriminator(SHAPE)
    finally:
        gin.clear_config()
    assert network.get_layer("pool")


@pytest.mark.parametrize("wrong", ["mean", 1, lambda x: x, lambda: 0])
def test_what_is_no_pooling_is_refused(wrong):
    with pytest.raises(UserError, match=r"pooling.*@pooling.mean"):
        sagan.discriminator(SHAPE, ch=4, pooling=wrong)


def test_bilinear_doubling_is_between_centres_and_held_at_borders():
    x = np.array([0.0, 4.0, 8.0], np.float32)
    expected = np.array([0.0, 1.0, 3.0, 5.0, 7.0, 8.0])
    layer = residual.bilinear()
    along = layer(x.reshape(1, 1, 3, 1)).numpy()
    np.testing.assert_array_equal(along[0, :, :, 0], [expected, expected])
    down = layer(x.reshape(1, 3, 1, 1)).numpy()
    np.testing.assert_array_equal(down[0, :, :, 0], np.stack([expected] * 2, 1))
    both = layer(np.add.outer(x, 10 * x).reshape(1, 3, 3, 1)).numpy()
    np.testing.assert_allclose(both[0, :, :, 0], np.add.outer(expected, 10 * expected))


def test_kernels_of_the_residual_path_may_begin_wider():
    """Glorot's uniform with gain sqrt 2, as mimicry and pfnet-research/sngan_projection begin."""
    keras.utils.set_random_seed(0)
    wide = {"class_name": "VarianceScaling",
            "config": {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}}  # fmt: skip
    starts = {"kernel_initializer": "glorot_uniform", "residual_initializer": wide}
    for network in (
        sagan.generator(SHAPE, 16, norm=no_norm, kernel_norm=None, ch=8, attention=(), **starts),
        sagan.discriminator(SHAPE, kernel_norm=None, ch=16, attention=(), **starts),
    ):
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D):
                kernel = np.asarray(layer.kernel)
                fans = np.prod(kernel.shape[:2]) * sum(kernel.shape[2:])
                gain = np.sqrt(2) if "_conv" in layer.name and "final" not in layer.name else 1
                limit = gain * np.sqrt(6 / fans)
                assert np.abs(kernel).max() <= limit, layer.name
                assert np.abs(kernel).max() > 0.9 * limit or kernel.size < 100, layer.name


@pytest.mark.parametrize(("module", "sizes"), [(sagan, {"ch": 4}), (biggan, {"ch": 4})])
def test_shortcuts_may_take_what_a_relu_in_place_has_left(module, sizes):
    """In StudioGAN and mimicry: x of every block but B1 is relu(x) by the time it is added."""
    images = np.random.default_rng(0).normal(size=[2, *SHAPE]).astype(np.float32)
    settings = {**sizes, "attention": (), "kernel_norm": None}
    found = {}
    for rectified in (False, True):
        keras.utils.set_random_seed(3)
        network = module.discriminator(SHAPE, **settings, relu_shortcut=rectified)
        for layer in network.layers:
            if layer.name.endswith("_conv2") and layer.name != "B1_conv2":
                layer.kernel.assign(0.0 * layer.kernel)
        ends = [network.get_layer(name).output for name in ("B1", "B2_shortcut_down", "B2")]
        before, shortcut, after = map(np.asarray, keras.Model(network.inputs, ends)([images]))
        assert np.any(before < 0)
        taken = np.maximum(before, 0) if rectified else before
        expected = taken.reshape(2, 8, 2, 8, 2, -1).mean((2, 4))
        np.testing.assert_allclose(shortcut, expected, rtol=1e-5, atol=1e-6)
        if any(layer.name == "B2_shortcut" for layer in network.layers):
            shortcut = np.asarray(network.get_layer("B2_shortcut")(shortcut))
        np.testing.assert_allclose(after, shortcut, rtol=1e-5, atol=1e-6)
        found[rectified] = before
    np.testing.assert_array_equal(found[False], found[True])


# --- mimicry's networks: torch_mimicry/nets/sngan/sngan_{32,48,64,128}.py -----------------------


def _conv(inputs, outputs, side=3):
    return side * side * inputs * outputs + outputs


def _g_count(first, widths, bottom):
    count, before = 128 * bottom**2 * first + bottom**2 * first, first
    for width in widths:
        convolutions = _conv(before, width) + _conv(width, width) + _conv(before, width, 1)
        count += convolutions + 2 * before + 2 * width  # two batch norms
        before = width
    return count + 2 * before + _conv(before, 3)


def _d_count(widths, learned):
    """`learned`: whether a block has a shortcut of its own; hidden channels are those of input."""
    first = widths[0]
    count, before = _conv(3, first) + _conv(first, first) + _conv(3, first, 1), first
    for width, shortcut in zip(widths[1:], learned, strict=True):
        count += _conv(before, before) + _conv(before, width)
        count += _conv(before, width, 1) if shortcut else 0
        before = width
    return count + before + 1


MIMICRY = {
    32: (_g_count(256, [256] * 3, 4), _d_count([128] * 4, [1, 0, 0])),
    48: (_g_count(512, [256, 128, 64], 6), _d_count([64, 128, 256, 512, 1024], [1] * 4)),
    64: (_g_count(1024, [512, 256, 128, 64], 4), _d_count([64, 128, 256, 512, 1024], [1] * 4)),
    128: (
        _g_count(1024, [1024, 512, 256, 128, 64], 4),
        _d_count([64, 128, 256, 512, 1024, 1024], [1, 1, 1, 1, 0]),
    ),
}


@pytest.mark.parametrize("side", MIMICRY)
def test_mimicrys_networks_have_its_parameters(side):
    plain = {"attention": (), "kernel_norm": None, "kernel_initializer": "zeros"}
    generator = sagan.generator((side, side, 3), 128, **plain)
    halvings = {"halvings": 5} if side == 64 else {}
    discriminator = sagan.discriminator((side, side, 3), narrow=True, **plain, **halvings)
    found = [sum(np.prod(v.shape) for v in network.trainable_variables)
             for network in (generator, discriminator)]  # fmt: skip
    assert found == list(MIMICRY[side])
    if side != 32:  # theirs end at 3, 2 and 4 pixels a side
        maps = discriminator.get_layer("final_relu").output.shape[1]
        assert maps == {48: 3, 64: 2, 128: 4}[side]
