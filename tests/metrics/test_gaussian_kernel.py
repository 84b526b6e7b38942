import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.gaussian_kernel import Cmmd, KidRbf
from compare_gan_tf.metrics.kernel import unbiased_discrepancy
from compare_gan_tf.metrics.rows import of_length_1


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows)))


def value(metric, real, fake):
    (score,) = metric(side(real), side(fake)).values()
    return score.value


def biased(real, fake, sigma):
    """Sums over all pairs, one at a time."""

    def mean(x, y):
        return np.mean([[np.exp(-np.sum((a - b) ** 2) / (2 * sigma**2)) for b in y] for a in x])

    return 1000 * (mean(real, real) + mean(fake, fake) - 2 * mean(real, fake))


@pytest.mark.parametrize("sigma", [0.5, 10.0])
def test_cmmd_is_its_definition(sigma):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(13, 4)), rng.normal(size=(9, 4)) + 0.5
    metric = Cmmd(sigma=sigma, normalise=False)
    assert value(metric, real, fake) == pytest.approx(biased(real, fake, sigma), rel=1e-10)
    expected = biased(of_length_1(real), of_length_1(fake), sigma)
    assert value(Cmmd(sigma=sigma), real, fake) == pytest.approx(expected, rel=1e-10)


def test_cmmd_of_sigma_10_is_nearly_a_distance_of_means():
    rng = np.random.default_rng(1)
    real, fake = rng.normal(1.0, 1.0, (300, 64)), rng.normal(0.7, 1.0, (300, 64))
    means = [of_length_1(rows).mean(axis=0) for rows in (real, fake)]
    distance = 10.0 * np.sum(np.square(means[0] - means[1]))
    assert value(Cmmd(), real, fake) == pytest.approx(distance, rel=0.02)


def test_cmmd_of_the_same_samples_is_0_and_a_smaller_sigma_sees_their_spread():
    real = np.random.default_rng(2).normal(size=(80, 3))
    assert value(Cmmd(), real, real) == pytest.approx(0.0, abs=1e-9)
    # The same mean, and twice the spread.
    fake = 2.0 * (real - real.mean(axis=0)) + real.mean(axis=0)
    wide, narrow = (Cmmd(sigma=s, normalise=False) for s in (1e3, 1.0))
    assert value(wide, real, fake) < 1e-6 < 5.0 < value(narrow, real, fake)


def test_a_feature_of_zeros_stays_one():
    assert value(Cmmd(), np.zeros((3, 2)), np.ones((3, 2))) == pytest.approx(
        2000.0 * (1 - np.exp(-1 / 200))
    )


def test_left_out_values_of_cmmd_are_those_of_the_other_samples():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(90, 3)), rng.normal(size=(70, 3)) + 0.4
    found = Cmmd().replicates(side(real), side(fake))["cmmd"].left_out
    kept = [rows[intervals.block_of(np.arange(len(rows))) != 7] for rows in (real, fake)]
    assert found[7] == pytest.approx(value(Cmmd(), *kept), rel=1e-9)


def test_kid_with_a_gaussian_kernel_has_no_bias():
    rng = np.random.default_rng(4)
    found = [
        value(KidRbf(subsets=1, subset_size=40, sigma=1.0), *rng.normal(size=(2, 40, 3)))
        for _ in range(60)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)
    assert min(found) < 0


def test_kid_of_a_wide_gaussian_is_a_distance_of_means_too():
    # k = 1 - |x - y|^2 / (2 sigma^2), of which the unbiased estimate is that of the linear kernel.
    rng = np.random.default_rng(5)
    real, fake = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 0.5
    sigma = 1e3
    found = value(KidRbf(subsets=1, subset_size=50, sigma=sigma), real, fake)
    spread = sum(rows.var(axis=0, ddof=1).sum() / 50 for rows in (real, fake))
    means = np.sum(np.square(real.mean(axis=0) - fake.mean(axis=0)))
    assert found * sigma**2 == pytest.approx(means - spread, rel=1e-3)
    assert unbiased_discrepancy(real, fake) != pytest.approx(found)  # the cubic kernel's


def test_too_few_samples_and_wrong_settings_are_one_line():
    few = np.random.default_rng(0).normal(size=(30, 3))
    with pytest.raises(UndefinedScore, match="KidRbf.subset_size = 15"):
        value(KidRbf(), few, few)
    with pytest.raises(UserError, match="Cmmd.sigma is 0"):
        Cmmd(sigma=0.0)
