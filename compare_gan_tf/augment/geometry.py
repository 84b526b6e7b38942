"""ADA's geometric transformations (Karras et al., 2020, appendix B, algorithm 1).

Each is a function (noise, tag, p, shape of the images) -> float32 [n, 3, 3]: the inverse of one map
for each image, in homogeneous coordinates (x, y, 1) in pixels from the image's centre, x to the
right and y down. With probability 1 - `multiplier` * p the map is the identity.
"""

import functools
import math

import gin
import tensorflow as tf

from compare_gan_tf.augment.matrices import choose, multiply, normal, odds, rows
from compare_gan_tf.settings.signatures import NotNegative, checked


def _linear(a, b, c, d):
    """[[a, b], [c, d]] of vectors [n]."""
    zero, one = tf.zeros_like(a), tf.ones_like(a)
    return rows([a, b, zero], [c, d, zero], [zero, zero, one])


def _move_back(right, down):
    """The inverse of a move by pixels [n]."""
    zero, one = tf.zeros_like(right), tf.ones_like(right)
    return rows([one, zero, -right], [zero, one, -down], [zero, zero, one])


def _turn(cosine, sine):
    return _linear(cosine, sine, -sine, cosine)


@gin.configurable(module="ada")
@checked
def x_flip(noise, tag, p, shape, *, multiplier: NotNegative = 1.0):
    """Mirrors left and right with probability 1/2: p / 2 of all images."""
    sign = 1.0 - 2.0 * tf.cast(noise.integers(f"{tag}/flip", shape[0], 2), tf.float32)
    zero, one = tf.zeros_like(sign), tf.ones_like(sign)
    return choose(_linear(sign, zero, zero, one), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def quarter_turns(noise, tag, p, shape, *, multiplier: NotNegative = 1.0):
    """Turns by 0, 90, 180 or 270 degrees, exactly."""
    turns = noise.integers(f"{tag}/turns", shape[0], 4)
    cosine = tf.gather(tf.constant([1.0, 0.0, -1.0, 0.0]), turns)
    sine = tf.gather(tf.constant([0.0, 1.0, 0.0, -1.0]), turns)
    return choose(_turn(cosine, sine), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def integer_translation(
    noise, tag, p, shape, *, most: NotNegative = 0.125, multiplier: NotNegative = 1.0
):
    """Moves by round(t side) pixels, t ~ U(-most, most) for each axis."""
    number, height, width, _ = shape
    share = most * (2.0 * noise.uniform(f"{tag}/share", [number, 2]) - 1.0)
    back = _move_back(tf.round(share[:, 0] * width), tf.round(share[:, 1] * height))
    return choose(back, noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def isotropic_scaling(
    noise, tag, p, shape, *, stddev: NotNegative = 0.2, multiplier: NotNegative = 1.0
):
    """Enlarges by s, log2 s ~ N(0, stddev^2)."""
    inverse = 2.0 ** (-stddev * normal(noise, f"{tag}/scale", shape[0], 1)[:, 0])
    zero = tf.zeros_like(inverse)
    return choose(_linear(inverse, zero, zero, inverse), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def rotation(noise, tag, p, shape, *, most: NotNegative = 1.0, multiplier: NotNegative = 1.0):
    """Turns by an angle ~ U(-most pi, most pi), with probability 1 - sqrt(1 - multiplier p).

    The list of transformations has it twice, before and after the anisotropic scaling; at least one
    of the two turns the image with probability multiplier * p.
    """
    angle = most * math.pi * (2.0 * noise.uniform(f"{tag}/angle", [shape[0]]) - 1.0)
    once = 1.0 - tf.sqrt(1.0 - odds(p, multiplier))
    return choose(_turn(tf.cos(angle), tf.sin(angle)), noise, tag, once)


@gin.configurable(module="ada")
@checked
def anisotropic_scaling(
    noise, tag, p, shape, *, stddev: NotNegative = 0.2, multiplier: NotNegative = 1.0
):
    """Scales the width by s and the height by 1 / s, log2 s ~ N(0, stddev^2)."""
    exponent = stddev * normal(noise, f"{tag}/scale", shape[0], 1)[:, 0]
    zero = tf.zeros_like(exponent)
    return choose(_linear(2.0**-exponent, zero, zero, 2.0**exponent), noise, tag, p, multiplier)


@gin.configurable(module="ada")
@checked
def fractional_translation(
    noise, tag, p, shape, *, stddev: NotNegative = 0.125, multiplier: NotNegative = 1.0
):
    """Moves by t side pixels, t ~ N(0, stddev^2) for each axis."""
    number, height, width, _ = shape
    share = stddev * normal(noise, f"{tag}/share", number, 2)
    return choose(_move_back(share[:, 0] * width, share[:, 1] * height), noise, tag, p, multiplier)


BLITTING = (x_flip, quarter_turns, integer_translation)
GENERAL = (isotropic_scaling, rotation, anisotropic_scaling, rotation, fractional_translation)


def compose(inverses):
    """The inverse [n, 3, 3] of the composition of the maps; the first one acts first."""
    return functools.reduce(multiply, inverses)
