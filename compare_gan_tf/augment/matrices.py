"""Small random matrices, one per image.

Products are sums of elementwise products: the matrix product of a GPU or TPU may round to ten bits,
which would move a position in an image by a pixel.
"""

import tensorflow as tf

from compare_gan_tf.latents import Normal


def rows(*lines):
    """The matrices [n, r, c] with r rows of c entries [n]."""
    return tf.stack([tf.stack(line, -1) for line in lines], -2)


def multiply(left, right):
    """left @ right, [n, i, k] and [n, k, j]."""
    return tf.reduce_sum(left[..., None] * right[..., None, :, :], -2)


def choose(matrices, noise, tag: str, p, multiplier: float = 1.0):
    """Each of the matrices [n, k, k] with probability `odds(p, multiplier)`, else the identity."""
    number, size, _ = matrices.shape
    chosen = noise.uniform(f"{tag}/chosen", [number]) < odds(p, multiplier)
    return tf.where(chosen[:, None, None], matrices, tf.eye(size))


def odds(p, multiplier: float):
    """The probability of a transformation, min(1, multiplier * p): NVIDIA's multipliers."""
    return tf.minimum(multiplier * p, 1.0)


def normal(noise, tag: str, number: int, columns: int):
    """Standard normal float32 [number, columns]."""
    return noise.draw(tag, Normal(columns).sample, number)
