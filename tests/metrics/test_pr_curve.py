import numpy as np
import pytest
from scipy import stats

from compare_gan_tf.metrics import intervals, registry
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.pr_curve import PrCurve, curve

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=[120, 3]), RNG.normal(0.7, 1.2, size=[100, 3])


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows, np.float32)))


def scores(real, fake, **settings):
    return PrCurve(**settings)(side(real), side(fake))


def by_definition(real, fake, k, angles=1001):
    """(F8, F1/8): sort all distances in float64, then try every threshold at every slope."""
    real, fake = (np.asarray(rows, np.float32).astype(float) for rows in (real, fake))
    every = np.concatenate([real, fake])
    distances = np.linalg.norm(every[:, None] - every, axis=2)
    np.fill_diagonal(distances, np.inf)
    among = np.sum(np.argsort(distances, axis=1)[:, :k] < len(real), axis=1)
    of_real, of_fake = among[: len(real)], among[len(real) :]
    best = [0.0, 0.0]
    for slope in np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, angles)):
        p = min(slope * np.mean(of_real < t) + np.mean(of_fake >= t) for t in range(k + 2))
        p, r = min(p, 1.0), min(p / slope, 1.0)
        for place, beta in enumerate((8, 1 / 8)):
            f = (1 + beta**2) * p * r / (beta**2 * p + r + 1e-10)
            best[place] = max(best[place], f)
    return best


@pytest.mark.parametrize("k", [1, 5, 20])
def test_scores_are_those_of_the_definition(k):
    found = scores(REAL, FAKE, k=k)
    assert [one.value for one in found.values()] == pytest.approx(by_definition(REAL, FAKE, k))
    assert list(found) == ["pr_curve_f8", "pr_curve_f1_8"]


def test_k_is_the_root_of_the_smaller_side():
    assert scores(REAL, FAKE) == scores(REAL, FAKE, k=10)


def test_the_interval_leaves_out_one_block_at_a_time():
    found = scores(REAL, FAKE, k=5, angles=101)
    left_out = np.array([
        by_definition(
            *(rows[np.arange(len(rows)) % intervals.BLOCKS != block] for rows in (REAL, FAKE)),
            5,
            101,
        )
        for block in range(intervals.BLOCKS)
    ])  # fmt: skip
    for score, values in zip(found.values(), left_out.T, strict=True):
        expected = intervals.Replicates(score.value, values).interval()
        assert score.interval == pytest.approx(np.clip(expected, 0, 1))


def test_two_gaussians_have_nearly_the_curve_of_their_densities():
    """The best test of N(0, 1) against N(1, 1) at slope l has the threshold 1/2 + log l."""
    rng = np.random.default_rng(1)
    real, fake = rng.normal(0, 1, [3000, 1]), rng.normal(1, 1, [3000, 1])
    found = PrCurve(angles=21).curve(side(real), side(fake))
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 21))
    threshold = 0.5 + np.log(slopes)  # above it a sample is taken for a fake
    precision = slopes * stats.norm.sf(threshold) + stats.norm.cdf(threshold - 1)
    np.testing.assert_allclose(found.precision, precision, atol=0.03)
    np.testing.assert_allclose(found.recall, precision / slopes, atol=0.03)


def test_a_mode_that_is_missing_and_one_that_is_invented():
    rng = np.random.default_rng(2)
    one, two, three = (rng.normal(20 * place, 1, [300, 2]) for place in range(3))
    both = np.concatenate([one[:150], two[:150]])
    missing = PrCurve(k=25).curve(side(both), side(one[150:]))
    assert missing.recall.max() == pytest.approx(0.5, abs=0.05)
    assert missing.precision.max() == pytest.approx(1.0, abs=0.1)
    invented = PrCurve(k=25).curve(side(one[:150]), side(np.concatenate([one[150:], three[:150]])))
    assert invented.recall.max() == pytest.approx(1.0, abs=0.1)
    assert invented.precision.max() == pytest.approx(0.5, abs=0.05)


def test_a_classifier_that_knows_all_has_no_curve_and_one_that_guesses_has_the_square():
    apart = curve([0, 5], [5, 0])
    assert apart.precision.max() == apart.recall.max() == 0.0
    guess = curve([2, 3], [4, 6])
    assert guess.best_f(8.0) == pytest.approx(1.0) and guess.best_f(1 / 8) == pytest.approx(1.0)


def test_too_few_samples_and_the_name():
    with pytest.raises(UndefinedScore):
        scores(REAL[:5], FAKE, k=5)
    assert "pr_curve" in registry.names()
