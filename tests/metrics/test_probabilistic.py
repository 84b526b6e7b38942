import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.probabilistic import ProbabilisticPrecisionRecall


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows, np.float32)))


def values(real, fake, **settings):
    found = ProbabilisticPrecisionRecall(**settings)(side(real), side(fake))
    return found["p_precision"].value, found["p_recall"].value


def by_definition(real, fake, k=4, scale=1.2):
    """Products over whole matrices of distances in float64."""

    def distances(x, y):
        x, y = (np.float64(np.float32(rows)) for rows in (x, y))
        return np.sqrt(np.square(x[:, None] - y[None]).sum(axis=-1))

    def outside(centres, samples):
        radius = scale * np.sort(distances(centres, centres))[:, k].mean()
        return np.minimum(distances(centres, samples) / radius, 1.0).prod(axis=0).mean()

    return 1 - outside(real, fake), 1 - outside(fake, real)


@pytest.mark.parametrize("settings", [{}, {"k": 2, "scale": 0.7}])
def test_they_are_their_definitions(settings):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(150, 3)), rng.normal(size=(120, 3)) * 0.8 + 0.4
    found = values(real, fake, **settings)
    assert found == pytest.approx(by_definition(real, fake, **settings), rel=1e-6)


def test_features_that_are_far_from_0_lose_no_digits():
    rng = np.random.default_rng(0)
    real, fake = 500.0 + rng.normal(size=(2, 90, 20))
    assert values(real, fake) == pytest.approx(by_definition(real, fake), rel=1e-6)


def test_a_copy_is_inside_for_certain_and_a_far_sample_outside():
    rng = np.random.default_rng(1)
    real = rng.normal(size=(100, 5))
    assert values(real, real) == pytest.approx((1.0, 1.0), abs=1e-6)
    assert values(real, real + 100.0) == (0.0, 0.0)
    assert values(np.ones((30, 2)), np.ones((30, 2))) == (0.0, 0.0)  # no radius


def test_one_ball_holds_a_sample_with_the_share_of_its_radius():
    # Reals in five far, equal crosses of which one centre has a fake at half the radius.
    cross = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1.0]])
    real = np.concatenate([cross + 1e2 * i for i in range(5)])
    radius = np.mean([np.sort(np.linalg.norm(cross - x, axis=1))[4] for x in cross])
    fake = np.array([[-1 - radius / 2, 0]] + [[1e3 + 1e2 * i, 0] for i in range(5)])
    expected = 1 - np.prod(np.minimum(np.linalg.norm(cross - fake[0], axis=1) / radius, 1.0))
    assert values(real, fake, scale=1.0)[0] == pytest.approx(expected / 6, rel=1e-5)


def test_one_outlier_among_the_reals_does_not_raise_precision():
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(200, 2)), [[30.0, 30.0]]])
    assert values(real, rng.normal(size=(200, 2)) + [20, 20])[0] < 0.01


def test_dropped_modes_cost_recall_and_noise_costs_precision():
    rng = np.random.default_rng(0)
    modes = 10 * rng.normal(size=(8, 4))

    def draw(count):
        return modes[rng.integers(0, count, 400)] + rng.normal(size=(400, 4))

    real, good, half = draw(8), draw(8), draw(4)
    noisy = draw(8) + 3 * rng.normal(size=(400, 4))
    (precision, recall), half, noisy = (values(real, fake) for fake in (good, half, noisy))
    assert half[1] < 0.65 * recall and half[0] > 0.9 * precision
    assert noisy[0] < 0.6 * precision


def test_left_out_scores_are_those_of_the_other_samples():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(160, 3)), rng.normal(size=(140, 3)) * 0.8 + 0.3
    found = ProbabilisticPrecisionRecall().replicates(side(real), side(fake))
    for block in (0, 11):
        kept = [rows[intervals.block_of(np.arange(len(rows))) != block] for rows in (real, fake)]
        left_out = [one.left_out[block] for one in found.values()]
        assert left_out == pytest.approx(values(*kept), rel=1e-5)


def test_the_intervals_hold_what_other_draws_give():
    rng, found, errors = np.random.default_rng(0), [], []
    for _ in range(40):
        sides = side(rng.normal(size=(250, 6))), side(rng.normal(size=(250, 6)) * 0.9 + 0.3)
        replicates = ProbabilisticPrecisionRecall().replicates(*sides).values()
        found.append([one.value for one in replicates])
        errors.append([intervals.jackknife_variance(one.left_out) for one in replicates])
    ratio = np.sqrt(np.mean(errors, axis=0)) / np.std(found, axis=0)
    assert (ratio > 0.8).all() and (ratio < 3).all()


def test_settings_and_samples_must_do():
    few = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(UndefinedScore, match="4 features of the real samples, at least 5"):
        values(few, few)
    with pytest.raises(UserError, match="scale is 0"):
        ProbabilisticPrecisionRecall(scale=0.0)


def test_copies_of_one_fake_have_intervals_too():
    rng = np.random.default_rng(0)
    real, few = rng.normal(size=(100, 40)) + 3.0, rng.normal(size=(10, 40)) + 3.0
    for sides in ((real, np.repeat(few, 10, axis=0)), (np.repeat(few, 10, axis=0), real)):
        found = ProbabilisticPrecisionRecall()(*(side(rows) for rows in sides))
        assert all(score.interval is not None for score in found.values())
