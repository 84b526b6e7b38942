import numpy as np
import pytest
import sklearn.cluster
import threadpoolctl

from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.prd import Curve, Prd, curve


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows, np.float32)))


def values(real, fake, **settings):
    return [score.value for score in Prd(**settings)(side(real), side(fake)).values()]


def by_definition(real_histogram, fake_histogram):
    """(F8, F1/8) from the formulas of the paper, one angle at a time."""
    best = [0.0, 0.0]
    for angle in np.linspace(1e-10, np.pi / 2 - 1e-10, 1001):
        slope = np.tan(angle)
        p = sum(min(slope * a, b) for a, b in zip(real_histogram, fake_histogram, strict=True))
        r = p / slope
        for place, beta in enumerate((8, 1 / 8)):
            f = (1 + beta**2) * p * r / (beta**2 * p + r + 1e-10)
            best[place] = max(best[place], f)
    return best


def test_the_curve_of_half_the_modes():
    # By hand: fakes of one mode out of two are all precise and recall half.
    found = curve([0.5, 0.5], [1.0, 0.0])
    assert (found.precision.max(), found.recall.max()) == pytest.approx((1.0, 0.5))
    assert found.best_f(8.0) == pytest.approx(0.5038632, abs=1e-7)
    assert found.best_f(1 / 8) == pytest.approx(0.9848289, abs=1e-7)


def test_swapped_sides_swap_precision_and_recall():
    there, back = curve([0.5, 0.5], [1.0, 0.0]), curve([1.0, 0.0], [0.5, 0.5])
    np.testing.assert_allclose(there.precision, back.recall[::-1], atol=1e-9)
    assert there.best_f(8.0) == pytest.approx(back.best_f(1 / 8), abs=1e-9)


@pytest.mark.parametrize(
    "real, fake, angles, index, expected",
    [
        # compare_gan's own cases.
        ([1, 0], [1, 0], 1001, 500, (1.0, 1.0)),
        ([1, 0], [0.5, 0.5], 11, 5, (0.5, 0.5)),
        ([1, 0], [0.5, 0.5], 11, 10, (0.5, 0.0)),
        ([1, 0], [0.5, 0.5], 11, 1, (np.tan(np.pi / 20), 1.0)),
    ],
)
def test_points_of_curves(real, fake, angles, index, expected):
    found = curve(real, fake, angles)
    assert found.precision[index] == pytest.approx(expected[0], abs=1e-9)
    assert found.recall[index] == pytest.approx(expected[1], abs=1e-9)


def test_the_curve_of_no_overlap_is_zero():
    found = curve([1, 0], [0, 1])
    assert not found.precision.any() and not found.recall.any()
    assert found.best_f(8.0) == 0.0


def test_f_of_points():
    # compare_gan's own case.
    precision, recall = [1, 1, 0, 0, 0.5, 1, 0.5], [1, 0, 1, 0, 0.5, 0.5, 1]
    points = [Curve(np.array([p]), np.array([r])) for p, r in zip(precision, recall, strict=True)]
    for beta, expected in (
        (1, [1, 0, 0, 0, 0.5, 2 / 3, 2 / 3]),
        (2, [1, 0, 0, 0, 0.5, 5 / 9, 5 / 6]),
        (1 / 2, [1, 0, 0, 0, 0.5, 5 / 6, 5 / 9]),
    ):
        assert [point.best_f(beta) for point in points] == pytest.approx(expected, abs=1e-9)


def test_the_scores_are_within_the_spread_of_runs_of_k_means():
    # Not of one clustering is known which is right: other seeds are the measure.
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(500, 6)), rng.normal(size=(500, 6)) * 0.8 + 0.4
    together, found = np.concatenate([real, fake]).astype(np.float32), []
    for seed in range(10):
        means = sklearn.cluster.MiniBatchKMeans(20, n_init=10, random_state=1000 + seed)
        with threadpoolctl.threadpool_limits(1):
            labels = means.fit(together).labels_
        counts = [np.bincount(half, minlength=20) / 500 for half in np.split(labels, 2)]
        found.append(by_definition(*counts))
    spread = np.std(found, axis=0)
    # The maximum of a mean curve lies below the mean of maxima, but by much less than that.
    assert np.abs(values(real, fake) - np.mean(found, axis=0)) == pytest.approx(
        [0, 0], abs=3 * spread.max()
    )


def test_it_is_seeded():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) * 0.7
    found = [values(real, fake, runs=2, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_dropped_modes_cost_f8_and_noise_costs_f_eighth():
    rng = np.random.default_rng(0)
    modes = 10 * rng.normal(size=(10, 4))

    def draw(count):
        return modes[rng.integers(0, count, 500)] + rng.normal(size=(500, 4))

    real, good, half = draw(10), draw(10), draw(5)
    noisy = np.where(rng.random((500, 1)) < 0.5, draw(10), 30 * rng.normal(size=(500, 4)))
    good, half, noisy = (values(real, fake, runs=3) for fake in (good, half, noisy))
    assert min(good) > 0.9
    assert half[0] < 0.6 and half[1] > 0.85
    assert noisy[1] < 0.8 and noisy[1] < noisy[0]


def test_of_the_larger_side_as_many_are_drawn_as_there_are_of_the_other():
    rng = np.random.default_rng(0)
    real, fake = side(rng.normal(size=(300, 3))), side(rng.normal(size=(100, 3)))
    histograms = Prd(runs=1).histograms(real, fake)
    assert [counts.sum() for counts in histograms] == [100, 100]
    assert len(Prd(runs=1, angles=11).curve(real, fake).precision) == 11


def test_the_clusters_need_samples():
    few = side(np.zeros((9, 3)))
    with pytest.raises(UndefinedScore, match="at least 10 are needed"):
        Prd()(few, few)
