import numpy as np
import pytest

from compare_gan_tf.metrics import intervals, kernel
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.kernel import Kid, KidBlocks, KidFull


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows)))


def value(metric, real, fake):
    (score,) = metric(side(real), side(fake)).values()
    return score.value


def by_definition(real, fake):
    """Sums over pairs, one at a time."""
    d = real.shape[1]
    sums = []
    for x, y in ((real, real), (fake, fake), (real, fake)):
        pairs = [
            (x[i] @ y[j] / d + 1) ** 3
            for i in range(len(x))
            for j in range(len(y))
            if x is not y or i != j
        ]
        sums.append(np.mean(pairs))
    return sums[0] + sums[1] - 2 * sums[2]


def test_the_full_estimate_is_its_definition():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(13, 4)), rng.normal(size=(9, 4)) + 0.5
    assert value(KidFull(), real, fake) == pytest.approx(by_definition(real, fake), rel=1e-12)
    assert kernel.unbiased_discrepancy(real, fake) == pytest.approx(
        by_definition(real, fake), rel=1e-12
    )


def test_an_estimate_may_be_below_zero():
    # By hand: 3 pairs a side.
    real, fake = np.array([[0, 1], [1, 0], [1, 1.0]]), np.array([[2, 0], [0, 2], [1, 1.0]])
    assert value(KidFull(), real, fake) == pytest.approx(-2.5833333, abs=1e-7)


def test_goldens_of_compare_gan():
    rng = np.random.RandomState(0)
    real, fake = rng.randn(100, 16), rng.randn(100, 16) + 0.5
    assert value(KidFull(), real, fake) == pytest.approx(0.8367082314944021, rel=1e-12)
    blocks = KidBlocks(largest=25)
    assert value(blocks, real, fake) == pytest.approx(0.8310930987774305, rel=1e-12)


def test_unequal_blocks_are_not_compare_gans():
    # It divides the fakes' sum by the number of reals and has .3196; worked out apart from both.
    rng = np.random.RandomState(0)
    real, fake = rng.randn(100, 16), (rng.randn(100, 16) + 0.5)[:90]
    assert value(KidBlocks(largest=25), real, fake) == pytest.approx(0.7932, abs=5e-5)
    assert value(KidFull(), real, fake) == pytest.approx(0.8240, abs=5e-5)


def test_the_blocks_are_consecutive_and_their_interval_is_that_of_a_mean():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(62, 5)), rng.normal(size=(55, 5)) + 0.3
    values = KidBlocks(largest=12).values(side(real), side(fake))
    expected = [
        by_definition(x, y)
        for x, y in zip(np.array_split(real, 6), np.array_split(fake, 6), strict=True)
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    score = KidBlocks(largest=12)(side(real), side(fake))["kid_blocks"]
    reach = intervals.student_quantile(5) * np.std(expected, ddof=1) / np.sqrt(6)
    assert score.value == pytest.approx(np.mean(expected), rel=1e-12)
    assert score.interval == pytest.approx((score.value - reach, score.value + reach), rel=1e-9)
    assert KidBlocks(largest=20)(side(real), side(fake))["kid_blocks"].interval is None


def test_the_mean_of_subsets_is_the_full_estimate_in_the_long_run():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(200, 6)), rng.normal(size=(150, 6)) + 0.4
    subsets = Kid(subsets=2000, subset_size=40)
    found = [sums.estimate() for sums in subsets.sums(side(real), side(fake))]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(value(KidFull(), real, fake), abs=3 * error)


def test_subsets_follow_their_seed():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(100, 3)), rng.normal(size=(100, 3))
    values = [value(Kid(subsets=5, subset_size=20, seed=s), real, fake) for s in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_left_out_estimates_are_those_of_the_other_samples():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(90, 3)), rng.normal(size=(80, 3)) + 0.2
    found = KidFull().replicates(side(real), side(fake))["kid_full"].left_out
    for block in (0, 7, 19):
        kept = [rows[intervals.block_of(np.arange(len(rows))) != block] for rows in (real, fake)]
        assert found[block] == pytest.approx(value(KidFull(), *kept), rel=1e-10)


@pytest.mark.parametrize("metric", [KidFull(), Kid(subset_size=100, subsets=20)])
def test_the_interval_is_as_wide_as_scores_of_other_draws_are_apart(metric):
    rng, values, errors = np.random.default_rng(0), [], []
    for _ in range(60):
        sides = side(rng.normal(size=(200, 8))), side(rng.normal(size=(200, 8)) + 0.3)
        (found,) = metric.replicates(*sides).values()
        values.append(found.value)
        errors.append(intervals.jackknife_variance(found.left_out))
    # A standard deviation of 60 is known to 9 %.
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(values), rel=0.27)


def test_too_few_samples_for_a_subset_have_no_score():
    few = side(np.zeros((300, 3)))
    with pytest.raises(
        UndefinedScore, match="subsets of 1000 samples, one side has 300: take kid_full"
    ):
        Kid()(few, few)
    with pytest.raises(UndefinedScore, match="in 25 blocks needs two samples a block"):
        KidBlocks(largest=2)(side(np.zeros((49, 3))), side(np.zeros((50, 3))))
