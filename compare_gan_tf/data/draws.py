"""Random numbers of a sample, as a pure function of (key, position in the endless sequence).

SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014): the n-th
number of stream `key` is mix(key + n * gamma), so each is computed without those before it.
"""

import tensorflow as tf

_GAMMA = 0x9E3779B97F4A7C15


def bits(key: int, numbers):
    """uint64, the numbers-th outputs (int64 of any shape, from 0) of SplitMix64 seeded by `key`."""
    z = tf.constant(key % 2**64, tf.uint64)
    z += (tf.cast(numbers, tf.uint64) + _constant(1)) * _constant(_GAMMA)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, _constant(shift)))
        z *= _constant(factor)
    return tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, _constant(31)))


def uniform(key: int, positions, number: int):
    """float32 [n, number] for positions int64 [n], uniform on midpoints of 2^-23 within (0, 1)."""
    numbers = positions[:, None] * number + tf.range(number, dtype=tf.int64)
    high = tf.cast(tf.bitwise.right_shift(bits(key, numbers), _constant(41)), tf.float32)
    return (high + 0.5) * 2.0**-23


def _constant(value: int):
    return tf.constant(value, tf.uint64)
