"""Resizing of images for a feature extractor; each rule has the exact definition of a reference.

"Bilinear to 299" may mean at least four functions, which give different scores. All are linear and
separable: a rule is a function (old, new) -> matrix [new, old] for one axis, and an image is
multiplied by such a matrix from each side.

With s = old / new and i the index of a new pixel:

  rule                    centre of i, in old pixels   filter              made smaller
  tf1_bilinear            s i                          triangle            pixels are skipped
  half_pixel_bilinear     s (i + 1/2) - 1/2            triangle            pixels are skipped
  align_corners_bilinear  (old - 1) / (new - 1) i      triangle            pixels are skipped
  antialiased_bilinear    s (i + 1/2) - 1/2            triangle            filter widened by s
  antialiased_bicubic     s (i + 1/2) - 1/2            cubic, a = -1/2     filter widened by s

The first is TensorFlow 1's `resize_bilinear`, which is in the graph of the Inception network of
2015; the second is OpenCV's and PyTorch's default; the third was used by BigGAN's PyTorch code.
The last two are Pillow's, which clean-fid uses (Parmar, Zhang and Zhu, On Aliased Resizing and
Surprising Subtleties in GAN Evaluation, 2022).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np

from compare_gan_tf.settings.signatures import Count, Function, check_fields

Rule = Annotated[
    Callable[[int, int], np.ndarray],
    Function(0, 0, like="a rule of resizing such as @antialiased_bicubic"),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resize:
    """Resizes images of any size to the size of a network.

    Attributes:
      size: side of the square that results, in pixels.
      rule: a function of this module.
      crop: False stretches an image that is no square; True brings its shorter side to `size` and
        takes the square in the middle, as CLIP does.
      clip: whether levels are cut to [0, 255] afterwards, which matters for the cubic filter.
      quantise: whether levels are rounded to 8 bits after each axis, the horizontal one first, as
        Pillow does with 8-bit images (Pillow 13 takes the vertical one first where an image loses
        more of its height); False keeps floats, as clean-fid does. It implies `clip`.
    """

    size: Count
    rule: Rule
    crop: bool = False
    clip: bool = True
    quantise: bool = False

    def __post_init__(self):
        check_fields(self)

    @property
    def name(self) -> str:
        """For example "tf1_bilinear-299", as it stands in a protocol."""
        marks = [
            *(["crop"] if self.crop else []),
            *(["8bit"] if self.quantise else [] if self.clip else ["unclipped"]),
        ]
        return "-".join([self.rule.__name__, str(self.size), *marks])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Levels [n, H, W, C] of 0 to 255 -> float32 [n, size, size, C]."""
        images = np.asarray(images)
        height, width = images.shape[1:3]
        if not self.crop:
            return self._apply(images, self.size, self.size)
        height, width = _around(height, width, self.size)
        top, left = _middle(height, self.size), _middle(width, self.size)
        resized = self._apply(images, height, width)
        return np.ascontiguousarray(resized[:, top : top + self.size, left : left + self.size])

    def _apply(self, images, height: int, width: int) -> np.ndarray:
        along = _along_8bit if self.quantise else _along
        planes = np.moveaxis(images, 3, 1)  # [n, C, H, W]
        if planes.shape[3] != width:
            planes = along(self.rule, planes, width)
        if planes.shape[2] != height:
            planes = np.swapaxes(along(self.rule, np.swapaxes(planes, 2, 3), height), 2, 3)
        if self.clip:
            planes = np.clip(planes, 0.0, 255.0)
        return np.ascontiguousarray(np.moveaxis(planes, 1, 3), dtype=np.float32)


def _around(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width whose smaller one is `size`; the other is cut to whole pixels."""
    short = min(height, width)
    return size * height // short, size * width // short


def _middle(length: int, size: int) -> int:
    return round((length - size) / 2.0)


def _along(rule: Rule, planes: np.ndarray, new: int) -> np.ndarray:
    """Resizes the last axis; sums are in float64, what is kept in float32, as in Pillow."""
    sums = planes.astype(np.float64) @ _matrix(rule, planes.shape[-1], new)
    return sums.astype(np.float32)


def _along_8bit(rule: Rule, planes: np.ndarray, new: int) -> np.ndarray:
    """Resizes the last axis as Pillow does for 8-bit images: weights of 22 bits, rounded half up.

    All products and sums are whole numbers below 2**53, so float64 has them exactly.
    """
    weights = np.round(_matrix(rule, planes.shape[-1], new) * 2.0**22)
    sums = planes.astype(np.float64) @ weights
    return np.clip(np.floor((sums + 2.0**21) / 2.0**22), 0.0, 255.0)


@functools.lru_cache(maxsize=64)
def _matrix(rule: Rule, old: int, new: int) -> np.ndarray:
    """Weights float64 [old, new] of a rule, ready for a product from the right."""
    return np.ascontiguousarray(rule(old, new).T)


# --- Rules: (old, new) -> float64 [new, old] -------------------------------------------------


@gin.register(module="features")
def tf1_bilinear(old: int, new: int) -> np.ndarray:
    """TensorFlow 1's: new pixel i lies at i old / new, in float32 as TensorFlow has it."""
    return _between(np.arange(new, dtype=np.float32) * np.float32(old / new), old)


@gin.register(module="features")
def half_pixel_bilinear(old: int, new: int) -> np.ndarray:
    """Pixels are areas: the centre of new pixel i lies at (i + 1/2) old / new - 1/2."""
    return _between((np.arange(new) + 0.5) * (old / new) - 0.5, old)


@gin.register(module="features")
def align_corners_bilinear(old: int, new: int) -> np.ndarray:
    """The centres of the corners stay: new pixel i lies at i (old - 1) / (new - 1)."""
    return _between(np.arange(new) * ((old - 1) / max(new - 1, 1)), old)


@gin.register(module="features")
def antialiased_bilinear(old: int, new: int) -> np.ndarray:
    """Pillow's BILINEAR: a triangle of half-width max(1, old / new), cut off at the border."""
    return _filtered(_triangle, 1.0, old, new)


@gin.register(module="features")
def antialiased_bicubic(old: int, new: int) -> np.ndarray:
    """Pillow's BICUBIC: Keys' cubic with a = -1/2, of half-width 2 max(1, old / new)."""
    return _filtered(_cubic, 2.0, old, new)


def _between(places: np.ndarray, old: int) -> np.ndarray:
    """Weights of the two pixels next to each place; beyond the border, of the border pixel."""
    places = np.clip(places, 0, old - 1)
    lower = np.floor(places).astype(np.int64)
    upper_weight = (places - lower).astype(np.float64)
    weights = np.zeros([len(places), old])
    rows = np.arange(len(places))
    weights[rows, lower] = 1.0 - upper_weight
    weights[rows, np.minimum(lower + 1, old - 1)] += upper_weight
    return weights


def _filtered(kernel, half_width: float, old: int, new: int) -> np.ndarray:
    """Weights by a filter that is as much wider as pixels grow, over pixels inside the image."""
    scale = old / new
    widening = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale
    reach = half_width * widening
    first = np.maximum(np.trunc(centres - reach + 0.5), 0)[:, None]
    last = np.minimum(np.trunc(centres + reach + 0.5), old)[:, None]
    pixels = np.arange(old)[None]
    weights = kernel((pixels + 0.5 - centres[:, None]) / widening)
    weights = np.where((pixels >= first) & (pixels < last), weights, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
