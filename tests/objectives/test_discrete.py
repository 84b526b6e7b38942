import itertools
import types

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import discrete, losses


@pytest.fixture
def case(golden):
    return golden("seeds")["categorical"]


def expected_gradient(case, estimator, samples):
    """Over all draws of `samples` symbols: of the estimator's loss, by the logits of q."""
    p, q = np.array(case["p"]), np.array(case["q"])
    total = np.zeros(3)
    for draws in itertools.product(range(3), repeat=samples):
        ratios = tf.constant(np.log(p / q)[list(draws)][np.newaxis])
        coefficients = estimator(ratios, 0.0, tf.identity).numpy()[0]
        scores = np.eye(3)[list(draws)] - q  # gradients of log g by the logits
        total -= np.prod(q[list(draws)]) * coefficients @ scores
    return total


@pytest.mark.parametrize("samples", [2, 5])
def test_importance_has_the_enumerated_gradient_of_the_golden(case, samples):
    found = expected_gradient(case, discrete.importance, samples)
    np.testing.assert_allclose(found, case["importance_gradient"][str(samples)], atol=1e-7)


def test_importance_of_one_sample_has_no_gradient_and_is_refused(case):
    np.testing.assert_allclose(expected_gradient(case, discrete.importance, 1), 0.0, atol=1e-12)
    with pytest.raises(UserError, match="DiscreteBoundarySeeking.samples is 1: normalised"):
        discrete.DiscreteBoundarySeeking(samples=1)


@pytest.mark.parametrize("samples", [20, 100])
def test_importance_approaches_the_gradient_of_kl(case, samples):
    """By 200,000 / M draws; the golden is exact."""
    p, q = np.array(case["p"]), np.array(case["q"])
    draws = np.random.default_rng(0).choice(3, size=[400_000 // samples, samples], p=q)
    weights = discrete.importance(tf.constant(np.log(p / q)[draws]), 0.0, tf.identity).numpy()
    shares = np.stack([(weights * (draws == k)).sum(1) for k in range(3)], 1)
    found, error = (q - shares).mean(0), shares.std(0) / np.sqrt(len(draws))
    exact = case["importance_gradient"][str(samples)]
    assert np.all(np.abs(found - exact) < 5 * error)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_reinforce_is_unbiased_for_the_reverse_kl(case, samples):
    found = expected_gradient(case, discrete.reinforce, samples)
    np.testing.assert_allclose(found, case["gradient_kl_q_p"], atol=1e-7)


def test_the_baseline_takes_variance_off_reinforce(case):
    p, q = np.array(case["p"]), np.array(case["q"])
    ratios = np.log(3.0 * p / q)  # a D that is off by a constant
    scores = np.eye(3) - q

    def moments(log_z):
        coefficients = discrete.reinforce(tf.constant(ratios[:, None]), log_z, None).numpy()
        values = -coefficients * scores
        mean = q @ values
        return mean, q @ np.square(values) - mean**2

    (plain_mean, plain), (mean, variance) = moments(0.0), moments(np.log(3.0))
    np.testing.assert_allclose(mean, plain_mean, atol=1e-12)
    assert variance.sum() < 0.7 * plain.sum()


def test_maligan_weighs_over_the_batch():
    ratios = np.random.default_rng(1).normal(size=[3, 4])
    found = discrete.maligan(tf.constant(ratios), 0.0, tf.identity).numpy()
    weights = np.exp(ratios) / np.exp(ratios).mean()
    np.testing.assert_allclose(found, (weights - 1.0) / 4, rtol=1e-10)
    assert found.sum() == pytest.approx(0.0, abs=1e-10)


def test_weights_and_effective_samples_equal_the_golden(golden):
    case = golden("seeds")["importance"]
    ratios = tf.constant([case["log_ratios"]], tf.float64)
    weights = discrete.importance(ratios, 0.0, tf.identity).numpy()[0]
    np.testing.assert_allclose(weights, case["weights"], atol=1e-7)
    assert 1.0 / np.square(weights).sum() == pytest.approx(case["effective_samples"], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "samples is 0: it must be a whole number"),
        ({"log_z_decay": 1.0}, "log_z_decay is 1.0"),
        ({"loss": losses.hinge}, "DiscreteBoundarySeeking.loss is @hinge: its best logits"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        discrete.DiscreteBoundarySeeking(**settings)


def test_g_pays_for_its_log_probabilities_and_the_rest_is_for_the_logs():
    objective = discrete.DiscreteBoundarySeeking(samples=2)
    objective.log_z = tf.Variable(0.25, dtype=tf.float64)
    rng = np.random.default_rng(3)
    logits, draws, ratios = rng.normal(size=[3, 4]), rng.normal(size=[6, 4]), rng.normal(size=6)
    alphabet = types.SimpleNamespace(log_probability=lambda g, x: tf.reduce_sum(g * x, -1))
    game = types.SimpleNamespace(alphabet=alphabet, gather=tf.identity)
    drawn = types.SimpleNamespace(logits=tf.constant(ratios), images=tf.constant(draws))
    samples = types.SimpleNamespace(fake_outputs=tf.constant(logits))
    loss, effective, log_z = objective.generator(game, samples, {"draws": drawn})
    weights = np.exp(ratios.reshape(3, 2))
    weights /= weights.sum(1, keepdims=True)
    log_probabilities = np.einsum("nd,nmd->nm", logits, draws.reshape(3, 2, 4))
    found = objective.estimator(tf.constant(ratios.reshape(3, 2)), 0.25, tf.identity).numpy()
    np.testing.assert_allclose(loss.values, -(found * log_probabilities).sum(1), rtol=1e-12)
    np.testing.assert_allclose(effective.values, 1.0 / np.square(weights).sum(1), rtol=1e-12)
    np.testing.assert_array_equal(log_z.values, [0.25] * 3)
    assert [term.factor for term in (loss, effective, log_z)] == [None, 0.0, 0.0]
