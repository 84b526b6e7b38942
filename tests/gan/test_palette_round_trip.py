"""Images to a palette's one-hot vectors, through a sure draw, and back to the same bytes."""

import numpy as np
import tensorflow as tf

from compare_gan_tf import data
from compare_gan_tf.data import views
from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.gan import alphabets


def test_quantised_digits_come_back_from_sampling_byte_for_byte():
    dataset = data.load("digits", view=views.adaptive_palette(colours=16))
    assert len(dataset.palette) == 16
    alphabet = alphabets.Colours()
    alphabet.bind(dataset.sample_shape, dataset.symbols)
    images = dataset.splits["test"].images[:50]
    one_hot = alphabet.encode(tf.constant(images))
    np.testing.assert_array_equal(tf.reduce_sum(one_hot, -1), np.ones([50, 8, 8]))
    uniforms = np.random.default_rng(0).uniform(size=[50, 8, 8])
    drawn = alphabet.draw(200.0 * one_hot, tf.constant(uniforms, tf.float32))
    np.testing.assert_array_equal(to_uint8(alphabet.decode(drawn)), images)
