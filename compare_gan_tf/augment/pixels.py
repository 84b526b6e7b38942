"""Pixels taken from anywhere in their image."""

import tensorflow as tf


def per_image(values):
    """One value for each image: [n] -> [n, 1, 1, 1], which broadcasts with [n, H, W, C]."""
    return values[:, None, None, None]


def pick(images, place):
    """The pixels at places of each image's own, as often as they are asked for.

    It is linear in the images, so its gradient is its transpose, that one's gradient is `pick`
    again, and so on. Said here, for TensorFlow's own second derivative of a gather has shapes that
    XLA cannot tell, which fails where a penalty is lazy.

    Args:
      images: float32 [n, H, W, C].
      place: int32 [n, H, W], row * W + column of the pixel wanted.

    Returns:
      float32 [n, H, W, C].
    """
    number, height, width, channels = images.shape
    every = number * height * width
    first = tf.range(number)[:, None, None] * (height * width)
    index = tf.reshape(first + place, [every])

    @tf.custom_gradient
    def taken(pixels):
        return tf.gather(pixels, index), put_back

    @tf.custom_gradient
    def put_back(pixels):
        return tf.math.unsorted_segment_sum(pixels, index, every), taken

    return tf.reshape(taken(tf.reshape(images, [every, channels])), images.shape)
