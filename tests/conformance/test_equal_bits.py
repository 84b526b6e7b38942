"""A step from one state ends in one state, bit by bit, however many objectives there are."""

import functools

import catalogue
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import optimizers
from compare_gan_tf.gan import distribution
from compare_gan_tf.testing import games

pytestmark = pytest.mark.optimised_graphs

CALLS = 150
# Many that D's logits flow to, in which AddN would begin with any; with second derivatives too.
NAMES = (*catalogue.GROUPS["relativistic"], "non_saturating", "consistency", "at_real", "l2")


def test_repeated_steps_are_equal_in_every_bit():
    tf.config.experimental.enable_op_determinism()
    distribution.keep_sums_in_pairs(True)
    keras.utils.set_random_seed(0)
    gan = catalogue.plain_gan(NAMES, optimizer=optimizers.adam)
    data = games.random_batch(gan, np.random.default_rng(0))
    variables = [*gan.variables, *gan.g_optimizer.variables, *gan.d_optimizer.variables]
    start = [variable.numpy() for variable in variables]

    @functools.partial(tf.function, autograph=False)  # as Keras does
    def step():
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        logs = gan.train_step(data)
        return list(logs.values()), [tf.identity(variable.value) for variable in variables]

    found = {b"".join(x.numpy().tobytes() for x in tf.nest.flatten(step())) for _ in range(CALLS)}
    assert len(found) == 1


def test_no_sum_of_gradients_in_a_step_has_three_terms():
    """AddN of three or more begins with whichever is free to be overwritten; of two it is equal."""
    gan = catalogue.plain_gan([*NAMES, "lazy_r1", "spectral_penalty"], optimizer=optimizers.adam)
    data = games.random_batch(gan, np.random.default_rng(0))
    graph = tf.function(gan.train_step, autograph=False).get_concrete_function(data).graph
    sums = [o for o in graph.get_operations() if o.type == "AddN"]
    assert len(sums) > 10
    assert max(len(operation.inputs) for operation in sums) == 2
