"""From an image of any size to the size asked for: a box of the image, then a rule of resizing.

A crop is a function (width, height) -> (left, upper, right, lower) in pixels; a box that reaches
beyond the image is filled with black. A rule is a function (image, box, size) -> image, with size
(width, height). Both are handed to `data.load` by gin: `data.load.resize = @lanczos`. They are
registered and not configurable, for gin's wrapper takes as long as the decoding of a small image.
"""

import functools
import math
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
from PIL import Image

from compare_gan_tf.settings.signatures import Function

Box = tuple[float, float, float, float]
Crop = Annotated[
    Callable[[int, int], Box],
    Function(0, 0, like="a function (width, height) such as @middle_square"),
]
Resize = Annotated[
    Callable[[Image.Image, Box, tuple[int, int]], Image.Image],
    Function(0, 0, 0, like="a function (image, box, size) such as @lanczos"),
]


@gin.register(module="data")
def whole(width: int, height: int) -> Box:
    """All of the image: its aspect changes if it is not square."""
    return 0, 0, width, height


@gin.register(module="data")
def middle_square(width: int, height: int) -> Box:
    """The largest square in the middle; the ancestor's "middle"."""
    side = min(width, height)
    left, upper = (width - side) // 2, (height - side) // 2
    return left, upper, left + side, upper + side


@gin.register(module="data")
def padded(width: int, height: int) -> Box:
    """The smallest square about all of the image, black where it reaches beyond."""
    side = max(width, height)
    left, upper = (width - side) // 2, (height - side) // 2
    return left, upper, left + side, upper + side


@gin.register(module="data")
def central(width: int, height: int, side: int = 160) -> Box:
    """A square of `side` pixels about the middle, whatever the image's size."""
    left, upper = (width - side) // 2, (height - side) // 2
    return left, upper, left + side, upper + side


def random_square(width: int, height: int, min_area: float, draw) -> Box:
    """A square of at least `min_area` of the image's area, as the ancestor's "distorted" crop.

    The side is uniform between sqrt(min_area * width * height) and the shorter side of the image,
    its place is uniform. TensorFlow's op, which the ancestor used, takes the whole image where no
    square is that large; here it is the largest square.

    Args:
      width, height: of the image, in pixels.
      min_area: in (0, 1].
      draw: three numbers uniform on (0, 1).
    """
    largest = min(width, height)
    least = min(math.ceil(math.sqrt(min_area * width * height)), largest)
    side = least + int(draw[0] * (largest - least + 1))
    left, upper = (
        int(u * (length - side + 1)) for u, length in zip(draw[1:], (width, height), strict=True)
    )
    return left, upper, left + side, upper + side


def _filtered(image: Image.Image, box: Box, size, resample) -> Image.Image:
    image, box = _inside(image, box)
    if box == (0, 0, *size) and image.size == tuple(size):
        return image
    return image.resize(size, resample, box=box)


def _inside(image: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    """The image with black around it, and the box in it, if it reaches beyond the image."""
    if box[0] >= 0 and box[1] >= 0 and box[2] <= image.width and box[3] <= image.height:
        return image, tuple(box)
    cut = image.crop(box)
    return cut, (0, 0, *cut.size)


@gin.register(module="data")
def area(image, box, size):
    """Mean over the area of each new pixel."""
    return _filtered(image, box, size, Image.Resampling.BOX)


@gin.register(module="data")
def lanczos(image, box, size):
    """Lanczos' filter with a = 3, widened when making smaller (antialiased)."""
    return _filtered(image, box, size, Image.Resampling.LANCZOS)


@gin.register(module="data")
def bicubic(image, box, size):
    """Cubic filter with a = -0.5, widened when making smaller (antialiased)."""
    return _filtered(image, box, size, Image.Resampling.BICUBIC)


@gin.register(module="data")
def legacy_bilinear(image, box, size):
    """TensorFlow 1's bilinear: pixel i lies at i * scale, and nothing is antialiased.

    It is what the ancestor did; making an image smaller by more than 2 leaves pixels unread. The
    ancestor kept floats, here the result is rounded to uint8.
    """
    image, box = _inside(image, box)
    pixels = np.asarray(image.crop(box))
    if pixels.shape[:2] == (size[1], size[0]):
        return Image.fromarray(pixels)
    rows = _nodes(pixels.shape[0], size[1])
    columns = _nodes(pixels.shape[1], size[0])
    blended = _blend(_blend(pixels.astype(np.float32), *rows, 0), *columns, 1)
    return Image.fromarray(np.floor(blended + 0.5).astype(np.uint8))


@functools.cache
def _nodes(length: int, number: int):
    """Lower neighbour, upper neighbour and weight of the upper one, of each new pixel."""
    places = np.arange(number, dtype=np.float32) * np.float32(length / number)
    lower = places.astype(np.int64)
    return lower, np.minimum(lower + 1, length - 1), places - lower


def _blend(pixels, lower, upper, weight, axis):
    weight = weight.reshape([-1] + [1] * (pixels.ndim - 1 - axis))
    low, high = pixels.take(lower, axis), pixels.take(upper, axis)
    return low + (high - low) * weight
