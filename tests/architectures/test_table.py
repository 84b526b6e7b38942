import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import table
from compare_gan_tf.errors import UserError


def test_every_z_has_the_same_logits_which_are_its_only_weights():
    generator = table.generator((2, 3), 4)
    assert generator.count_params() == 6
    (values,) = generator.trainable_variables
    values.assign([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]])
    z = tf.constant(np.random.default_rng(0).normal(size=[5, 4]), tf.float32)
    expected = np.tile(np.arange(6.0).reshape(2, 3), [5, 1, 1])
    np.testing.assert_array_equal(generator({"z": z}), expected)


def test_it_has_no_labels():
    with pytest.raises(UserError, match="table.generator has one distribution, not one for each"):
        table.generator((2, 3), 4, 10)
