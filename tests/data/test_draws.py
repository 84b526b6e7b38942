import numpy as np
import tensorflow as tf

from compare_gan_tf.data import draws


def test_bits_are_those_of_splitmix64(golden):
    expected = golden("data")["splitmix64"]
    found = draws.bits(expected["seed"], tf.range(5, dtype=tf.int64)).numpy()
    assert [str(number) for number in found] == expected["outputs"]


def test_a_position_has_its_numbers_wherever_it_stands():
    many = draws.uniform(3, tf.range(100, dtype=tf.int64), 4).numpy()
    some = draws.uniform(3, tf.constant([99, 7], tf.int64), 4).numpy()
    np.testing.assert_array_equal(some, many[[99, 7]])
    assert not np.array_equal(many, draws.uniform(4, tf.range(100, dtype=tf.int64), 4))


def test_numbers_are_uniform_and_never_0_or_1():
    numbers = draws.uniform(11, tf.range(50_000, dtype=tf.int64), 4).numpy()
    assert 0 < numbers.min() and numbers.max() < 1
    # Of 200,000 uniform numbers a twentieth is 10,000 with a deviation of 97.
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    assert np.abs(counts - 10_000).max() < 5 * 97
    correlation = np.corrcoef(numbers.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(50_000)
