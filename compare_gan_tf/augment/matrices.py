"""Small matrices, one per image, and their draws.

Products are sums of products elementwise: a GPU's or TPU's matrix product may round to ten bits,
and a position in an image would be off by a pixel.
"""

import tensorflow as tf

from compare_gan_tf.latents import Normal


def rows(*lines):
    """The matrices [n, r, c] of r rows of c vectors [n]."""
    return tf.stack([tf.stack(line, -1) for line in lines], -2)


def multiply(left, right):
    """left @ right, [n, k, k] each."""
    return tf.reduce_sum(left[..., None] * right[..., None, :, :], -2)


def choose(matrices, noise, tag: str, p):
    """Each of the matrices [n, k, k] with probability p, else the identity."""
    number, size, _ = matrices.shape
    chosen = noise.uniform(f"{tag}/chosen", [number]) < p
    return tf.where(chosen[:, None, None], matrices, tf.eye(size))


def normal(noise, tag: str, number: int, columns: int):
    """Standard normal float32 [number, columns]."""
    return noise.draw(tag, Normal(columns).sample, number)
