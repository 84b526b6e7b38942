import io

import numpy as np
from PIL import Image

from compare_gan_tf.data import images


def test_uint8_survives_the_round_trip():
    levels = np.arange(256, dtype=np.uint8)
    inside = images.from_uint8(levels).numpy()
    assert inside[0] == -1.0 and inside[255] == 1.0
    np.testing.assert_array_equal(images.to_uint8(inside), levels)


def test_to_uint8_rounds_half_up_and_clips():
    x01 = np.array([-0.1, 0.49 / 255, 0.51 / 255, 1.0, 1.1], np.float32)
    assert images.to_uint8(x01 * 2 - 1).numpy().tolist() == [0, 0, 1, 255, 255]


def test_unit_interval_is_a_change_of_units():
    x = np.array([-1.0, 0.0, 1.0], np.float32)
    assert images.to_unit_interval(x).tolist() == [0.0, 0.5, 1.0]
    assert images.from_unit_interval(images.to_unit_interval(x)).tolist() == x.tolist()


def test_grid_reads_row_by_row():
    cells = np.arange(1, 4, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 1), np.uint8)
    grid = images.image_grid(cells, columns=2, scale=3)
    assert grid.shape == (12, 12, 3)
    assert grid[::6, ::6, 0].tolist() == [[1, 2], [3, 0]]
    decoded = np.asarray(Image.open(io.BytesIO(images.encode_png(grid))))
    np.testing.assert_array_equal(decoded, grid)
