"""A resizing beside a convolution as one operation: the same numbers, fewer products."""

import itertools

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import resnet_cifar
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import multiply_adds
from compare_gan_tf.layers import (
    BilinearDoubling,
    ResizedConv2D,
    ZeroInsertion,
    mean_halving,
    nearest_doubling,
    plain_forms,
    spectral_norm,
    weight_norm,
)

RNG = np.random.default_rng(0)
RESIZING = {
    "nearest": {"up": nearest_doubling},
    "zeros": {"up": ZeroInsertion},
    "bilinear": {"up": BilinearDoubling},
    "mean": {"down": mean_halving},
}
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
    layers = []
    for form in ("plain", "strided"):
        parts = {name: make(dtype=dtype) for name, make in RESIZING[resizing].items()}
        layers.append(ResizedConv2D(4, side, form=form, dtype=dtype, **parts))
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
        ("bilinear", 3, 80 * 9 * 12 + 192 * 4 * 16 + 2 * (16 + 12) * 3 * 12),
        ("mean", 3, 12 * 9 * 12 + 7 * 9 * 3 * 4),
        ("zeros", 1, 48 * 12),
        ("nearest", 1, 48 * 12),
        ("bilinear", 1, 48 * 12),
        ("mean", 1, 12 * 12),
    ],
)
def test_the_strided_form_takes_fewer_products(resizing, side, expected):
    """From 3 to 4 channels, from 6 x 8 pixels."""
    inputs = keras.Input((6, 8, 3))
    model = keras.Model(inputs, pair(resizing, side, "float32")[1](inputs))
    pixels = 48 if resizing == "mean" else 192
    assert multiply_adds.rows(model)[-1].multiply_adds == pixels * side**2 * 12
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
    layers = {name: ResizedConv2D(4, 3, **{k: m() for k, m in RESIZING[name].items()})
              for name in RESIZING}  # fmt: skip
    shape = (2, 6, 8, 3)
    assert {n: layer.is_strided(shape) for n, layer in layers.items()} == {
        "nearest": True, "zeros": True, "bilinear": False, "mean": True,
    }  # fmt: skip
    with plain_forms():
        assert not any(layer.is_strided(shape) for layer in layers.values())
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind] * (kind == "GPU"))
    assert not any(layer.is_strided(shape) for layer in layers.values())


def test_a_layer_of_ones_own_is_called_before_the_convolution():
    own = keras.layers.UpSampling2D(3)
    layer = ResizedConv2D(4, 3, own, form="strided")
    x = tf.constant(RNG.normal(size=(2, 4, 5, 3)), tf.float32)
    y = layer(x)
    assert y.shape == (2, 12, 15, 4)
    expected = tf.nn.conv2d(own(x), layer.kernel.value, 1, "SAME")
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


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
        ResizedConv2D(4, 3, nearest_doubling(), form="quick")
