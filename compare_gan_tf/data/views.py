"""Other views of a set's images: `data.load.view = @binarised`. uint8 [n, H, W, C] in and out."""

import gin
import numpy as np

from compare_gan_tf.errors import UserError


@gin.configurable(module="data", denylist=["images"])
def binarised(images: np.ndarray, threshold: int = 127) -> np.ndarray:
    """255 where a pixel is above `threshold`, else 0."""
    if not 0 <= threshold < 255:
        raise UserError(f"binarised.threshold = {threshold}: it must be 0 to 254")
    return np.where(images > threshold, np.uint8(255), np.uint8(0))


@gin.configurable(module="data", denylist=["images"])
def quantised(images: np.ndarray, levels: int = 4) -> np.ndarray:
    """Each channel at `levels` evenly spaced values from 0 to 255, the nearest one, 2 to 256."""
    if not 2 <= levels <= 256:
        raise UserError(f"quantised.levels = {levels}: it must be 2 to 256")
    table = np.arange(256) * (levels - 1)
    nearest = (2 * table + 255) // (2 * 255)  # rounded half up
    return ((nearest * 255 * 2 + levels - 1) // (2 * (levels - 1))).astype(np.uint8)[images]
