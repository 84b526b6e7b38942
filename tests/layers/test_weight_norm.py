import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import ChannelMap, weight_norm

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.normal(size=(2, 6, 5, 3)), tf.float32)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Dense(4),
        keras.layers.Conv2D(4, 3),
        keras.layers.Conv2D(6, 3, groups=3),
        keras.layers.Conv2DTranspose(4, 3, 2),
    ],
)
def test_it_starts_as_the_layer_does(layer):
    expected = layer(IMAGES).numpy()
    np.testing.assert_allclose(weight_norm(layer)(IMAGES), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "outputs"),
    [
        (keras.layers.Dense(4, use_bias=False), 1),
        (keras.layers.Conv2D(4, 3, use_bias=False), 3),
        (keras.layers.Conv2DTranspose(4, 3, 2, use_bias=False), 2),
    ],
)
def test_g_scales_the_direction_of_each_output(layer, outputs):
    """With kernel v and gains g it is the layer with the kernel g v / |v|."""
    wrapped = weight_norm(layer)
    wrapped(IMAGES)
    shape = tuple(layer.kernel.shape)
    v, g = RNG.normal(size=shape), RNG.normal(size=4)
    layer.kernel.assign(v)
    wrapped.g.assign(g)
    found = wrapped(IMAGES).numpy()
    np.testing.assert_array_equal(layer.kernel, v.astype(np.float32))  # v itself stays
    rows = np.moveaxis(v, outputs, 0).reshape(4, -1)
    scale = (g / np.linalg.norm(rows, axis=1)).reshape([-1] + [1] * (len(shape) - 1 - outputs))
    layer.kernel.assign(v * scale)
    np.testing.assert_allclose(found, layer(IMAGES), rtol=1e-4, atol=1e-5)


def test_gradients_are_the_papers():
    """Eq. 3: dg = dw . v / |v| and dv = g / |v| (dw - dg v / |v|), for each output."""
    layer = keras.layers.Dense(3, use_bias=False)
    wrapped = weight_norm(layer)
    wrapped.build((None, 4))
    v, g, dw = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=(4, 3))
    layer.kernel.assign(v)
    wrapped.g.assign(g)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(wrapped(tf.eye(4)) * tf.constant(dw, tf.float32))
    found_v, found_g = tape.gradient(value, [layer.kernel.value, wrapped.g.value])
    norm = np.linalg.norm(v, axis=0)
    dg = (dw * v).sum(0) / norm
    np.testing.assert_allclose(found_g, dg, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found_v, g / norm * (dw - dg * v / norm), rtol=1e-4, atol=1e-5)


def test_a_kernel_that_starts_at_0_is_refused():
    layer = weight_norm(ChannelMap(initializer="zeros", name="gain"))
    with pytest.raises(UserError, match="weight_norm cannot be on 'gain'.*starts at 0"):
        layer.build([(None, 4, 4, 8), (None, 3)])
