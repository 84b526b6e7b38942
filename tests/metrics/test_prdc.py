import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.prdc import Prdc, PrecisionRecall


def side(rows):
    rows = np.asarray(rows, np.float32)
    return Collected(features=Rows.of(rows.reshape(len(rows), -1)))


def values(metric, real, fake):
    return [score.value for score in metric(side(real), side(fake)).values()]


def by_definition(real, fake, k, strict):
    """Of whole matrices of distances in float64."""

    def distances(x, y):
        x, y = (np.float64(np.float32(rows)) for rows in (x, y))
        return np.sqrt(np.square(x[:, None] - y[None]).sum(axis=-1))

    inside = np.less if strict else np.less_equal
    across = distances(real, fake)
    in_real = inside(across, np.sort(distances(real, real))[:, k, None])
    in_fake = inside(across, np.sort(distances(fake, fake))[:, k])
    return [
        in_real.any(axis=0).mean(),
        in_fake.any(axis=1).mean(),
        in_real.sum(axis=0).mean() / k,
        in_real.any(axis=1).mean(),
    ]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_they_are_their_definitions(k, strict):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(150, 3)), rng.normal(size=(120, 3)) * 0.8 + 0.4
    expected = by_definition(real, fake, k, strict)
    assert values(Prdc(k=k, strict=strict), real, fake) == pytest.approx(expected, rel=1e-12)
    found = values(PrecisionRecall(k=k, strict=strict), real, fake)
    assert found == pytest.approx(expected[:2], rel=1e-12)


def test_the_border_of_a_ball_belongs_to_it_unless_strict():
    # On a line of unit steps a ball of k = 2 ends at the neighbours, which are fakes too.
    line = np.arange(20.0)
    fake = np.array([-1.0, 20.0, 21.5])
    strict, closed = (values(PrecisionRecall(k=2, strict=s), line, fake) for s in (True, False))
    # The balls of the ends 0 and 19 reach to 2 steps, those within to 1.
    assert closed[0] == pytest.approx(2 / 3)
    assert strict[0] == pytest.approx(2 / 3)
    touching = np.array([-2.0, 21.0, 30.0])
    assert values(PrecisionRecall(k=2), line, touching)[0] == pytest.approx(2 / 3)
    assert values(PrecisionRecall(k=2, strict=True), line, touching)[0] == 0.0


def test_the_borders_that_copies_lie_on_are_decided_exactly():
    # A copy of the 5th neighbour is at the very distance of the radius.
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 40))
    precision, recall, density, coverage = values(Prdc(), real, real)
    assert (precision, recall, coverage) == (1.0, 1.0, 1.0)
    assert density == pytest.approx(5 / 5)  # itself and 4 nearer than the 5th
    assert values(Prdc(strict=False), real, real)[2] == pytest.approx(6 / 5)


def test_far_sides_have_none():
    rng = np.random.default_rng(0)
    assert values(Prdc(), rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 100) == [0] * 4


def test_equal_samples_everywhere():
    # Radii are 0: nothing is nearer, all are as near.
    assert values(Prdc(), np.ones((30, 2)), np.ones((30, 2))) == [0] * 4
    assert values(PrecisionRecall(), np.ones((30, 2)), np.ones((30, 2))) == [1, 1]


def test_dropped_modes_cost_recall_and_noise_costs_precision():
    rng = np.random.default_rng(0)
    modes = 10 * rng.normal(size=(8, 4))

    def draw(count):
        return modes[rng.integers(0, count, 400)] + rng.normal(size=(400, 4))

    real, good, half = draw(8), draw(8), draw(4)
    noisy = draw(8) + 3 * rng.normal(size=(400, 4))
    good, half, noisy = (values(Prdc(), real, fake) for fake in (good, half, noisy))
    assert min(good) > 0.85
    assert half[0] > 0.85 and half[1] < 0.65 and half[3] < 0.65
    assert noisy[0] < 0.6 and noisy[2] < 0.6


def test_one_outlier_among_the_reals_does_not_raise_density():
    # Naeem et al., 2020, section 3.1: precision is overestimated around an outlier.
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(200, 2)), [[30.0, 30.0]]])
    fake = rng.normal(size=(200, 2)) + [20, 20]
    precision, _, density, _ = values(Prdc(), real, fake)
    assert precision > 0.9
    assert density < 0.25


def test_the_intervals_hold_what_other_draws_give():
    # Efron and Stein, The Jackknife Estimate of Variance, 1981: on average it is not too small.
    rng, found, errors = np.random.default_rng(0), [], []
    for _ in range(40):
        sides = side(rng.normal(size=(250, 6))), side(rng.normal(size=(250, 6)) * 0.9 + 0.3)
        replicates = Prdc().replicates(*sides).values()
        found.append([one.value for one in replicates])
        errors.append([intervals.jackknife_variance(one.left_out) for one in replicates])
    ratio = np.sqrt(np.mean(errors, axis=0)) / np.std(found, axis=0)
    assert (ratio > 0.8).all() and (ratio < 3).all()


def test_left_out_scores_are_those_of_the_other_samples():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(160, 3)), rng.normal(size=(140, 3)) * 0.8 + 0.3
    found = Prdc().replicates(side(real), side(fake))
    for block in (0, 11):
        kept = [rows[intervals.block_of(np.arange(len(rows))) != block] for rows in (real, fake)]
        expected = values(Prdc(), *kept)
        left_out = [one.left_out[block] for one in found.values()]
        # A pair at the border itself counts here: it is a neighbour, of the own side, never.
        assert left_out == pytest.approx(expected, abs=1e-6)


def test_k_needs_more_samples():
    few = np.random.default_rng(0).normal(size=(5, 3))
    with pytest.raises(UndefinedScore, match="5 features of the real samples, at least 6"):
        Prdc()(side(few), side(few))
    assert len(PrecisionRecall()(side(few), side(few))) == 2
    with pytest.raises(UserError, match="Prdc.k is 0"):
        Prdc(k=0)


def test_an_interval_of_a_share_ends_at_1_and_that_of_density_does_not():
    rng = np.random.default_rng(0)
    found = Prdc()(side(rng.normal(size=(60, 2))), side(rng.normal(size=(60, 2)) * 0.3))
    for name in ("prdc_precision", "prdc_recall", "coverage"):
        assert 0.0 <= found[name].interval[0] <= found[name].interval[1] <= 1.0
    assert found["density"].interval[1] > 1.0
