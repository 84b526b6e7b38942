"""ADA's colour transformations (Karras et al., 2020, appendix B, algorithm 1).

Each is a function (noise, tag, p, number) -> float32 [n, 4, 4]: one map of colours (r, g, b, 1) for
each image. With probability 1 - `multiplier` * p the map is the identity.
"""

import functools
import math

import gin
import tensorflow as tf

from compare_gan_tf.augment.matrices import choose, multiply, normal, rows
from compare_gan_tf.settings.signatures import NotNegative, checked


def _on_colours(linear, offset=None):
    """The maps [n, 4, 4] with the linear parts [n, 3, 3] and the offsets [n]."""
    zero = tf.zeros_like(linear[:, :1, 0])  # [n, 1]
    column = tf.repeat(zero if offset is None else offset[:, None], 3, 1)[..., None]
    last = tf.concat([zero, zero, zero, tf.ones_like(zero)], 1)[:, None]
    return tf.concat([tf.concat([linear, column], 2), last], 1)


def _along_grey(along, across):
    """Scales by `along` [n] on the grey axis and by `across` [n] across it: [n, 3, 3]."""
    grey = tf.fill([3, 3], 1.0 / 3.0)  # v v^T, with v = (1, 1, 1) / sqrt(3)
    return along[:, None, None] * grey + across[:, None, None] * (tf.eye(3) - grey)


def _ones(number: int):
    return tf.ones([number])


@gin.configurable(module="ada")
@checked
def brightness(noise, tag, p, number, *, stddev: NotNegative = 0.2, multiplier: NotNegative = 1.0):
    """Adds b ~ N(0, stddev^2), in units of the range [-1, 1]."""
    offset = stddev * normal(noise, f"{tag}/offset", number, 1)[:, 0]
    identity = _along_grey(_ones(number), _ones(number))
    return choose(_on_colours(identity, offset), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def contrast(noise, tag, p, number, *, stddev: NotNegative = 0.5, multiplier: NotNegative = 1.0):
    """Multiplies by c, log2 c ~ N(0, stddev^2); mid-grey, 0, stays."""
    factor = 2.0 ** (stddev * normal(noise, f"{tag}/factor", number, 1)[:, 0])
    return choose(_on_colours(_along_grey(factor, factor)), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def luma_flip(noise, tag, p, number, *, multiplier: NotNegative = 1.0):
    """Mirrors the grey part around 0 with probability 1/2; hue and saturation stay."""
    sign = 1.0 - 2.0 * tf.cast(noise.integers(f"{tag}/flip", number, 2), tf.float32)
    return choose(_on_colours(_along_grey(sign, _ones(number))), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def hue(noise, tag, p, number, *, most: NotNegative = 1.0, multiplier: NotNegative = 1.0):
    """Turns colours around the grey axis by an angle ~ U(-most pi, most pi)."""
    angle = most * math.pi * (2.0 * noise.uniform(f"{tag}/angle", [number]) - 1.0)
    sine = tf.sin(angle) / math.sqrt(3.0)
    zero = tf.zeros_like(sine)
    cross = rows([zero, -sine, sine], [sine, zero, -sine], [-sine, sine, zero])
    return choose(
        _on_colours(_along_grey(_ones(number), tf.cos(angle)) + cross), noise, tag, p, multiplier
    )


@gin.configurable(module="ada")
@checked
def saturation(noise, tag, p, number, *, stddev: NotNegative = 1.0, multiplier: NotNegative = 1.0):
    """Multiplies what differs from grey by s, log2 s ~ N(0, stddev^2)."""
    factor = 2.0 ** (stddev * normal(noise, f"{tag}/factor", number, 1)[:, 0])
    return choose(_on_colours(_along_grey(_ones(number), factor)), noise, tag, p, multiplier)


ALL = (brightness, contrast, luma_flip, hue, saturation)


def compose(matrices):
    """The composition of the maps, [n, 4, 4]; the first one acts first."""
    return functools.reduce(lambda done, then: multiply(then, done), matrices)


def recolour(images, matrix):
    """Maps the colours of images [n, H, W, 3] or [n, H, W, 1] by a matrix [n, 4, 4].

    A grey value x is mapped as the colour (x, x, x), and the result is the mean of its channels.
    """
    linear, offset = matrix[:, :3, :3], matrix[:, :3, 3]
    if images.shape[-1] == 1:
        linear = tf.reduce_sum(tf.reduce_mean(linear, 1, keepdims=True), 2, keepdims=True)
        offset = tf.reduce_mean(offset, 1, keepdims=True)
    channels = tf.unstack(linear[:, None, None], axis=-1)  # of each input channel, [n, 1, 1, C]
    products = [images[..., k : k + 1] * channel for k, channel in enumerate(channels)]
    return functools.reduce(tf.add, products) + offset[:, None, None]
