"""A resizing beside a convolution as one operation: the same numbers, fewer products."""

import functools
import itertools

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN
from compare_gan_tf.architectures import mlp, resnet_cifar
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import multiply_adds
from compare_gan_tf.layers import (
    BilinearDoubling,
    ResizedConv2D,
    mean_halving,
    nearest_doubling,
    plain_forms,
    resized_conv,
    spectral_norm,
    under_xla,
    weight_norm,
)
from compare_gan_tf.layers.state import is_under_xla
from compare_gan_tf.objectives import Adversarial

RNG = np.random.default_rng(0)
RESIZING = ("nearest", "zeros", "bilinear", "mean")
SIDES = [(6, 8), (1, 3)]
EXISTS = {  # (resizing, side of the kernel, sides of the maps) that have a strided form
    *itertools.product(["nearest"], [1, 3, 4, 5], SIDES),
    *itertools.product(["zeros"], [1, 3, 5], SIDES),
    *itertools.product(["bilinear"], [1, 3], SIDES),
    *itertools.product(["mean"], [1, 2, 3, 4, 5], [SIDES[0]]),
    ("mean", 1, SIDES[1]),
}


def pair(resizing: str, side: int, dtype="float64"):
    """The plain and the strided layer with the same weights, of 3 input channels."""
    layers = [ResizedConv2D(4, side, resizing, form, dtype=dtype) for form in ("plain", "strided")]
    weights = RNG.normal(size=(side, side, 3, 4)), RNG.normal(size=4)
    for layer in layers:
        layer.build((None, 6, 8, 3))
        layer.set_weights(weights)
    return layers


def value_and_derivatives(layer, x):
    """conv(x), the gradients of a sum of its tanh, those of the slope's square."""
    kernel = layer.kernel.value
    with tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as inner:
            inner.watch([x, kernel])
            y = layer(x)
            total = tf.reduce_sum(tf.tanh(y / 10.0))
        first = inner.gradient(total, [x, kernel])
        slope = tf.reduce_sum(tf.square(first[0]))
    return [y, *first, *outer.gradient(slope, [x, kernel])]


@pytest.mark.parametrize(("resizing", "side", "sides"), sorted(EXISTS))
def test_the_strided_form_is_the_plain_one_up_to_rounding(resizing, side, sides):
    """Value, both first derivatives, and both second ones, as penalties need them."""
    plain, strided = pair(resizing, side)
    x = tf.constant(RNG.normal(size=(2, *sides, 3)))
    assert not plain.is_strided(x.shape)
    assert strided.is_strided(x.shape)
    both = (value_and_derivatives(form, x) for form in (plain, strided))
    for expected, found in zip(*both, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)
    assert plain.compute_output_shape(x.shape) == tuple(strided(x).shape)


@pytest.mark.parametrize(
    ("resizing", "side", "sides"),
    sorted(set(itertools.product(RESIZING, [1, 2, 3, 4, 5], SIDES)) - EXISTS),
)
def test_where_no_strided_form_is_equal_the_layer_stays_plain(resizing, side, sides):
    plain, strided = pair(resizing, side)
    x = tf.constant(RNG.normal(size=(2, *sides, 3)))
    assert not strided.is_strided(x.shape)
    np.testing.assert_array_equal(strided(x), plain(x))


@pytest.mark.parametrize(
    ("resizing", "side", "expected"),
    [
        ("zeros", 3, 48 * 9 * 12),
        ("nearest", 3, 48 * 9 * 12 + 192 * 4 * 4),  # the last: sums of 2 x 2, each channel alone
        # 8 x 10 extended pixels; sums of 4 x 4; two rows and two columns outside.
        # These are of each border, doubled by sums of 4 x 4, too: 3 x 10 and 8 x 3 pixels.
        ("bilinear", 3, 80 * 9 * 12 + 192 * 4 * 16 + 2 * (16 + 12) * 3 * 12 + 2 * 54 * 16 * 3),
        ("mean", 3, 12 * 9 * 12 + 7 * 9 * 3 * 4),
        ("zeros", 1, 48 * 12),
        ("nearest", 1, 48 * 12),
        ("bilinear", 1, 48 * 12 + 80 * 16 * 4),
        ("mean", 1, 12 * 12),
    ],
)
def test_the_strided_form_takes_fewer_products(resizing, side, expected):
    """From 3 to 4 channels, from 6 x 8 pixels."""
    inputs = keras.Input((6, 8, 3))
    model = keras.Model(inputs, pair(resizing, side, "float32")[1](inputs))
    pixels = 48 if resizing == "mean" else 192
    own = 80 * 16 * 3 if resizing == "bilinear" else 0  # of the resizing itself
    assert multiply_adds.rows(model)[-1].multiply_adds == pixels * side**2 * 12 + own
    assert multiply_adds.rows(model, computed=True)[-1].multiply_adds == expected


@pytest.mark.parametrize("reparameterised", [spectral_norm, weight_norm])
@pytest.mark.parametrize("resizing", RESIZING)
def test_kernel_norms_act_on_the_kernel_of_either_form(reparameterised, resizing):
    x = tf.constant(RNG.normal(size=(2, 6, 8, 3)), tf.float32)
    outputs = []
    for layer in pair(resizing, 3, "float32"):
        keras.utils.set_random_seed(0)  # spectral norm's vector
        wrapped = reparameterised(layer)
        wrapped.build(x.shape)
        if reparameterised is weight_norm:
            wrapped.g.assign(3.0 * wrapped.g)
        outputs.append(wrapped(x))
    assert not np.allclose(outputs[0], layer(x), rtol=0.1)
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)


def test_auto_takes_what_was_measured_to_win(monkeypatch):
    def strided(side):
        shape = (2, side, side, 3)
        return {kind for kind in RESIZING if ResizedConv2D(4, 3, kind).is_strided(shape)}

    assert strided(8) == {"nearest", "zeros", "mean"}
    assert strided(16) == set(RESIZING)
    with plain_forms():
        with plain_forms():
            pass
        assert strided(16) == set()
    with under_xla():
        assert strided(16) == {"zeros"}
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind] * (kind == "GPU"))
    assert strided(16) == set()


def test_training_tells_the_layers_of_xla():
    noted = []

    class Noting(keras.layers.Layer):
        def call(self, x):
            noted.append(is_under_xla())
            return x

    for compiled in (False, True):
        player = functools.partial(mlp.discriminator, units=2, depth=1, norm=Noting)
        gan = GAN((2,), generator=mlp.generator, discriminator=player, objectives=[Adversarial()])
        gan.compile(jit_compile=compiled)
        noted.clear()
        gan.train_step((tf.zeros((4, gan.slices, 2)), None))
        assert set(noted) == {compiled}


@pytest.mark.parametrize("kernel_norm", [None, spectral_norm])
@pytest.mark.parametrize("known", [True, False])
def test_other_layers_stay_layers_of_the_network(known, kernel_norm):
    """Such as one with weights, or one that changes channels; the convolution comes after it."""

    class Doubling(keras.layers.Conv2DTranspose):
        def __init__(self, name):
            super().__init__(5, 2, 2, name=name)

    up = nearest_doubling if known else Doubling
    inputs = keras.Input((6, 8, 3))
    maps = resized_conv(4, 3, up=up, kernel_norm=kernel_norm, name="conv")(inputs)
    model = keras.Model(inputs, maps)
    assert model.output_shape == (None, 12, 16, 4)
    layer = model.get_layer("conv")
    layer = layer.layer if kernel_norm else layer
    assert isinstance(layer, ResizedConv2D) == known
    assert layer.kernel.shape == (3, 3, 3 if known else 5, 4)
    assert len(model.trainable_variables) == (2 if known else 4)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (None, lambda name: keras.layers.MaxPooling2D(2, name=name)),
        (None, lambda name: keras.layers.AveragePooling2D(4, name=name)),
        (nearest_doubling, mean_halving),
        (mean_halving, None),
        (lambda name: keras.layers.UpSampling2D(3, name=name), None),
        (None, nearest_doubling),
    ],
)
def test_other_resizings_are_computed_as_written(up, down):
    x = tf.constant(RNG.normal(size=(2, 8, 8, 3)), tf.float32)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, resized_conv(4, 3, up=up, down=down, name="conv")(inputs))
    conv = model.get_layer("conv")
    assert type(conv) is keras.layers.Conv2D
    expected = conv(up(name="u")(x) if up else x)
    expected = down(name="d")(expected) if down else expected
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "setting",
    [
        {"strides": 2}, {"dilation_rate": 2}, {"groups": 3}, {"activation": "relu"},
        {"padding": "valid"}, {"data_format": "channels_first"}, {"kernel_size": (1, 3)},
    ],
)  # fmt: skip
def test_what_the_forms_do_not_have_is_refused(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        ResizedConv2D(**({"filters": 3, "kernel_size": 3, "resizing": "nearest"} | setting))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("resizing", RESIZING)
def test_mixed_precision(resizing, dtype):
    plain, strided = pair(resizing, 3, dtype)
    x = tf.constant(RNG.normal(size=(2, 6, 8, 3)), tf.float32)
    found, expected = strided(x), plain(x)
    assert found.dtype == expected.dtype == plain.compute_dtype
    np.testing.assert_allclose(
        tf.cast(found, tf.float32), tf.cast(expected, tf.float32), rtol=0.05, atol=0.2
    )


@pytest.mark.parametrize("resizing", ["nearest", "mean"])
def test_unknown_sides_take_the_plain_form(resizing):
    layer = ResizedConv2D(4, 3, resizing, form="strided")
    run = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 3))])
    side = 16 if resizing == "nearest" else 4
    assert run(tf.zeros((2, 8, 8, 3))).shape == (2, side, side, 4)


@pytest.mark.parametrize("side", [4, 7])
def test_bilinear_doubling_under_xla_is_the_same(side):
    x = tf.constant(RNG.normal(size=(2, side, 3, 2)), tf.float32)
    expected = BilinearDoubling()(x)
    with under_xla():
        np.testing.assert_allclose(BilinearDoubling()(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("resizing", RESIZING)
def test_saved_and_loaded(resizing, tmp_path):
    inputs = keras.Input((6, 8, 3))
    model = keras.Model(inputs, pair(resizing, 3, "float32")[1](inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(2, 6, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.layers[-1].form == "strided"


def test_any_batch_size():
    inputs = keras.Input((6, 8, 3))
    model = keras.Model(inputs, pair("nearest", 3, "float32")[1](inputs))
    traced = tf.function(model).get_concrete_function(tf.TensorSpec((None, 6, 8, 3)))
    assert traced(tf.zeros((5, 6, 8, 3))).shape == (5, 12, 16, 4)


def test_the_form_is_a_setting(no_bindings):
    gin.parse_config("resized_conv.form = 'plain'")
    generator = resnet_cifar.generator((8, 8, 1), 4, width=2)
    assert generator.get_layer("block0_conv0").form == "plain"
    with pytest.raises(UserError, match="form"):
        ResizedConv2D(4, 3, "nearest", "quick")
