"""Affine maps of images, differentiable in the images."""

import tensorflow as tf

from compare_gan_tf.augment.pixels import pick


def resample(images, inverse):
    """Resamples each image by its own affine map, bilinearly.

    An image is continued by reflection, without repeating the border pixel. A map of whole pixels
    copies pixels exactly.

    Args:
      images: float32 [n, H, W, C].
      inverse: float32 [n, 3, 3], from positions in the result to positions in the images, both as
        (x, y, 1) in pixels from the centre.

    Returns:
      float32 [n, H, W, C].
    """
    _, height, width, _ = images.shape
    x, y = _centred(width)[None, None, :], _centred(height)[None, :, None]
    entries = inverse[:, :2, :, None, None]  # [n, 2, 3, 1, 1]
    from_x, from_y = (
        entries[:, axis, 0] * x + entries[:, axis, 1] * y + entries[:, axis, 2] for axis in (0, 1)
    )  # [n, H, W]
    left, right_share = _split(from_x + 0.5 * (width - 1))
    top, bottom_share = _split(from_y + 0.5 * (height - 1))
    columns = [reflect(left, width), reflect(left + 1, width)]
    lines = [reflect(top, height), reflect(top + 1, height)]
    upper, lower = (
        _between(*(pick(images, line * width + column) for column in columns), right_share)
        for line in lines
    )
    return _between(upper, lower, bottom_share)


def _centred(size: int):
    return tf.range(size, dtype=tf.float32) - 0.5 * (size - 1)


def _split(position):
    """The pixel before a position, int32, and the distance from it to the position, in [0, 1)."""
    before = tf.floor(position)
    return tf.cast(before, tf.int32), position - before


def reflect(index, size: int):
    """Reflects any index into [0, size): ..., 2, 1, 0, 1, ..., size - 1, size - 2, ..."""
    period = max(2 * (size - 1), 1)
    index = tf.math.floormod(index, period)
    return tf.minimum(index, period - index) if size > 1 else tf.zeros_like(index)


def _between(first, second, share):
    """(1 - share) first + share second: exactly `first` where share is 0."""
    share = share[..., None]
    return first * (1.0 - share) + second * share
