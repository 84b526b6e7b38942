"""Random flips and crops of training images, drawn anew for each use of an image; uint8 to uint8.

They are part of the data: what they make of an image is a pure function of the run's seed and of
the position in the sequence of reals. Augmentation of what D sees is another thing.
"""

import dataclasses

import tensorflow as tf

NUMBERS = 4  # that one sample draws: flip, side, left, upper


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What becomes of a training image.

    Attributes:
      flip: mirrors every second image, left to right.
      min_area: below 1, a random square (of an image in memory: a window of its own aspect) of at
        least this share of the image's area, above 0, is resized to the sample's size.
    """

    flip: bool = False
    min_area: float = 1.0

    @property
    def crops(self) -> bool:
        """Whether it takes random crops."""
        return self.min_area < 1.0

    @property
    def draws(self) -> bool:
        """Whether anything is random."""
        return self.flip or self.crops


def flipped(images, draws):
    """Images [n, H, W, C], mirrored where draws [n] < 1/2."""
    return tf.where(draws[:, None, None, None] < 0.5, tf.reverse(images, [2]), images)


def cropped(images, draws, min_area: float):
    """Random windows of images uint8 [n, H, W, C], resized to H x W bilinearly.

    Windows have the aspect of the image and sides between sqrt(min_area) and 1 of its sides, so
    that they are only ever made larger: nothing needs antialiasing.

    Args:
      images: uint8 [n, H, W, C].
      draws: float32 [n, 3], uniform: side, left, upper.
      min_area: in (0, 1).
    """
    height, width = images.shape[1:3]
    least = min_area**0.5
    side = least + (1.0 - least) * draws[:, 0]
    # In TensorFlow's boxes, 0 and 1 are the centres of the first and last pixel.
    low = (1.0 - side)[:, None] * draws[:, 2:0:-1]  # upper, left
    pixels = tf.constant([[height, width]], tf.float32)
    first = low * pixels + 0.5 * side[:, None] - 0.5
    last = (low + side[:, None]) * pixels - 0.5 * side[:, None] - 0.5
    scale = tf.maximum(pixels - 1.0, 1.0)
    first, last = (tf.clip_by_value(edge, 0.0, pixels - 1.0) / scale for edge in (first, last))
    resized = tf.image.crop_and_resize(
        tf.cast(images, tf.float32),
        tf.concat([first, last], 1),
        tf.range(tf.shape(images)[0]),
        [height, width],
    )
    return tf.cast(tf.floor(resized + 0.5), tf.uint8)
