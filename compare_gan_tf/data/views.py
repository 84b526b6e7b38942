"""Other views of a set's images: `data.load.view = @binarised`. uint8 [n, H, W, C] in and out.

A view that has to look at the data first has `fit`, a function of some training images that gives
the view.
"""

import dataclasses
from typing import Annotated

import gin
import numpy as np
from PIL import Image

from compare_gan_tf.settings.signatures import Count, Number, checked

Threshold = Annotated[int, Number(least=0, most=254, whole=True)]
Levels = Annotated[int, Number(least=2, most=256, whole=True)]


@gin.configurable(module="data", denylist=["images"])
@checked
def binarised(images: np.ndarray, threshold: Threshold = 127) -> np.ndarray:
    """255 where a pixel is above `threshold`, else 0."""
    return np.where(images > threshold, np.uint8(255), np.uint8(0))


@gin.configurable(module="data", denylist=["images"])
@checked
def quantised(images: np.ndarray, levels: Levels = 4) -> np.ndarray:
    """Each channel at `levels` evenly spaced values from 0 to 255, the nearest one, 2 to 256."""
    table = np.arange(256) * (levels - 1)
    nearest = (2 * table + 255) // (2 * 255)  # rounded half up
    return ((nearest * 255 * 2 + levels - 1) // (2 * (levels - 1))).astype(np.uint8)[images]


@dataclasses.dataclass(frozen=True, eq=False)
class Palette:
    """Each pixel as the nearest colour of a palette, by the squared distance in RGB.

    Attributes:
      palette: uint8 [k, C], no two alike.
    """

    palette: np.ndarray

    def __call__(self, images: np.ndarray) -> np.ndarray:
        colours = self.palette.astype(np.int32)
        nearest = np.empty(images.shape[:-1], np.intp)
        for index, image in enumerate(images.astype(np.int32)):  # [H, W, k, C] of one at a time
            distances = np.square(image[:, :, np.newaxis] - colours).sum(-1)
            nearest[index] = distances.argmin(-1)
        return self.palette[nearest]


@dataclasses.dataclass(frozen=True)
class AdaptivePalette:
    """The colours that suit a data set best, by Pillow's median cut.

    Attributes:
      colours: of the palette, 2 to 256; there are fewer where the images have fewer.
      images: training images that are looked at, the first ones.
    """

    colours: int
    images: int

    def fit(self, images: np.ndarray) -> Palette:
        """The view, from training images uint8 [n, H, W, C]."""
        number, height, width, channels = images.shape
        strip = images.reshape(number * height, width, channels)
        strip = np.broadcast_to(strip, (*strip.shape[:2], 3))
        found = Image.fromarray(np.ascontiguousarray(strip)).quantize(
            self.colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        palette = np.array(found.getpalette(), np.uint8).reshape(-1, 3)
        used = palette[np.unique(np.asarray(found))]
        return Palette(np.unique(used[:, :channels], axis=0))


@gin.configurable(module="data")
@checked
def adaptive_palette(*, colours: Levels = 16, images: Count = 1_000) -> AdaptivePalette:
    """The data's own palette, for `GAN.alphabet = @Colours()` (Hjelm et al., 2018: 16, 1,000)."""
    return AdaptivePalette(colours, images)
