import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from compare_gan_tf.data import resizing

PIXELS = np.random.default_rng(0).integers(256, size=(12, 18, 3), dtype=np.uint8)
IMAGE = Image.fromarray(PIXELS)
WHOLE = (0, 0, 18, 12)


def test_area_is_the_mean_of_blocks():
    found = np.asarray(resizing.area(IMAGE, WHOLE, (6, 4)))
    expected = PIXELS.reshape(4, 3, 6, 3, 3).mean(axis=(1, 3))
    assert np.abs(found - expected).max() <= 1.0  # rows and columns are each rounded


@pytest.mark.parametrize("size", [(6, 4), (5, 7), (36, 24), (18, 12)])
def test_legacy_bilinear_is_tensorflow_1s(size):
    found = np.asarray(resizing.legacy_bilinear(IMAGE, WHOLE, size))
    expected = tf.compat.v1.image.resize_bilinear(PIXELS[None], size[::-1])[0].numpy()
    np.testing.assert_array_equal(found, np.floor(expected + 0.5))


def test_legacy_bilinear_is_not_antialiased_and_the_others_are():
    stripes = np.zeros((32, 32), np.uint8)
    stripes[:, ::4] = 255
    image = Image.fromarray(stripes)
    box = (0, 0, 32, 32)
    assert np.asarray(resizing.legacy_bilinear(image, box, (8, 8))).min() == 255
    for rule in (resizing.area, resizing.lanczos, resizing.bicubic):
        inner = np.asarray(rule(image, box, (8, 8))).astype(int)[:, 2:-2]
        assert np.abs(inner - 64).max() <= 2


@pytest.mark.parametrize("rule", [resizing.area, resizing.lanczos, resizing.bicubic])
def test_the_same_size_changes_nothing(rule):
    np.testing.assert_array_equal(rule(IMAGE, WHOLE, (18, 12)), PIXELS)
    np.testing.assert_array_equal(rule(IMAGE, (3, 2, 15, 10), (12, 8)), PIXELS[2:10, 3:15])


def test_the_middle_square_is_the_largest_in_the_middle():
    assert resizing.middle_square(18, 12) == (3, 0, 15, 12)
    assert resizing.middle_square(178, 218) == (0, 20, 178, 198)


@pytest.mark.parametrize("rule", [resizing.area, resizing.legacy_bilinear])
def test_central_cuts_or_pads_with_black(rule):
    assert resizing.central(178, 218, side=160) == (9, 29, 169, 189)
    box = resizing.central(18, 12, side=16)
    found = np.asarray(rule(IMAGE, box, (16, 16)))
    expected = tf.image.resize_with_crop_or_pad(PIXELS, 16, 16).numpy()
    np.testing.assert_array_equal(found, expected)


def test_random_squares_have_the_area_asked_for_and_lie_inside():
    rng = np.random.default_rng(1)
    boxes = np.array(
        [resizing.random_square(100, 80, 0.5, draw) for draw in rng.uniform(size=(2_000, 3))]
    )
    sides = boxes[:, 2] - boxes[:, 0]
    np.testing.assert_array_equal(sides, boxes[:, 3] - boxes[:, 1])
    assert sides.min() == 64 and sides.max() == 80  # sqrt(0.5 * 8000) = 63.2
    assert boxes[:, :2].min() == 0
    assert boxes[:, 2].max() == 100 and boxes[:, 3].max() == 80
    # Uniform over 64..80: mean 72, deviation of the mean 4.9 / sqrt(2000).
    assert abs(sides.mean() - 72) < 5 * 4.9 / np.sqrt(2_000)


def test_a_narrow_image_gives_its_largest_square():
    assert resizing.random_square(100, 10, 0.5, (0.5, 0.0, 0.5)) == (0, 0, 10, 10)
