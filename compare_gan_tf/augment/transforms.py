"""The transformations of DiffAugment (Zhao et al., 2020, section 3.2, and their code).

Each is a function (images [n, H, W, C], noise, tag) -> images, with independent draws for each
image. Images are in [-1, 1], as in their StyleGAN2 code: zeros, which fill empty places, are
mid-grey, and results may leave the range.
"""

import gin
import tensorflow as tf

from compare_gan_tf.augment.pixels import per_image, pick
from compare_gan_tf.settings.signatures import Fraction, NotNegative, checked


@gin.configurable(module="diffaugment")
@checked
def brightness(images, noise, tag, *, width: NotNegative = 1.0):
    """x + b with b ~ U(-width / 2, width / 2), in units of the range [-1, 1]."""
    return images + per_image(width * (noise.uniform(tag, [images.shape[0]]) - 0.5))


@gin.configurable(module="diffaugment")
@checked
def saturation(images, noise, tag, *, most: NotNegative = 2.0):
    """s (x - m) + m with s ~ U(0, most); m is the mean over the channels of a pixel."""
    factor = per_image(most * noise.uniform(tag, [images.shape[0]]))
    mean = tf.reduce_mean(images, -1, keepdims=True)
    return (images - mean) * factor + mean


@gin.configurable(module="diffaugment")
@checked
def contrast(images, noise, tag, *, width: NotNegative = 1.0):
    """c (x - m) + m with c ~ U(1 - width / 2, 1 + width / 2); m is the mean over the image."""
    factor = per_image(1.0 + width * (noise.uniform(tag, [images.shape[0]]) - 0.5))
    mean = tf.reduce_mean(images, [1, 2, 3], keepdims=True)
    return (images - mean) * factor + mean


@gin.configurable(module="diffaugment")
def color(images, noise, tag):
    """`brightness`, then `saturation`, then `contrast`: DiffAugment's "color"."""
    images = brightness(images, noise, f"{tag}/brightness")
    images = saturation(images, noise, f"{tag}/saturation")
    return contrast(images, noise, f"{tag}/contrast")


def _integers(noise, tag, number: int, first: int, last: int):
    """int32 [n], uniform on first, ..., last."""
    return first + noise.integers(tag, number, last - first + 1)


def _inside(index, size: int):
    """1.0 where an index lies in [0, size), else 0.0."""
    return tf.cast((index >= 0) & (index < size), tf.float32)


@gin.configurable(module="diffaugment")
@checked
def translation(images, noise, tag, *, ratio: Fraction = 0.125):
    """Shifts by whole pixels; zeros fill the empty places.

    The two shifts are uniform on the integers from -s to s, with s = floor(ratio * side + 1/2).
    """
    number, height, width, _ = images.shape
    reach = [int(side * ratio + 0.5) for side in (height, width)]
    down = _integers(noise, f"{tag}/down", number, -reach[0], reach[0])
    right = _integers(noise, f"{tag}/right", number, -reach[1], reach[1])
    rows = tf.range(height) - down[:, None]  # [n, H], the source of each row of the output
    columns = tf.range(width) - right[:, None]
    from_row = tf.clip_by_value(rows, 0, height - 1)[:, :, None]
    images = pick(images, from_row * width + tf.clip_by_value(columns, 0, width - 1)[:, None, :])
    inside = _inside(rows, height)[:, :, None] * _inside(columns, width)[:, None, :]
    return images * inside[..., None]


@gin.configurable(module="diffaugment")
@checked
def cutout(images, noise, tag, *, ratio: Fraction = 0.5):
    """Sets a rectangle with sides c = floor(ratio * side + 1/2) to zero (DeVries and Taylor, 2017).

    Its centre is uniform in the image, so it may extend beyond it: along a side it covers
    o - floor(c / 2), ..., o - floor(c / 2) + c - 1, with o uniform on 0, ..., side (side - 1 if c
    is odd).
    """
    number = images.shape[0]
    inside = []
    for name, side in zip(("down", "right"), images.shape[1:3], strict=True):
        length = int(side * ratio + 0.5)
        centre = _integers(noise, f"{tag}/{name}", number, 0, side - length % 2)
        inside.append(_inside(tf.range(side) - centre[:, None] + length // 2, length))
    rows, columns = inside
    return images * (1.0 - rows[:, :, None] * columns[:, None, :])[..., None]
