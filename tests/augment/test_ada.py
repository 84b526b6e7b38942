"""ADA's pipeline against algorithm 1 of its paper, read in numpy with given draws."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.augment import ADA, Constant, colours, geometry
from compare_gan_tf.augment.resample import resample
from compare_gan_tf.errors import UserError
from compare_gan_tf.random import Noise

SHAPE = (2, 16, 8, 3)


def scale(x, y):
    return np.diag([x, y, 1.0])


def move(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def turn(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


# Each: its draws, and the forward map that algorithm 1 has for them.
GEOMETRY = {
    "x_flip": (geometry.x_flip, {"flip": 1}, scale(-1, 1)),
    "no flip": (geometry.x_flip, {"flip": 0}, np.eye(3)),
    "quarter turn": (geometry.quarter_turns, {"turns": 1}, turn(np.pi / 2)),
    "three quarter turns": (geometry.quarter_turns, {"turns": 3}, turn(-np.pi / 2)),
    # (2 u - 1) / 8 of 8 and of 16 pixels, rounded.
    "integer translation": (geometry.integer_translation, {"share": [0.95, 0.1]}, move(1, -2)),
    "isotropic scaling": (geometry.isotropic_scaling, {"scale": 2.0}, scale(2**0.4, 2**0.4)),
    "rotation": (geometry.rotation, {"angle": 0.75}, turn(np.pi / 2)),
    "anisotropic scaling": (geometry.anisotropic_scaling, {"scale": -1}, scale(2**-0.2, 2**0.2)),
    "fractional": (geometry.fractional_translation, {"share": [1.0, -0.5]}, move(1, -1)),
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_maps_are_the_inverses_of_those_of_algorithm_1(name, given):
    transform, values, forward = GEOMETRY[name]
    inverse = transform(given(chosen=0.4, **values), "t", 1.0, SHAPE)
    assert inverse.shape == (2, 3, 3)
    for matrix in inverse.numpy():
        np.testing.assert_allclose(matrix @ forward, np.eye(3), atol=1e-6)


def along(axis, factor):
    v = np.asarray(axis)[:, None] / np.linalg.norm(axis)
    return np.eye(3) + (factor - 1) * v @ v.T


def hue_of(angle):
    """Rodrigues' formula around (1, 1, 1)."""
    x = 1 / np.sqrt(3)
    cross = np.array([[0, -x, x], [x, 0, -x], [-x, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


GREY = (1, 1, 1)
COLOURS = {
    "brightness": (colours.brightness, {"offset": 1.5}, np.eye(3), 0.3),
    "contrast": (colours.contrast, {"factor": -2}, np.eye(3) / 2, 0),
    "luma flip": (colours.luma_flip, {"flip": 1}, along(GREY, -1), 0),
    "no luma flip": (colours.luma_flip, {"flip": 0}, np.eye(3), 0),
    "hue": (colours.hue, {"angle": 0.7}, hue_of(0.4 * np.pi), 0),
    "saturation": (colours.saturation, {"factor": 1}, 2 * np.eye(3) - np.ones((3, 3)) / 3, 0),
}


@pytest.mark.parametrize("name", COLOURS)
def test_colour_maps_are_those_of_algorithm_1(name, given):
    transform, values, linear, offset = COLOURS[name]
    matrices = transform(given(chosen=0.4, **values), "t", 1.0, 2).numpy()
    assert matrices.shape == (2, 4, 4)
    for matrix in matrices:
        np.testing.assert_allclose(matrix[:3, :3], linear, atol=1e-6)
        np.testing.assert_allclose(matrix[:3, 3], offset, atol=1e-6)
        np.testing.assert_array_equal(matrix[3], [0, 0, 0, 1])


def test_hue_of_a_third_turn_exchanges_the_channels(given):
    matrix = colours.hue(given(chosen=0.0, angle=5 / 6), "t", 1.0, 1)  # 120 degrees
    found = colours.recolour(np.array([1.0, 0.0, 0.0], np.float32).reshape(1, 1, 1, 3), matrix)
    np.testing.assert_allclose(found[0, 0, 0], [0, 1, 0], atol=1e-6)


def test_rotation_is_chosen_twice_with_half_the_odds():
    """P(one of two) = 1 - (1 - q)^2 = p."""
    once = np.mean(chosen(geometry.rotation, 0.36, 20_000))
    assert abs(once - 0.2) < 5 * np.sqrt(0.16 / 20_000)


def chosen(transform, p, number, shape=(16, 16, 3)):
    matrices = transform(Noise(3, 1, 0), "t", p, (number, *shape)).numpy()
    return np.any(matrices != np.eye(3), axis=(1, 2))


@pytest.mark.parametrize(
    ("transform", "share"),
    [
        (geometry.x_flip, 0.5),
        (geometry.quarter_turns, 0.75),
        (geometry.integer_translation, 1 - 0.25**2),  # round(U(-2, 2)) is 0 one time in four
        (geometry.isotropic_scaling, 1.0),
        (geometry.anisotropic_scaling, 1.0),
        (geometry.fractional_translation, 1.0),
    ],
)
def test_the_share_of_changed_images_follows_p(transform, share):
    number, p = 20_000, 0.3
    expected = share * p
    error = np.sqrt(expected * (1 - expected) / number)
    assert abs(np.mean(chosen(transform, p, number)) - expected) < 5 * error


def test_draws_have_the_moments_of_the_paper():
    number, shape = 40_000, (40_000, 100, 200, 3)
    noise = Noise(1, 1, 0)

    def logs(transform):
        return np.log2(transform(noise, "t", 1.0, shape).numpy())

    def moves(transform):
        return -transform(noise, "t", 1.0, shape).numpy()[:, :2, 2]

    five = 5 / np.sqrt(number)
    with np.errstate(divide="ignore", invalid="ignore"):
        isotropic = logs(geometry.isotropic_scaling)
        wide = logs(geometry.anisotropic_scaling)
    np.testing.assert_array_equal(isotropic[:, 0, 0], isotropic[:, 1, 1])
    np.testing.assert_allclose(wide[:, 0, 0], -wide[:, 1, 1], atol=1e-6)
    for exponent in (isotropic[:, 0, 0], wide[:, 0, 0]):
        assert abs(exponent.mean()) < 0.2 * five
        assert abs(exponent.std() - 0.2) < 0.2 * five
    fractional = moves(geometry.fractional_translation) / [200, 100]
    np.testing.assert_allclose(fractional.mean(0), 0, atol=0.125 * five)
    np.testing.assert_allclose(fractional.std(0), 0.125, atol=0.125 * five)
    whole = moves(geometry.integer_translation)
    np.testing.assert_array_equal(whole, np.round(whole))
    np.testing.assert_array_equal(np.abs(whole).max(0), [25, 12])  # halves to even
    np.testing.assert_allclose(whole.mean(0) / [200, 100], 0, atol=0.125 * five)


def test_maps_are_composed_in_the_order_of_the_list(given):
    noise = given(chosen=0.0, share=[0.95, 0.1], turns=1, flip=1)
    layer = ADA(
        geometry=[geometry.integer_translation, geometry.quarter_turns, geometry.x_flip],
        colours=[],
        controller=Constant(1.0),
    )
    images = np.random.default_rng(0).uniform(-1, 1, [2, 16, 16, 3]).astype(np.float32)
    found = layer(images, noise=noise, tag="a")
    forward = scale(-1, 1) @ turn(np.pi / 2) @ move(2, -2)
    inverse = np.round(np.linalg.inv(forward)).astype(np.float32)
    np.testing.assert_array_equal(found, resample(images, np.stack([inverse] * 2)))


def test_colours_are_composed_in_the_order_of_the_list(given):
    noise = given(chosen=0.0, offset=1.0, factor=2.0)
    layer = ADA(
        geometry=[], colours=[colours.brightness, colours.contrast], controller=Constant(1.0)
    )
    images = np.full([2, 1, 1, 3], 0.5, np.float32)
    np.testing.assert_allclose(layer(images, noise=noise, tag="a"), (images + 0.2) * 2, rtol=1e-6)


def test_grey_images_are_mapped_as_grey_colours():
    grey = np.random.default_rng(0).uniform(-1, 1, [6, 4, 4, 1]).astype(np.float32)
    layer, noise = ADA(controller=Constant(1.0)), Noise(2, 0, 0)
    threefold = layer(np.repeat(grey, 3, -1), noise=noise, tag="a")
    expected = tf.reduce_mean(threefold, -1, keepdims=True)
    np.testing.assert_allclose(layer(grey, noise=noise, tag="a"), expected, atol=1e-5)


def test_settings_that_are_no_lists_of_functions_are_refused():
    with pytest.raises(UserError, match="ADA.geometry: one is 'flip'"):
        ADA(geometry=["flip"])
    with pytest.raises(UserError, match="ADA.colours"):
        ADA(colours=colours.hue)
    with pytest.raises(UserError, match=r"@Adaptive\(\)"):
        ADA(controller=Constant)


def test_shapes_it_cannot_change_are_refused():
    with pytest.raises(UserError, match="ADA.colours = "):
        ADA().check((8, 8, 4))
    ADA(colours=[]).check((8, 8, 4))
    with pytest.raises(UserError, match=r"\(2,\)"):
        ADA(colours=[]).check((2,))
