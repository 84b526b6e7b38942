import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.objectives import losses

FILES = {"compare_gan": 4, "rivals": 6}


def means(name, real, fake):
    result = getattr(losses, name)(tf.constant(real, tf.float64), tf.constant(fake, tf.float64))
    return [float(tf.reduce_mean(values)) for values in result]


@pytest.mark.parametrize("file", FILES)
def test_losses_equal_the_references(golden, file):
    content = golden(file)
    assert len(content["losses"]) == FILES[file]
    for name, expected in content["losses"].items():
        real, fake, generator = means(name, **content["logits"])
        assert real + fake == pytest.approx(expected["d"], abs=1e-6), name
        assert generator == pytest.approx(expected["g"], abs=1e-6), name
        if "d_real" in expected:
            assert (real, fake) == pytest.approx(
                (expected["d_real"], expected["d_fake"]), abs=1e-6
            ), name


def test_a_discriminator_at_one_half_pays_log_four(golden):
    expected = golden("rivals")["at_half"]
    for name, generator_pays in (("non_saturating", "g"), ("minimax", "g_minimax")):
        real, fake, generator = means(name, [0.0], [0.0])
        assert real + fake == pytest.approx(expected["d"], abs=1e-6)
        assert generator == pytest.approx(expected[generator_pays], abs=1e-6)


def test_non_saturating_gradient_lives_where_the_saturating_one_dies():
    logits = tf.Variable([-20.0])  # D is sure that it is fake
    with tf.GradientTape(persistent=True) as tape:
        strong = losses.non_saturating(tf.zeros([0]), logits).generator
        weak = losses.minimax(tf.zeros([0]), logits).generator
    assert tape.gradient(strong, logits).numpy() == pytest.approx(-1.0, abs=1e-6)
    assert tape.gradient(weak, logits).numpy() == pytest.approx(-np.exp(-20.0), rel=1e-5)


def test_hinge_is_zero_beyond_the_margin():
    values = losses.hinge(tf.constant([1.0, 5.0]), tf.constant([-1.0, -5.0]))
    assert values.real.numpy().tolist() == [0.0, 0.0]
    assert values.fake.numpy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize(
    "name", ["non_saturating", "minimax", "least_squares_on_probabilities", "hinge", "wasserstein"]
)
def test_losses_stay_finite_for_huge_logits(name, logit):
    assert np.all(np.isfinite(means(name, [logit], [logit])))
