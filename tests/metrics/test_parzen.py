import numpy as np
import pytest
import scipy.special
import scipy.stats

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.parzen import Parzen, PixelParzen, log_likelihood


def score(real, fake, **settings):
    sides = [Collected(features=Rows.of(np.asarray(x, np.float32))) for x in (real, fake)]
    return Parzen(**settings)(*sides)


def test_goldens(golden):
    own, two = golden("sample_metrics")["parzen"]
    point = np.random.default_rng(0).random((1, 784))
    found = log_likelihood(point, [point], [own["sigma"]])
    assert found.item() == pytest.approx(own["log_likelihood"], abs=1e-6)
    found = log_likelihood(np.zeros((1, 2)), [np.array([[0.0, 0.0], [1.0, 1.0]])], [two["sigma"]])
    assert found.item() == pytest.approx(two["log_likelihood"], abs=1e-7)


def test_agrees_with_the_kernel_density_of_scipy():
    rng = np.random.default_rng(1)
    fakes, points = rng.normal(size=(200, 1)), rng.normal(size=(50, 1))
    sigma = 0.3
    density = scipy.stats.gaussian_kde(fakes[:, 0], bw_method=sigma / fakes.std(ddof=1))
    found = log_likelihood(points, [fakes], [sigma])[0]
    np.testing.assert_allclose(found, density.logpdf(points[:, 0]), rtol=1e-10)


def test_agrees_with_the_formula_far_from_all_samples_and_in_any_chunks():
    rng = np.random.default_rng(2)
    fakes, points = rng.normal(size=(90, 20)), rng.normal(3.0, 1.0, size=(30, 20))
    squared = ((points[:, None] - fakes) ** 2).sum(axis=2)
    for sigma in (0.05, 0.7):  # exp(-squared / 2 sigma^2) is 0 in float64 for the former
        expected = scipy.special.logsumexp(-squared / (2 * sigma**2), axis=1) - np.log(90)
        expected -= 20 * np.log(sigma * np.sqrt(2 * np.pi))
        for size in (7, 90):
            chunks = [fakes[i : i + size] for i in range(0, 90, size)]
            np.testing.assert_allclose(log_likelihood(points, chunks, [sigma])[0], expected, 1e-12)


def test_the_width_is_the_likeliest_for_reals_that_are_not_scored():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(400, 2)), rng.normal(size=(2000, 2))
    sigmas = (0.01, 0.3, 30.0)
    found = score(real, fake, sigmas=sigmas, validation=100)
    assert found["parzen_sigma"].value == 0.3
    values = log_likelihood(real.astype(np.float32)[100:], [fake.astype(np.float32)], [0.3])[0]
    assert found["parzen"].value == pytest.approx(values.mean(), rel=1e-9)
    low, high = found["parzen"].interval
    assert high - low == pytest.approx(2 * 1.959964 * values.std(ddof=1) / np.sqrt(300), rel=1e-6)


def test_by_default_it_is_the_published_protocol():
    # goodfeli/adversarial, parzen_ll.py: 10 widths of logspace(-1, 0), 1,000 samples to choose one.
    metric = Parzen()
    ratio = 10 ** (1 / 9)
    np.testing.assert_allclose(metric.sigmas, 0.1 * ratio ** np.arange(10), rtol=1e-12)
    assert (metric.validation, metric.fakes) == (1_000, 10_000)


def test_it_nears_the_true_likelihood_and_falls_with_a_lost_mode():
    rng = np.random.default_rng(4)
    real, fake = rng.normal(size=(1000, 1)), rng.normal(size=(4000, 1))
    sigmas = (0.05, 0.1, 0.2)
    entropy = 0.5 * np.log(2 * np.pi * np.e)
    found = score(real, fake, sigmas=sigmas)["parzen"].value
    assert found == pytest.approx(-entropy, abs=0.05)
    assert score(real, np.abs(fake), sigmas=sigmas)["parzen"].value < found - 1.0


def test_pixels_are_in_the_unit_interval():
    images = np.random.default_rng(5).integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)
    sides = Collected(images=Rows.of(images)), Collected(images=Rows.of(images[::-1]))
    found = PixelParzen()(*sides)["pixel_parzen"]
    flat = images.reshape(40, -1) / 255
    assert found.value == pytest.approx(score(flat, flat)["parzen"].value, rel=1e-5)


def test_what_has_no_score():
    with pytest.raises(UndefinedScore, match="there are 0 fakes"):
        score(np.zeros((5, 2)), np.zeros((0, 2)))
    with pytest.raises(UndefinedScore, match="there are 3 real samples"):
        score(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(UndefinedScore, match="not finite"):
        score(np.zeros((5, 2)), np.full((5, 2), np.inf))
    with pytest.raises(UserError, match="sigmas: one is 0.0: it must be a number above 0"):
        Parzen(sigmas=(0.1, 0.0))
    with pytest.raises(UserError, match="Parzen.sigmas: one is inf"):
        Parzen(sigmas=(0.1, np.inf))
