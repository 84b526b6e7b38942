import io

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf.data import resizing
from compare_gan_tf.data.decode import BrokenImage, Decoder, image_facts, open_image

COLOUR = Decoder(shape=(8, 8), channels=3, crop=resizing.whole)
GREY = Decoder(shape=(8, 8), channels=1, crop=resizing.whole)


def saved(image, tmp_path, kind="png", **options):
    path = tmp_path / f"image.{kind}"
    image.save(path, **options)
    return path.read_bytes()


def test_pixels_of_png_are_returned_as_they_are(made):
    pixels = made.picture(1)
    np.testing.assert_array_equal(COLOUR(made.encoded(pixels)), pixels)
    grey = made.picture(1, channels=1)
    np.testing.assert_array_equal(GREY(made.encoded(grey))[..., 0], grey)


def test_grey_becomes_three_equal_channels(made):
    grey = made.picture(2, channels=1)
    np.testing.assert_array_equal(COLOUR(made.encoded(grey)), np.stack([grey] * 3, -1))


def test_colours_become_grey_by_itu_601(made):
    pixels = made.picture(3)
    expected = pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(GREY(made.encoded(pixels))[..., 0] - expected).max() <= 1.0


def test_transparent_pixels_show_the_background(made):
    pixels = made.picture(4, channels=4)
    alpha = pixels[..., 3:] / 255
    for background in ((255, 255, 255), (10, 200, 0)):
        found = Decoder((8, 8), 3, resizing.whole, background=background)(made.encoded(pixels))
        expected = pixels[..., :3] * alpha + np.array(background) * (1 - alpha)
        assert np.abs(found - expected).max() <= 1.0


def test_16_bits_are_rounded_to_8(tmp_path):
    levels = np.array([[0, 128, 129, 257, 65535, 65407, 32768, 300]] * 8, np.uint16)
    content = saved(Image.fromarray(levels), tmp_path)
    expected = np.floor(levels / 257 + 0.5)
    np.testing.assert_array_equal(GREY(content)[..., 0], expected)
    assert image_facts(content) == ((8, 8), 1)


def test_palettes_with_and_without_transparency(made, tmp_path):
    pixels = made.picture(5) // 128 * 255
    image = Image.fromarray(pixels).quantize(8)
    content = saved(image, tmp_path)
    np.testing.assert_array_equal(COLOUR(content), np.asarray(image.convert("RGB")))
    index = image.getpixel((0, 0))
    holes = np.asarray(image) == index
    found = COLOUR(saved(image, tmp_path, transparency=index))
    assert (found[holes] == 255).all()


@pytest.mark.parametrize("mode", ["1", "CMYK", "LA", "YCbCr"])
def test_rarer_modes_are_read(mode, made, tmp_path):
    image = Image.fromarray(made.picture(6)).convert(mode)
    kind = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    assert COLOUR(saved(image, tmp_path, kind)).shape == (8, 8, 3)


def test_photographs_stand_upright(made, tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    found = COLOUR(saved(Image.fromarray(pixels), tmp_path, exif=exif))
    np.testing.assert_array_equal(found, np.rot90(pixels, -1))


def test_floats_are_refused_for_their_range_is_unknown(tmp_path):
    content = saved(Image.fromarray(np.ones((8, 8), np.float32)), tmp_path, "tiff")
    with pytest.raises(BrokenImage, match="floats"):
        COLOUR(content)


def test_a_draw_takes_a_random_square_of_the_source(made):
    pixels = made.picture(7, 20, 30)
    decoder = Decoder((8, 8), 3, min_area=0.5)
    box = resizing.random_square(30, 20, 0.5, (0.2, 0.9, 0.4))
    expected = resizing.area(Image.fromarray(pixels), box, (8, 8))
    np.testing.assert_array_equal(decoder(made.encoded(pixels), (0.2, 0.9, 0.4)), expected)


@pytest.mark.parametrize("value", [65536, -1])
def test_grey_of_more_than_16_bits_is_broken(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((2, 2), value, np.int32)).save(buffer, "TIFF")
    with pytest.raises(BrokenImage, match="more than 16 bits"):
        open_image(buffer.getvalue())
