"""Gathers pixels of images, with gradients of all orders."""

import tensorflow as tf


def per_image(values):
    """One value for each image: [n] -> [n, 1, 1, 1], which broadcasts with [n, H, W, C]."""
    return values[:, None, None, None]


def pick(images, place):
    """Gathers the pixels at given places of each image.

    The function is linear in the images: its gradient is its transpose, whose gradient is `pick`
    again. These gradients are defined here because TensorFlow's second derivative of a gather has
    shapes that XLA does not know, which makes lazy penalties fail.

    Args:
      images: float32 [n, H, W, C].
      place: int32 [n, H, W], row * W + column of each pixel to take.

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
