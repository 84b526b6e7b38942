import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import attention, spectral_norm

RNG = np.random.default_rng(0)


def make(shape, **settings):
    x = keras.Input(shape)
    return keras.Model(x, attention(x, **settings))


def pooled(maps):
    """The largest of each 2x2, an odd last row or column left out."""
    n, height, width, channels = maps.shape
    maps = maps[:, : height // 2 * 2, : width // 2 * 2]
    return maps.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def reading(x, theta, phi, g, out, sigma):
    """The block in numpy, one sample and one position at a time."""
    found = np.empty_like(x)
    keys, values = pooled(x @ phi), pooled(x @ g)
    for sample, row, column in np.ndindex(x.shape[:3]):
        scores = keys[sample] @ (x[sample, row, column] @ theta)
        weights = np.exp(scores - scores.max())
        attended = np.tensordot(weights / weights.sum(), values[sample], 2)
        found[sample, row, column] = x[sample, row, column] + sigma * (attended @ out)
    return found


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # 2x2 has one key
@pytest.mark.parametrize("shape", [(4, 6, 16), (2, 2, 8), (5, 7, 5)])
def test_it_equals_numpy(shape):
    model = make(shape)
    for variable in model.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    kernels = [
        model.get_layer(f"attention_{part}").kernel.numpy()[0, 0].astype(np.float64)
        for part in ("theta", "phi", "g", "out")
    ]
    x = RNG.normal(size=(3, *shape))
    sigma = float(model.get_layer("attention").sigma)
    expected = reading(x, *kernels, sigma)
    np.testing.assert_allclose(model(x), expected, atol=1e-4 * np.abs(expected).max())


def test_it_starts_as_the_identity():
    x = tf.constant(RNG.normal(size=(2, 4, 4, 8)), tf.float32)
    np.testing.assert_array_equal(make((4, 4, 8))(x), x)


@pytest.mark.parametrize(("channels", "parameters"), [(192, 46081), (64, 5121), (8, 81)])
def test_it_has_compare_gans_widths_and_no_bias(channels, parameters):
    model = make((8, 8, channels), kernel_norm=spectral_norm)
    shapes = {v.path.split("/")[0]: tuple(v.shape) for v in model.trainable_variables}
    assert shapes == {
        "attention_theta": (1, 1, channels, channels // 8),
        "attention_phi": (1, 1, channels, channels // 8),
        "attention_g": (1, 1, channels, channels // 2),
        "attention_out": (1, 1, channels // 2, channels),
        "attention": (),
    }
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == parameters
    assert [v.shape[0] for v in model.non_trainable_variables] == [channels] * 3 + [channels // 2]


def test_two_blocks_fit_into_one_network():
    x = keras.Input((4, 4, 8))
    model = keras.Model(x, attention(attention(x, name="first"), name="second"))
    assert len(model.trainable_variables) == 10


@pytest.mark.parametrize("shape", [(1, 4, 8), (4, 4, 1)])
def test_what_is_too_small_is_refused(shape):
    with pytest.raises(UserError, match="attention needs 2x2 positions and 2 channels"):
        make(shape)
