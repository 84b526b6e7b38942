"""ADA's image-space filtering and corruptions (Karras et al., 2020, appendix B, algorithm 1).

Each is a function (noise, tag, p, images) -> images [n, H, W, C]. It changes an image with
probability `multiplier` * p.
"""

import functools

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.augment.matrices import multiply, normal, odds
from compare_gan_tf.augment.pixels import per_image
from compare_gan_tf.augment.resample import reflect
from compare_gan_tf.settings.signatures import NotNegative, checked

_BANDS = 4
_EXPECTED_POWER = np.array([10, 1, 1, 1]) / 13  # of the bands, in natural images
# The low-pass filter of the wavelet sym2, which is Daubechies' filter with four taps.
_LOW = (np.array([1, 3, 3, 1]) + np.sqrt(3) * np.array([-1, -1, 1, 1])) / (4 * np.sqrt(2))


def _chosen(noise, tag: str, number: int, share):
    return noise.uniform(f"{tag}/chosen", [number]) < share


@gin.configurable(module="ada")
@checked
def rgb_noise(noise, tag, p, images, *, stddev: NotNegative = 0.1, multiplier: NotNegative = 1.0):
    """Adds N(0, s^2) to each element, with s ~ |N(0, stddev^2)| for each image."""
    number = images.shape[0]
    scale = stddev * tf.abs(normal(noise, f"{tag}/scale", number, 1)[:, 0])
    scale = tf.where(_chosen(noise, tag, number, odds(p, multiplier)), scale, 0.0)
    elements = normal(noise, f"{tag}/elements", number, int(np.prod(images.shape[1:])))
    return images + per_image(scale) * tf.reshape(elements, images.shape)


@gin.configurable(module="ada")
@checked
def cutout_rectangle(
    noise, tag, p, images, *, share: NotNegative = 0.5, multiplier: NotNegative = 1.0
):
    """Sets a rectangle with `share` of both sides to 0, mid-grey; its centre is uniform.

    A pixel belongs to the rectangle if its centre does. The rectangle may extend beyond the image.
    """
    number, height, width, _ = images.shape
    centre = noise.uniform(f"{tag}/centre", [number, 2])
    reach = tf.where(_chosen(noise, tag, number, odds(p, multiplier)), share / 2, 0.0)[:, None]
    columns, rows = (
        tf.abs((tf.range(side, dtype=tf.float32) + 0.5) / side - centre[:, axis : axis + 1]) < reach
        for axis, side in enumerate((width, height))
    )  # [n, W], [n, H]
    inside = rows[:, :, None] & columns[:, None, :]
    return tf.where(inside[..., None], 0.0, images)


@gin.configurable(module="ada")
@checked
def band_filter(noise, tag, p, images, *, stddev: NotNegative = 1.0, multiplier: NotNegative = 1.0):
    """Amplifies each of four frequency bands, chosen independently, by g, log2 g ~ N(0, stddev^2).

    After each band the gains are scaled so that an image with the expected powers of the bands, 10
    to 1 to 1 to 1 from the lowest up, keeps its total power.
    """
    number = images.shape[0]
    gains, any_chosen = tf.ones([number, _BANDS]), tf.zeros([number], tf.bool)
    for band in range(_BANDS):
        own = f"{tag}/band{band}"
        chosen = _chosen(noise, own, number, odds(p, multiplier))
        gain = 2.0 ** (stddev * normal(noise, f"{own}/gain", number, 1))
        gain = tf.where(chosen[:, None] & (tf.range(_BANDS) == band), gain, 1.0)
        power = tf.reduce_sum(_EXPECTED_POWER.astype(np.float32) * tf.square(gain), 1)
        gains *= gain * tf.math.rsqrt(power)[:, None]
        any_chosen |= chosen
    taps = multiply(gains[:, None, :], filter_bank().astype(np.float32)[None])[:, 0]
    return tf.where(per_image(any_chosen), _filtered(images, taps), images)


def _filtered(images, taps):
    """Convolves each image along both axes with its own taps [n, 2 r + 1]; borders reflect."""
    for axis, equation in ((2, "nij,nhjc->nhic"), (1, "nij,njwc->niwc")):
        images = tf.einsum(equation, _along(taps, images.shape[axis]), images)
    return images


def _along(taps, side: int):
    """The convolution along a line as matrices [n, side, side]."""
    radius = taps.shape[1] // 2
    source = reflect(tf.range(side) + tf.range(-radius, radius + 1)[:, None], side)
    return tf.einsum("nk,kij->nij", taps, tf.one_hot(source, side))


@functools.cache
def filter_bank() -> np.ndarray:
    """Taps of the four band-pass filters, [4, 43], the lowest band first; their sum is a delta."""
    high = _LOW * (-1.0) ** np.arange(_LOW.size)
    low_power, high_power = (np.convolve(h, h[::-1]) / 2 for h in (_LOW, high))
    bank = np.eye(_BANDS, 1)
    for band in range(1, _BANDS):
        spread = np.zeros((_BANDS, 2 * bank.shape[1] - 1))
        spread[:, ::2] = bank
        bank = np.stack([np.convolve(taps, low_power) for taps in spread])
        first = (bank.shape[1] - high_power.size) // 2
        bank[band, first : first + high_power.size] += high_power
    return bank
