import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import resize
from compare_gan_tf.metrics.resize import Resize

RULES = [
    resize.tf1_bilinear,
    resize.half_pixel_bilinear,
    resize.align_corners_bilinear,
    resize.antialiased_bilinear,
    resize.antialiased_bicubic,
]
PILLOW = [
    (resize.antialiased_bilinear, Image.Resampling.BILINEAR),
    (resize.antialiased_bicubic, Image.Resampling.BICUBIC),
]
SHAPES = [(32, 32), (64, 48), (48, 64), (300, 500), (7, 5), (224, 224)]


def images(height, width, count=2, channels=3):
    return np.random.default_rng(height).integers(
        0, 256, [count, height, width, channels], np.uint8
    )


@pytest.mark.parametrize("case", ["enlarged", "reduced"])
@pytest.mark.parametrize("rule", RULES[:4])
def test_a_row_worked_out_by_hand(golden, case, rule):
    numbers = golden("resize")[case]
    levels, expected = np.array(numbers["levels"], np.float64), numbers[rule.__name__]
    found = rule(len(levels), len(expected)) @ levels
    assert found == pytest.approx(expected, abs=1e-6)
    row = Resize(size=len(expected), rule=rule)(levels.reshape(1, 1, -1, 1))
    assert row[0, 0, :, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("old", "new"), [(4, 10), (9, 3), (1, 5), (5, 1), (32, 299), (500, 7)])
def test_weights_sum_to_one_and_the_same_size_changes_nothing(rule, old, new):
    np.testing.assert_allclose(rule(old, new).sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(rule(old, old), np.eye(old), atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (resize.tf1_bilinear, {}),
        (resize.half_pixel_bilinear, {"half_pixel_centers": True}),
        (resize.align_corners_bilinear, {"align_corners": True}),
    ],
)
@pytest.mark.parametrize("size", [10, 299])
def test_bilinear_is_that_of_tensorflow(rule, options, size):
    for shape in SHAPES:
        batch = images(*shape)
        expected = tf.compat.v1.image.resize_bilinear(batch, [size, size], **options).numpy()
        difference = np.abs(Resize(size=size, rule=rule)(batch) - expected)
        # TensorFlow places pixels in float32: up to 500 * 2**-23 of a pixel, times 255 levels.
        assert difference.max() < 0.02
        assert difference.mean() < 1e-3


@pytest.mark.parametrize("size", [10, 299])
def test_the_rule_of_tensorflow_1_agrees_to_the_last_digits(size):
    for shape in SHAPES:
        batch = images(*shape)
        expected = tf.compat.v1.image.resize(batch, [size, size]).numpy()
        found = Resize(size=size, rule=resize.tf1_bilinear)(batch)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("rule", "filter_"), PILLOW)
@pytest.mark.parametrize("size", [10, 224, 299])
def test_floats_are_those_of_pillow_per_channel(rule, filter_, size):
    for shape in SHAPES:
        (image,) = images(*shape, count=1)
        channels = [
            Image.fromarray(image[:, :, c].astype(np.float32)).resize((size, size), filter_)
            for c in range(3)
        ]
        expected = np.stack([np.asarray(channel) for channel in channels], axis=-1)
        unclipped = Resize(size=size, rule=rule, clip=False)(image[None])[0]
        np.testing.assert_allclose(unclipped, expected, rtol=0, atol=1e-4)
        clipped = Resize(size=size, rule=rule)(image[None])[0]
        np.testing.assert_allclose(clipped, expected.clip(0, 255), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("rule", "filter_"), PILLOW)
@pytest.mark.parametrize("size", [10, 224, 299])
def test_8_bits_are_those_of_pillow_exactly(rule, filter_, size):
    """Of images that lose no more of their height than of their width: Pillow's order changed."""
    for shape in SHAPES:
        (image,) = images(*shape, count=1)
        expected = np.asarray(Image.fromarray(image).resize((size, size), filter_))
        found = Resize(size=size, rule=rule, quantise=True)(image[None])[0]
        np.testing.assert_array_equal(found, expected)


def test_the_cubic_filter_overshoots_and_is_clipped():
    edge = np.zeros([1, 4, 4, 1], np.uint8)
    edge[:, :, 2:] = 255
    loose = Resize(size=16, rule=resize.antialiased_bicubic, clip=False)(edge)
    tight = Resize(size=16, rule=resize.antialiased_bicubic)(edge)
    assert loose.min() < -5 and loose.max() > 260
    np.testing.assert_array_equal(tight, loose.clip(0, 255))
    assert tight.dtype == np.float32


@pytest.mark.parametrize(("height", "width"), [(30, 50), (50, 30), (30, 30), (31, 57)])
def test_a_crop_is_the_middle_of_the_image_with_its_aspect_kept(height, width):
    (image,) = images(height, width, count=1)
    size = 16
    short = min(height, width)
    large = (size * width // short, size * height // short)
    resized = Image.fromarray(image).resize(large, Image.Resampling.BICUBIC)
    left, top = round((large[0] - size) / 2), round((large[1] - size) / 2)
    expected = np.asarray(resized.crop((left, top, left + size, top + size)), np.float32)
    cropped = Resize(size=size, rule=resize.antialiased_bicubic, crop=True, quantise=True)
    found = cropped(image[None])[0]
    assert found.shape == (size, size, 3)
    assert np.abs(found - expected).max() <= (0 if height <= width else 12)
    assert np.abs(found - expected).mean() < 0.5


def test_names_tell_all_that_matters():
    assert Resize(size=299, rule=resize.tf1_bilinear).name == "tf1_bilinear-299"
    options = {"size": 224, "rule": resize.antialiased_bicubic}
    names = [
        Resize(**options).name,
        Resize(**options, clip=False).name,
        Resize(**options, quantise=True).name,
        Resize(**options, quantise=True, crop=True).name,
    ]
    assert names == [
        "antialiased_bicubic-224",
        "antialiased_bicubic-224-unclipped",
        "antialiased_bicubic-224-8bit",
        "antialiased_bicubic-224-crop-8bit",
    ]


def test_a_side_below_one_pixel_is_refused():
    with pytest.raises(UserError, match="size is 0"):
        Resize(size=0, rule=resize.tf1_bilinear)
