"""Top-k training: which fakes G learns from, alone and in pairs with reals."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import TopK, TopKRelativistic, losses, relativistic
from compare_gan_tf.objectives.base import Game, Scored

FAKE = np.array([0.3, -1.0, 2.0, 0.5, -0.2], np.float32)
REAL = np.array([-3.0, 4.0, 1.0, 0.0, 2.0], np.float32)


def generator_loss(objective):
    """The value of G's term and its gradient in the logits of the fakes."""
    game = Game(noise=None, gather=lambda values: values, step=tf.constant(0, tf.int64))
    logits = tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        scored = {"real": Scored(None, tf.constant(REAL), None), "fake": Scored(None, logits, None)}
        (term,) = objective.generator(game, None, scored)
        value = tf.reduce_sum(term.weights * term.values) / tf.reduce_sum(term.weights)
    return value.numpy(), tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("fraction", [0.6, 0.41, 1.0])
@pytest.mark.parametrize("paired", [False, True])
def test_the_loss_is_the_mean_over_the_best_fakes(fraction, paired):
    k = int(np.ceil(fraction * 5 - 1e-4))
    best = np.argsort(-FAKE)[:k]
    margins = (FAKE - REAL if paired else FAKE).astype(np.float64)
    if paired:
        objective = TopKRelativistic(relativistic.logistic, fraction=fraction)
    else:
        objective = TopK(losses.non_saturating, fraction=fraction)
    value, slope = generator_loss(objective)
    assert value == pytest.approx(np.mean(np.logaddexp(0, -margins[best])), rel=1e-6)
    expected = np.zeros(5)
    expected[best] = -1.0 / (1.0 + np.exp(margins[best])) / k
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("fraction", [0.0, 1.2])
def test_a_fraction_that_is_none_is_refused(fraction):
    with pytest.raises(UserError, match="TopKRelativistic.fraction is"):
        TopKRelativistic(fraction=fraction)


def test_a_loss_of_margins_is_not_one_of_real_and_fake_logits():
    with pytest.raises(UserError, match="TopK.loss"):
        TopK(relativistic.logistic)
