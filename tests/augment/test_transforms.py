"""DiffAugment's transformations against a reading of their definitions in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.augment import DiffAugment, transforms
from compare_gan_tf.errors import UserError
from compare_gan_tf.random import Noise

SHAPE = (5, 6, 8, 3)


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(-1, 1, SHAPE).astype(np.float32)


U = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def each(values):
    return np.asarray(values)[:, None, None, None]


def test_brightness_adds_up_to_half(images, given):
    found = transforms.brightness(images, given(a=U), "a")
    np.testing.assert_allclose(found, images + each(U - 0.5), atol=1e-6)


def test_saturation_scales_the_distance_from_the_mean_of_channels_up_to_twice(images, given):
    found = transforms.saturation(images, given(a=U), "a")
    mean = images.mean(-1, keepdims=True)
    np.testing.assert_allclose(found, (images - mean) * each(2 * U) + mean, atol=1e-6)


def test_contrast_scales_the_distance_from_the_mean_of_the_image(images, given):
    found = transforms.contrast(images, given(a=U), "a")
    mean = images.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (images - mean) * each(U + 0.5) + mean, atol=1e-6)


def test_color_is_brightness_saturation_contrast_in_this_order(images, given):
    noise = given(brightness=0.9, saturation=0.1, contrast=0.8)
    expected = images + 0.4
    mean = expected.mean(-1, keepdims=True)
    expected = (expected - mean) * 0.2 + mean
    mean = expected.mean((1, 2, 3), keepdims=True)
    expected = (expected - mean) * 1.3 + mean
    np.testing.assert_allclose(transforms.color(images, noise, "a"), expected, atol=1e-6)


def test_translation_moves_by_whole_pixels_and_zeros_move_in(images, given):
    # An eighth of 6 and of 8 is 1 with halves rounded up; a draw of 0 is the smallest, -1.
    noise = given(down=[0, 1, 2, 0, 2], right=[2, 1, 1, 0, 0])
    found = transforms.translation(images, noise, "a").numpy()
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for row, (down, right) in enumerate([(-1, 1), (0, 0), (1, 0), (-1, -1), (1, -1)]):
        expected = padded[row, 1 - down : 7 - down, 1 - right : 9 - right]
        np.testing.assert_array_equal(found[row], expected)


@pytest.mark.parametrize(("ratio", "sides"), [(0.5, (3, 4)), (0.2, (1, 2)), (1.0, (6, 8))])
def test_cutout_sets_a_rectangle_around_its_centre_to_zero(images, ratio, sides, given):
    centres = [(0, 0), (5, 7), (2, 3), (5, 0), (0, 7)]
    downs, rights = zip(*centres, strict=True)
    found = transforms.cutout(images, given(down=downs, right=rights), "a", ratio=ratio)
    expected = images.copy()
    for image, (down, right) in zip(expected, centres, strict=True):
        for line in range(down - sides[0] // 2, down - sides[0] // 2 + sides[0]):
            for column in range(right - sides[1] // 2, right - sides[1] // 2 + sides[1]):
                if 0 <= line < 6 and 0 <= column < 8:
                    image[line, column] = 0.0
    np.testing.assert_array_equal(found, expected)


def test_centres_of_cutouts_reach_the_side_where_its_length_is_even_and_no_further(given):
    limits = {}

    class Watching(given):
        def integers(self, tag, num, limit):
            limits[tag] = limit
            return super().integers(tag, num, limit)

    transforms.cutout(np.ones(SHAPE, np.float32), Watching(0), "a")
    assert limits == {"a/down": 6, "a/right": 9}  # 3 of 6 pixels, 4 of 8


def test_mean_translation_is_zero_and_all_shifts_are_as_frequent():
    images = np.zeros([4000, 16, 16, 1], np.float32)
    images[:, 8, 8] = 1.0
    moved = transforms.translation(images, Noise(1, 2, 0), "a").numpy()[..., 0]
    _, lines, columns = np.nonzero(moved)
    assert len(lines) == 4000
    for shifts in (lines - 8, columns - 8):
        counts = np.bincount(shifts + 2, minlength=5)
        assert len(counts) == 5
        # Five standard deviations of a count of 4000 draws with probability 1 / 5.
        np.testing.assert_allclose(counts, 800, atol=5 * np.sqrt(4000 * 0.2 * 0.8))
    assert abs(np.mean(lines - 8)) < 5 * np.sqrt(2 / 4000)
    assert abs(np.corrcoef(lines, columns)[0, 1]) < 5 / np.sqrt(4000)


def test_cutouts_halves_hide_a_quarter_of_the_image_less_what_sticks_out():
    images = np.ones([2000, 8, 8, 1], np.float32)
    hidden = 1.0 - transforms.cutout(images, Noise(1, 2, 0), "a").numpy()
    # 4 of 8 pixels a side around centres 0, ..., 8: (2 + 3 + 4 * 5 + 3 + 2) / 9 are inside.
    np.testing.assert_allclose(hidden.mean(), (30 / 9 / 8) ** 2, rtol=0.02)


def test_transforms_are_done_in_order_with_draws_of_their_own(images, given):
    seen = []

    def record(images, noise, tag):
        seen.append(tag)
        return images + 1.0

    def double(images, noise, tag):
        seen.append(tag)
        return images * 2.0

    layer = DiffAugment(transforms=[record, double, record])
    found = layer(images, noise=given(), tag="real")
    np.testing.assert_allclose(found, (images + 1.0) * 2.0 + 1.0, rtol=1e-6)
    assert len(set(seen)) == 3
    assert all(tag.startswith("real/") for tag in seen)


@pytest.mark.parametrize("wrong", ["color", None, [DiffAugment], ["color"], transforms.color])
def test_what_is_not_a_list_of_functions_is_refused(wrong):
    with pytest.raises(UserError, match=r"DiffAugment.transforms.*such as .*@(diffaugment.)?color"):
        DiffAugment(transforms=wrong)


def test_points_are_refused():
    with pytest.raises(UserError, match=r"\(2,\)"):
        DiffAugment().check((2,))


def test_gradients_reach_the_images(images):
    layer, noise = DiffAugment(), Noise(0, 0, 0)
    weights = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    direction = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)

    def value(at):
        return tf.reduce_sum(weights * layer(at, noise=noise, tag="a"))

    at = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(at)
        result = value(at)
    slope = tf.reduce_sum(tape.gradient(result, at) * direction)
    # The map is affine: the difference is exact but for rounding.
    np.testing.assert_allclose(slope, value(at + direction) - result, rtol=1e-3)
