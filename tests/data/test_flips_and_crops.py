import numpy as np
import tensorflow as tf

from compare_gan_tf.data import flips_and_crops

IMAGES = np.random.default_rng(0).integers(256, size=(6, 9, 9, 3), dtype=np.uint8)


def test_flips_mirror_those_whose_draw_is_below_a_half():
    draws = tf.constant([0.1, 0.9, 0.49, 0.5, 0.0, 1.0])
    found = flips_and_crops.flipped(IMAGES, draws).numpy()
    assert found.dtype == np.uint8
    for row, mirrored in enumerate([True, False, True, False, True, False]):
        np.testing.assert_array_equal(found[row], IMAGES[row, :, :: -1 if mirrored else 1])


def test_crops_of_a_slope_are_the_slope_of_the_window():
    """Bilinear interpolation is exact on a linear image, away from the last half pixel."""
    size, min_area = 65, 0.25
    slope = np.broadcast_to(np.arange(size, dtype=np.uint8) * 3, (4, size, size))
    images = np.stack([slope, slope.transpose(0, 2, 1), slope], -1)
    draws = np.random.default_rng(1).uniform(size=(4, 3)).astype(np.float32)
    found = flips_and_crops.cropped(images, draws, min_area).numpy()
    assert found.dtype == np.uint8
    side = 0.5 + 0.5 * draws[:, 0]
    centres = (np.arange(size) + 0.5) / size
    for row in range(4):
        for channel, place in ((0, draws[row, 1]), (1, draws[row, 2])):
            window = ((1 - side[row]) * place + side[row] * centres) * size - 0.5
            expected = np.clip(window, 0, size - 1) * 3
            profile = found[row, 30, :, 0] if channel == 0 else found[row, :, 30, 1]
            assert np.abs(profile - expected).max() <= 0.51


def test_the_largest_window_is_the_image():
    draws = np.array([[1.0, 0.3, 0.7]] * 6, np.float32)
    np.testing.assert_array_equal(flips_and_crops.cropped(IMAGES, draws, 0.3), IMAGES)
