"""Images in a palette of their own, for generators of colours."""

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import views
from compare_gan_tf.errors import UserError

COLOURS = np.array([[0, 0, 0], [250, 10, 0], [0, 200, 90], [30, 40, 255]], np.uint8)


def images(number=20, seed=0):
    return COLOURS[np.random.default_rng(seed).integers(0, 4, [number, 6, 5])]


def test_images_of_few_colours_keep_them_exactly():
    view = views.adaptive_palette(colours=8).fit(images())
    assert sorted(map(tuple, view.palette)) == sorted(map(tuple, COLOURS))
    np.testing.assert_array_equal(view(images(seed=1)), images(seed=1))


def test_each_pixel_becomes_the_nearest_colour():
    noisy = np.random.default_rng(2).integers(0, 256, [3, 4, 4, 3]).astype(np.uint8)
    found = views.Palette(COLOURS)(noisy).astype(int)
    distances = np.square(noisy[..., None, :].astype(int) - COLOURS.astype(int)).sum(-1)
    np.testing.assert_array_equal(np.square(noisy - found).sum(-1), distances.min(-1))


def test_a_data_set_knows_its_palette():
    dataset = data.load("digits", view=views.adaptive_palette(colours=5))
    assert dataset.symbols is dataset.palette
    assert 2 <= len(dataset.palette) <= 5 and dataset.palette.shape[1] == 1
    for split in dataset.splits.values():
        assert set(np.unique(split.images)) <= set(dataset.palette.ravel())


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"colours": 1}, "adaptive_palette.colours is 1"), ({"images": 0}, "adaptive_palette.images")],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        views.adaptive_palette(**settings)
