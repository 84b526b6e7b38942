import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize, special

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import f_divergences, f_gan
from compare_gan_tf.objectives.losses import require_log_ratios

VALUES = {
    value.name: value
    for value in (
        f_divergences.kl(),
        f_divergences.reverse_kl(),
        f_divergences.pearson(),
        f_divergences.neyman(),
        f_divergences.squared_hellinger(),
        f_divergences.jeffrey(),
        f_divergences.jensen_shannon(),
        f_divergences.gan(),
        f_divergences.weighted_jensen_shannon(0.5),
        f_divergences.weighted_jensen_shannon(0.3),
        f_divergences.total_variation(),
        f_divergences.alpha(0.5),
        f_divergences.alpha(2.0),
        f_divergences.alpha(3.0),
        f_divergences.alpha(-1.0),
    )
}
SMOOTH = [name for name, value in VALUES.items() if value.derivative_of_exp]
LOGITS = tf.constant(np.linspace(-6.0, 6.0, 25))


def derivative(function, at):
    with tf.GradientTape() as tape:
        tape.watch(at)
        values = function(at)
    return tape.gradient(values, at).numpy()


@pytest.mark.parametrize("name", SMOOTH)
def test_the_derivative_at_a_ratio_attains_the_conjugate(name):
    value, ratio = VALUES[name], tf.exp(LOGITS)
    outputs = value.derivative_of_exp(LOGITS)
    np.testing.assert_allclose(outputs, derivative(value.f, ratio), rtol=1e-9, atol=1e-9)
    attained = (ratio * outputs - value.f(ratio)).numpy()  # f*(f'(u)) = u f'(u) - f(u)
    np.testing.assert_allclose(value.conjugate_of_derivative(LOGITS), attained, 1e-9, 1e-9)
    np.testing.assert_allclose(value.conjugate(outputs), attained, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(derivative(value.conjugate, outputs), ratio, rtol=1e-9)


@pytest.mark.parametrize("name", VALUES)
def test_no_ratio_beats_the_conjugate(name):
    value = VALUES[name]
    for t in value.activation(tf.constant([-1.5, -0.2, 0.4, 1.1], tf.float64)).numpy():

        def minus_gain(log_ratio, t=t):
            ratio = tf.constant(math.exp(log_ratio), tf.float64)
            return float(value.f(ratio)) - math.exp(log_ratio) * t

        found = optimize.minimize_scalar(minus_gain, bounds=(-30, 8), method="bounded")
        expected = float(value.conjugate(tf.constant(t, tf.float64)))
        assert -found.fun == pytest.approx(expected, abs=1e-5), (name, t)


@pytest.mark.parametrize("name", VALUES)
def test_the_stable_form_is_the_conjugate_of_the_activation(name):
    value = VALUES[name]
    expected = value.conjugate(value.activation(LOGITS))
    # 1 - t cancels in the plain form of Hellinger's and of alpha's for the largest logits.
    np.testing.assert_allclose(value.conjugate_of_activation(LOGITS), expected, 1e-9, 1e-10)


@pytest.mark.parametrize("name", VALUES)
def test_a_larger_logit_is_more_real(name):
    assert np.all(np.diff(VALUES[name].activation(LOGITS)) > 0.0)


def test_the_threshold_and_the_curvature_at_one_are_those_of_the_table(golden):
    for name, (threshold, curvature) in golden("seeds")["f_at_one"].items():
        value, one = VALUES[name], tf.constant(1.0, tf.float64)
        assert value.threshold == pytest.approx(threshold, abs=1e-12)
        assert derivative(value.f, one) == pytest.approx(threshold, abs=1e-12), name
        steps = [derivative(value.f, one + h) for h in (-1e-5, 1e-5)]
        assert (steps[1] - steps[0]) / 2e-5 == pytest.approx(curvature, abs=1e-8), name


@pytest.mark.parametrize("name", VALUES)
def test_the_threshold_is_the_slope_at_one(name):
    slope = derivative(VALUES[name].f, tf.constant(1.0 + 1e-9, tf.float64))  # |u - 1| has a kink
    if name == "total_variation":
        slope -= 0.5
    assert VALUES[name].threshold == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("name", ["kl", "reverse_kl", "pearson", "jensen_shannon", "gan"])
def test_the_best_discriminator_s_loss_is_minus_the_divergence(golden, name):
    table = golden("seeds")["gaussians"]
    for (mean, deviation), expected in zip(table["pairs"], table[name], strict=True):
        assert bound(VALUES[name], mean, deviation) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", ["neyman", "squared_hellinger", "weighted_jensen_shannon_0.5"])
def test_the_bound_is_tight_for_finite_divergences(golden, name):
    table = golden("seeds")["gaussians"]
    for (mean, deviation), expected in zip(table["pairs"], table[name], strict=True):
        if expected is not None:
            assert bound(VALUES[name], mean, deviation) == pytest.approx(expected, abs=2e-6)


def bound(value, mean, deviation):
    """E_P T - E_Q f*(T) with the log ratio as logits, P = N(0, 1), Q = N(mean, deviation^2)."""
    x = np.linspace(-14.0, 14.0, 40001)
    log_p = -0.5 * x**2 - 0.5 * math.log(2 * math.pi)
    log_q = -0.5 * ((x - mean) / deviation) ** 2 - math.log(deviation * math.sqrt(2 * math.pi))
    logits = tf.constant(log_p - log_q)
    losses = f_gan.f_gan(logits, logits, value, logits=f_gan.log_ratio)
    real, fake = np.exp(log_p) * losses.real, np.exp(log_q) * losses.fake
    return -integrate.trapezoid(np.asarray(real) + np.asarray(fake), x)


def test_total_variation_is_that_of_the_table(golden):
    table = golden("seeds")["gaussians"]
    x = np.linspace(-14.0, 14.0, 40001)
    for (mean, deviation), expected in zip(table["pairs"], table["total_variation"], strict=True):
        p, q = (np.exp(-0.5 * ((x - m) / s) ** 2) / s for m, s in ((0.0, 1.0), (mean, deviation)))
        p, q = p / math.sqrt(2 * math.pi), q / math.sqrt(2 * math.pi)
        found = integrate.trapezoid(q * VALUES["total_variation"].f(tf.constant(p / q)).numpy(), x)
        assert found == pytest.approx(expected, abs=2e-6)
        signs = tf.constant(20.0 * np.sign(p - q))  # the best D
        losses = f_gan.f_gan(signs, signs, VALUES["total_variation"])
        reached = -integrate.trapezoid(p * losses.real.numpy() + q * losses.fake.numpy(), x)
        assert reached == pytest.approx(expected, abs=1e-3)


def test_jeffrey_s_conjugate_is_lambert_s():
    t = np.array([-30.0, -3.0, 0.0, 0.9, 1.1, 5.0, 40.0])
    w = special.lambertw(np.exp(1.0 - t)).real
    found = VALUES["jeffrey"].conjugate(tf.constant(t))
    np.testing.assert_allclose(found, w + 1.0 / w + t - 2.0, rtol=1e-12)
    huge = VALUES["jeffrey"].conjugate(tf.constant([-1e4, 60.0], tf.float32))
    assert np.all(np.isfinite(huge))


def test_the_gan_divergence_is_the_original_game(golden):
    case = golden("seeds")["categorical"]
    p, q = np.array(case["p"]), np.array(case["q"])
    logits = tf.constant(np.log(p / q))
    np.testing.assert_allclose(tf.sigmoid(logits), case["d"], atol=1e-7)
    losses = f_gan.f_gan(logits, logits, VALUES["gan"])
    assert -np.sum(p * losses.real + q * losses.fake) == pytest.approx(case["value"], abs=1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_log_ratios_are_the_best_logits_of_the_log_ratio_form(name):
    form = {"divergence": VALUES[name], "logits": f_gan.log_ratio}
    require_log_ratios("loss", functools.partial(f_gan.f_gan, **form))


def test_the_generator_s_two_forms():
    logits = tf.constant([-1.0, 0.5])
    forms = {
        form: f_gan.f_gan(logits, logits, VALUES["gan"], generator=form).generator.numpy()
        for form in (f_gan.saddle, f_gan.alternative)
    }
    v = logits.numpy()
    np.testing.assert_allclose(forms[f_gan.saddle], -np.log1p(np.exp(v)), rtol=1e-6)
    np.testing.assert_allclose(forms[f_gan.alternative], np.log1p(np.exp(-v)), rtol=1e-6)


def test_wrong_settings_are_refused():
    with pytest.raises(UserError, match="total_variation has no log ratio"):
        f_gan.f_gan(LOGITS, LOGITS, VALUES["total_variation"], logits=f_gan.log_ratio)
    with pytest.raises(UserError, match="alpha.order is 1.0: take reverse_kl"):
        f_divergences.alpha(1.0)
    with pytest.raises(UserError, match="weighted_jensen_shannon.share is 1.0"):
        f_divergences.weighted_jensen_shannon(1.0)
    with pytest.raises(UserError, match="alpha.order is inf"):
        f_divergences.alpha(math.inf)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"divergence": f_divergences.kl}, r"f_gan.divergence is @kl.*\(\), with parentheses"),
        ({"logits": None}, "f_gan.logits is None: it must be"),
        ({"logits": f_gan.saddle}, "f_gan.logits is @saddle: it must be"),
        ({"generator": None}, "f_gan.generator is None: it must be"),
        ({"generator": f_gan.log_ratio}, "f_gan.generator is @log_ratio: it must be"),
    ],
)
def test_wrong_functions_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        f_gan.f_gan(LOGITS, LOGITS, **settings)
