"""From the bytes of an image file to uint8 [H, W, C]: modes, orientation, crop, size."""

import dataclasses
import functools
import io
import re
import warnings

import numpy as np
from PIL import Image, ImageOps

from compare_gan_tf.data import resizing
from compare_gan_tf.data.cache import fingerprint

WHITE = (255, 255, 255)
MAX_PIXELS = 89_478_485  # those of a quarter of 1 GiB in colour, above which Pillow warns
# What Pillow may take a file for: raster images. Of others it would run programs, as of EPS.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")


class BrokenImage(ValueError):
    """These bytes are no image that we can read; the message says why."""


def open_image(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Reads an image whole, upright, in mode L, LA, RGB or RGBA with 8 bits a channel.

    Of an animation it is the first frame; CMYK and the like become RGB; 16-bit grey is divided by
    257 and rounded.

    Raises:
      BrokenImage: it cannot be read to its end, claims more than `max_pixels`, which is looked at
        before anything is decoded, or its pixels are floats, whose range is not known.
    """
    if not content:
        raise BrokenImage("the file is empty")
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # of the process: Pillow has no other way
    try:
        image = Image.open(io.BytesIO(content), formats=_formats())
        if image.width * image.height > max_pixels:
            raise BrokenImage(_too_large(f"{image.width} x {image.height}", max_pixels))
        image.load()
        return _eight_bits(_upright(image))
    except BrokenImage:
        raise
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        claimed = f"{int(pixels[0]):,}" if pixels else "too many"
        raise BrokenImage(_too_large(claimed, max_pixels)) from error
    except Exception as error:  # PIL's decoders raise whatever the bytes lead them into
        raise BrokenImage(_reason(error)) from error


@functools.cache
def _formats() -> list[str]:
    """Those of `_FORMATS` that this Pillow can read."""
    # It warns of what is refused here, and in any other place too: warnings are the process's.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _too_large(claimed: str, most: int) -> str:
    return (
        f"it claims {claimed} pixels, more than the {most:,} that are read: raise"
        " data.load.max_pixels if that is meant"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image"
    return " ".join(str(error).split()) or type(error).__name__


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera's Orientation tag says; only JPEG, PNG and their like have one."""
    return ImageOps.exif_transpose(image) if image.info.get("exif") else image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if image.mode == "F":
        raise BrokenImage("its pixels are floats, whose range is not known")
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise BrokenImage("its pixels have more than 16 bits")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    has_alpha = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
    return image.convert("RGBA" if has_alpha else "RGB")


def _opaque(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Laid over `background`, if it has an alpha channel."""
    if image.mode not in ("LA", "RGBA"):
        return image
    below = Image.new("RGBA", image.size, (*background, 255))
    flat = Image.alpha_composite(below, image.convert("RGBA"))
    is_grey = image.mode == "LA" and len(set(background)) == 1
    return flat.convert("L" if is_grey else "RGB")


@dataclasses.dataclass(frozen=True)
class Decoder:
    """The rule by which files become samples; called on the bytes of one.

    Attributes:
      shape: (H, W) of the samples; None leaves an image as large as its crop.
      channels: 1 or 3; colours become grey by ITU-R 601.
      crop: the part that is used, see `resizing`.
      resize: see `resizing`.
      min_area: below 1, training takes random squares of at least this share of the image's area.
      background: RGB behind what is transparent.
      max_pixels: of a file; one that claims more is broken.
    """

    shape: tuple[int, int] | None
    channels: int
    crop: resizing.Crop = resizing.middle_square
    resize: resizing.Resize = resizing.area
    min_area: float = 1.0
    background: tuple[int, int, int] = WHITE
    max_pixels: int = MAX_PIXELS

    def __call__(self, content: bytes, draw: np.ndarray | None = None) -> np.ndarray:
        """uint8 [H, W, C] of a file; with `draw` float [3], of a random crop of it.

        Raises:
          BrokenImage: see `open_image`.
        """
        image = _opaque(open_image(content, self.max_pixels), self.background)
        mode = "L" if self.channels == 1 else "RGB"
        if image.mode != mode:
            image = image.convert(mode)
        if draw is None:
            box = self.crop(*image.size)
        else:
            box = resizing.random_square(*image.size, self.min_area, draw)
        size = (box[2] - box[0], box[3] - box[1]) if self.shape is None else self.shape[::-1]
        pixels = np.asarray(self.resize(image, box, size))
        return pixels[..., None] if self.channels == 1 else pixels

    def fingerprint(self) -> str:
        """Another for rules, or versions of Pillow, that make other pixels of some test images."""
        return fingerprint(*(self(content) for content in _test_images()))

    @functools.cached_property
    def sample_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return (*self.shape, self.channels)


def _test_images():
    """Encoded noise of several sizes and modes; the JPEGs tell versions of its decoder apart."""
    rng = np.random.default_rng(0)
    for height, width in ((7, 5), (43, 61), (300, 200), (260, 390)):
        for channels, kind in ((1, "PNG"), (3, "PNG"), (4, "PNG"), (3, "JPEG")):
            pixels = rng.integers(256, size=(height, width, channels), dtype=np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels.squeeze()).save(buffer, kind, compress_level=0)
            yield buffer.getvalue()


def image_facts(content: bytes, max_pixels: int = MAX_PIXELS) -> tuple[tuple[int, int], int]:
    """((height, width), channels 1 or 3) of a readable image; reads it whole.

    Raises:
      BrokenImage: see `open_image`.
    """
    image = open_image(content, max_pixels)
    return (image.height, image.width), 1 if image.mode in ("L", "LA") else 3
