import numpy as np
import pytest
import scipy.special

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.clipped import (
    ClippedDensityCoverage,
    expected_coverage,
    share_of_good,
)


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows, np.float32)))


def values(real, fake, **settings):
    found = ClippedDensityCoverage(**settings)(side(real), side(fake))
    return found["clipped_density"].value, found["clipped_coverage"].value


def distances(x, y):
    x, y = (np.float64(np.float32(rows)) for rows in (x, y))
    return np.sqrt(np.square(x[:, None] - y[None]).sum(axis=-1))


def by_definition(real, fake, k):
    """Clipped density, and clipped coverage before its calibration, of whole matrices."""
    own, across = distances(real, real), distances(real, fake)
    radii = np.sort(own)[:, k, None]
    clipped = np.minimum(radii, np.median(radii))
    of_fakes = np.minimum((across <= clipped).sum(axis=0) / k, 1).mean()
    of_reals = np.minimum(((own <= clipped).sum(axis=0) - 1) / k, 1).mean()
    coverage = np.minimum((across < radii).sum(axis=1) / k, 1).mean()
    return min(of_fakes / of_reals, 1), coverage


@pytest.mark.parametrize("k", [1, 3, 5])
def test_they_are_their_definitions(k):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(150, 3)), rng.normal(size=(120, 3)) * 0.8 + 0.4
    density, coverage = by_definition(real, fake, k)
    assert values(real, fake, k=k) == pytest.approx(
        (density, share_of_good(coverage, 150, 120, k)), rel=1e-12
    )


def test_the_expected_coverage_is_that_of_the_beta_binomial():
    # The sum over all counts, of scipy's functions, as the authors write it.
    reals, k = 30, 4
    found = expected_coverage(reals, 25, k)
    for good in (0, 1, 3, 25):
        held = np.arange(good + 1)
        share = scipy.special.comb(good, held) * scipy.special.beta(
            k + held, reals - k + good - held
        )
        share /= scipy.special.beta(k, reals - k)
        assert share.sum() == pytest.approx(1.0)
        assert found[good] == pytest.approx((np.minimum(held, k) * share).sum() / k, abs=1e-12)


def test_the_expected_coverage_is_what_good_fakes_have():
    rng, k = np.random.default_rng(1), 5
    found = [by_definition(*rng.normal(size=(2, 100, 4)), k)[1] for _ in range(30)]
    error = np.std(found) / np.sqrt(30)
    assert np.mean(found) == pytest.approx(expected_coverage(100, 100, k)[-1], abs=4 * error)


def test_bad_fakes_lower_both_scores_by_their_share():
    # The purpose of the calibration: half of the fakes are far away, and the scores are one half.
    rng = np.random.default_rng(2)
    real, good = rng.normal(size=(2, 1_000, 6))
    for share in (0.25, 0.5, 0.75):
        bad = np.where(np.arange(1_000)[:, None] < share * 1_000, 50.0, 0.0)
        assert values(real, good + bad) == pytest.approx((1 - share, 1 - share), abs=0.04)


def test_outliers_among_the_reals_raise_neither_score():
    rng = np.random.default_rng(3)
    real = rng.normal(size=(500, 4))
    real[:25] *= 30  # one in twenty: their balls reach far
    fake = rng.normal(size=(500, 4)) * 30
    density, coverage = values(real, fake)
    assert density < 0.01 and coverage < 0.1


def test_the_reals_in_place_of_the_fakes_have_1():
    real = np.random.default_rng(4).normal(size=(200, 8))
    assert values(real, real) == pytest.approx((1.0, 1.0))
    assert values(real, real + 100.0) == (0.0, 0.0)
    # Radii are 0: nothing is nearer, all are as near.
    assert values(np.ones((30, 2)), np.ones((30, 2))) == (1.0, 0.0)


def test_left_out_scores_are_those_of_the_other_samples():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(160, 3)), rng.normal(size=(140, 3)) * 0.8 + 0.3
    found = ClippedDensityCoverage().replicates(side(real), side(fake))
    for block in (0, 11):
        kept = [rows[intervals.block_of(np.arange(len(rows))) != block] for rows in (real, fake)]
        left_out = [one.left_out[block] for one in found.values()]
        # Pairs at the very border count as the distances in float32 say.
        assert left_out == pytest.approx(values(*kept), abs=0.01)


def test_the_intervals_hold_what_other_draws_give():
    rng, found, errors = np.random.default_rng(0), [], []
    for _ in range(40):
        sides = side(rng.normal(size=(250, 6))), side(rng.normal(size=(250, 6)) * 1.3)
        replicates = ClippedDensityCoverage().replicates(*sides).values()
        found.append([one.value for one in replicates])
        errors.append([intervals.jackknife_variance(one.left_out) for one in replicates])
    ratio = np.sqrt(np.mean(errors, axis=0)) / np.std(found, axis=0)
    assert (ratio > 0.8).all() and (ratio < 3).all()


def test_k_needs_more_samples():
    few = np.random.default_rng(0).normal(size=(5, 3))
    with pytest.raises(UndefinedScore, match="5 features of the real samples, at least 6"):
        values(few, few)
    assert len(values(few, few, k=4)) == 2


def test_copies_of_one_fake_have_intervals_too():
    rng = np.random.default_rng(0)
    real, few = rng.normal(size=(100, 40)) + 3.0, rng.normal(size=(10, 40)) + 3.0
    for sides in ((real, np.repeat(few, 10, axis=0)), (np.repeat(few, 10, axis=0), real)):
        found = ClippedDensityCoverage()(*(side(rows) for rows in sides))
        assert all(score.interval is not None for score in found.values())
