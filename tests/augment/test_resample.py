"""Affine resampling against numpy's padding and scipy's spline of order one."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from compare_gan_tf.augment.resample import resample

SHAPE = (3, 7, 10, 2)


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(-1, 1, SHAPE).astype(np.float32)


def maps(*matrices):
    return np.asarray(matrices, np.float32)


def test_the_identity_copies_every_bit(images):
    found = resample(images, maps(*[np.eye(3)] * 3)).numpy()
    np.testing.assert_array_equal(found.view(np.int32), images.view(np.int32))


@pytest.mark.parametrize("shift", [(0, 2), (3, -1), (-6, 9), (-25, 40)])
def test_whole_pixels_are_those_of_the_endlessly_reflected_image(images, shift):
    down, right = shift
    move = np.array([[1, 0, -right], [0, 1, -down], [0, 0, 1]])
    found = resample(images, maps(*[move] * 3))
    padded = np.pad(images, [(0, 0), (60, 60), (60, 60), (0, 0)], mode="reflect")
    expected = padded[:, 60 - down : 67 - down, 60 - right : 70 - right]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("cosine", "sine", "turns"), [(0, 1, 1), (-1, 0, 2), (0, -1, 3)])
def test_quarter_turns_of_squares_are_exact(images, cosine, sine, turns):
    square = images[:, :, :7]
    turn = [[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]
    # The map goes from x to the right towards y down, clockwise; numpy turns the other way.
    expected = np.rot90(square, -turns, axes=(1, 2))
    np.testing.assert_array_equal(resample(square, maps(*[turn] * 3)), expected)


def test_any_map_is_that_of_scipy(images):
    rng = np.random.default_rng(1)
    matrices = np.tile(np.eye(3), (3, 1, 1))
    matrices[:, :2] += rng.normal(size=(3, 2, 3)) * [0.5, 0.5, 6.0]
    found = resample(images, matrices.astype(np.float32)).numpy()
    lines, columns = np.meshgrid(np.arange(7.0), np.arange(10.0), indexing="ij")
    at = np.stack([columns - 4.5, lines - 3.0, np.ones_like(lines)])
    for row in range(3):
        x, y, _ = np.einsum("ij,jhw->ihw", matrices[row].astype(np.float32), at)
        for channel in range(2):
            expected = ndimage.map_coordinates(
                images[row, ..., channel].astype(np.float64),
                [y + 3, x + 4.5],
                order=1,
                mode="mirror",
            )
            # Positions are float32 numbers up to 30: 2e-6 off, times a slope of up to 2.
            np.testing.assert_allclose(found[row, ..., channel], expected, atol=2e-5)


def test_a_side_of_one_pixel_is_that_pixel():
    move = maps([[1, 0, 0.3], [0, 1, 2.6], [0, 0, 1]])
    image = np.full([1, 1, 1, 1], 0.7, np.float32)
    np.testing.assert_allclose(resample(image, move), image, rtol=1e-6)


def test_gradients_are_the_transposed_map(images):
    rng = np.random.default_rng(2)
    matrices = np.tile(np.eye(3, dtype=np.float32), (3, 1, 1))
    matrices[:, :2] += rng.normal(size=(3, 2, 3)).astype(np.float32)
    other = rng.normal(size=SHAPE).astype(np.float32)
    at = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(at)
        product = tf.reduce_sum(other * resample(at, matrices))
    # <w, A x> = <A^T w, x> for a linear A.
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(product, at) * at), product, rtol=1e-4)
