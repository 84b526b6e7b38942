"""Values of objectives on given logits, features and kernels, against numbers in goldens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import update
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    FeatureMatching,
    LeCam,
    Orthogonal,
    Relativistic,
    Samples,
    Scored,
    SpectralPenalty,
    TopK,
    feature_matching,
    kernel_penalty,
    lecam,
    losses,
    relativistic,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game
from compare_gan_tf.optimizers.schedules import exponential_decay

SAMPLES = Samples(None, None, None, None, None)


def game(step=0, **networks):
    return Game(random.Noise(0, step, 0), update.gather, tf.constant(step, tf.int64), **networks)


def scored(**logits):
    return {
        name: Scored(None, tf.constant(values), tf.constant(values)[:, tf.newaxis])
        for name, values in logits.items()
    }


def total(terms):
    return sum(float(update.share(term)) for term in terms)


@pytest.fixture
def numbers(golden):
    return golden("objectives")


@pytest.mark.parametrize("compare", [relativistic.paired, relativistic.average])
@pytest.mark.parametrize(
    "loss", [relativistic.logistic, relativistic.squared, relativistic.margin_hinge]
)
def test_relativistic_losses_equal_the_references(numbers, compare, loss):
    objective = Relativistic(compare, loss)
    views = scored(**numbers["logits"])
    name = f"{compare.__name__}_{loss.__name__}"
    for file in (numbers["relativistic"], numbers["rivals"]):
        expected = file.get(name, numbers["relativistic"][name])
        paid = {
            "d": total(objective.discriminator(game(), SAMPLES, views)),
            "g": total(objective.generator(game(), SAMPLES, views)),
        }
        assert paid == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        losses.non_saturating,
        losses.minimax,
        losses.least_squares,
        losses.least_squares_on_probabilities,
    ],
)
def test_one_sided_label_smoothing_moves_the_target_of_reals_alone(numbers, loss):
    expected = numbers["label_smoothing"]
    real, fake = (tf.constant(numbers["logits"][side]) for side in ("real", "fake"))
    plain, smoothed = loss(real, fake), loss(real, fake, expected["label_smoothing"])
    found = tf.reduce_mean(smoothed.real) + tf.reduce_mean(smoothed.fake)
    assert float(found) == pytest.approx(expected[loss.__name__], abs=1e-6)
    np.testing.assert_array_equal(plain.fake, smoothed.fake)
    np.testing.assert_array_equal(plain.generator, smoothed.generator)


def test_label_smoothing_of_half_an_eighth_is_tf_gans_quarter(numbers):
    expected = numbers["rivals"]["smoothed_non_saturating"]
    assert numbers["label_smoothing"]["non_saturating"] == pytest.approx(expected, abs=1e-6)


def test_label_smoothing_out_of_range_is_refused_at_construction():
    def loss(real_logits, fake_logits):
        return losses.hinge(real_logits, fake_logits)._replace(
            real=losses.non_saturating(real_logits, fake_logits, 1.5).real
        )

    with pytest.raises(UserError, match="label_smoothing is 1.5"):
        Adversarial(loss)


@pytest.mark.parametrize("distance", [lecam.squared_difference, lecam.squared_excess])
def test_lecam_equals_the_references(numbers, distance):
    objective = LeCam(distance, start_step=0)
    objective.build_for(None)
    objective.real.assign(numbers["lecam"]["average_real"])
    objective.fake.assign(numbers["lecam"]["average_fake"])
    terms = objective.discriminator(game(1), SAMPLES, scored(**numbers["logits"]))
    for file in (numbers, numbers["rivals"]):
        assert total(terms) == pytest.approx(file["lecam"][distance.__name__], abs=1e-5)


def test_lecams_averages_are_copies_before_its_start_and_nothing_is_paid():
    objective = LeCam(decay=0.9, start_step=2)
    objective.build_for(None)
    for step, (mean, expected) in enumerate([(2.0, 2.0), (4.0, 4.0), (5.0, 4.1), (5.0, 4.19)]):
        views = scored(real=[mean - 1.0, mean + 1.0], fake=[-mean, -mean])
        paid = total(objective.discriminator(game(step), SAMPLES, views))
        assert (paid > 0) == (step >= 2)
        objective.update(game(step), SAMPLES, views)
        assert float(objective.real) == pytest.approx(expected, rel=1e-6)
        assert float(objective.fake) == pytest.approx(-expected, rel=1e-6)


def network(*kernels, bias=()):
    """A model with these kernels, and one bias."""
    inputs = [keras.Input((len(kernel),)) for kernel in kernels]
    layers = [keras.layers.Dense(len(kernel[0]), use_bias=bool(bias)) for kernel in kernels]
    model = keras.Model(inputs, [layer(x) for layer, x in zip(layers, inputs, strict=True)])
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.kernel.assign(kernel)
        if bias:
            layer.bias.assign(tf.fill(layer.bias.shape, float(bias[0])))
    return model


def paid_for_kernels(objective, model):
    terms = objective.discriminator(game(discriminator=model, generator=model), SAMPLES, {})
    return total(terms)


def test_l2_is_compare_gans_mean_over_layers(numbers):
    expected = numbers["l2"]
    model = network(*expected["kernels"], bias=expected["bias"])
    assert paid_for_kernels(L2(), model) == pytest.approx(expected["value"])


@pytest.mark.parametrize("deviation", [kernel_penalty.from_identity, kernel_penalty.off_diagonal])
def test_orthogonality_is_that_of_the_columns(numbers, deviation):
    model = network(numbers["kernel"], [[1.0, 0.0], [0.0, 1.0]])
    objective = Orthogonal(deviation, players=(DISCRIMINATOR,))
    expected = numbers["orthogonal"][deviation.__name__]
    assert paid_for_kernels(objective, model) == pytest.approx(expected, rel=1e-6)


def test_biggans_gradient_is_that_of_half_the_square(numbers):
    weights = tf.Variable(numbers["kernel"])
    with tf.GradientTape() as tape:
        value = Orthogonal().value(GENERATOR, [weights])
    matrix = np.array(numbers["kernel"])
    products = matrix.T @ matrix
    theirs = 2 * matrix @ (products * (1 - np.eye(2)))
    np.testing.assert_allclose(0.5 * tape.gradient(value, weights), theirs, rtol=1e-5)


def test_spectral_penalty_converges_to_half_the_squared_singular_value(numbers):
    model = network(numbers["kernel"])
    objective = SpectralPenalty()

    class Gan:
        discriminator = model

    objective.build_for(Gan)
    for _ in range(30):
        objective.update(game(discriminator=model, generator=None), SAMPLES, {})
    sigma = numbers["largest_singular_value"]
    assert paid_for_kernels(objective, model) == pytest.approx(0.5 * sigma**2, rel=1e-5)
    kernel = tf.Variable(numbers["kernel"])
    with tf.GradientTape() as tape:
        value = objective.value(DISCRIMINATOR, [kernel])
    left, sigmas, right = np.linalg.svd(np.array(numbers["kernel"]), full_matrices=False)
    expected = sigmas[0] * np.outer(left[:, 0], right[0])
    np.testing.assert_allclose(tape.gradient(value, kernel), expected, rtol=1e-4, atol=1e-4)


def test_penalties_on_kernels_are_for_the_players_that_are_named():
    model = network([[1.0, 2.0], [3.0, 4.0]])
    objective = Orthogonal(players=(GENERATOR,))
    assert objective.discriminator(game(discriminator=model), SAMPLES, {}) == []
    assert len(objective.generator(game(generator=model), SAMPLES, {})) == 1
    for wrong in ("generator", (), ("critic",)):
        with pytest.raises(UserError, match="Orthogonal.players(: one)? is"):
            Orthogonal(players=wrong)


def test_top_k_counts_the_fakes_that_are_scored_highest():
    logits = [3.0, -1.0, 2.0, 0.5, -2.0]
    views = scored(fake=logits)
    for fraction, best in ((1.0, logits), (0.6, [3.0, 2.0, 0.5]), (0.01, [3.0])):
        (term,) = TopK(losses.wasserstein, fraction).generator(game(), SAMPLES, views)
        assert float(update.share(term)) == pytest.approx(-np.mean(best), rel=1e-6)


def test_top_k_is_annealed_by_a_schedule():
    fraction = exponential_decay(start=1.0, rate=0.5, steps=10, staircase=True, floor=0.4)
    views = scored(fake=[float(logit) for logit in range(10)])
    for step, k in ((0, 10), (9, 10), (10, 5), (20, 4), (500, 4)):
        (term,) = TopK(fraction=fraction).generator(game(step), SAMPLES, views)
        assert float(tf.reduce_sum(term.weights)) == k


def test_feature_matching_compares_means():
    real, fake = np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([[0.0, 5.0], [1.0, 4.0], [2.0, 3.0]])
    views = {
        side: Scored(None, None, tf.constant(features, tf.float32))
        for side, features in (("real", real), ("fake", fake))
    }
    away = real.mean(0) - fake.mean(0)
    for distance, expected in (
        (feature_matching.squared_distance, np.sum(away**2)),
        (feature_matching.mean_absolute_difference, np.mean(np.abs(away))),
    ):
        paid = total(FeatureMatching(distance).generator(game(), SAMPLES, views))
        assert paid == pytest.approx(expected, rel=1e-6)
