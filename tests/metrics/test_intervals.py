import dataclasses

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Metric, Rows, Score
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.inception_score import InceptionScore
from compare_gan_tf.metrics.intervals import BLOCKS, Jackknifed, Replicates, paired_difference
from compare_gan_tf.metrics.kernel import KidFull


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeanGap(Jackknifed):
    """Mean of the fakes minus mean of the reals."""

    name = "gap"
    scores = {"gap": False}
    bounds = (-np.inf, np.inf)

    def replicates(self, real, fake):
        means = []
        for side in (real, fake):
            rows = side.features.read()[:, 0]
            block = intervals.block_of(np.arange(len(rows)))
            means.append([rows.mean(), *(rows[block != b].mean() for b in range(BLOCKS))])
        gaps = np.subtract(means[1], means[0])
        return {"gap": Replicates(gaps[0], gaps[1:])}


del Metric.named["gap"]  # for other tests, which walk all metrics


def side(rows):
    rows = np.asarray(rows, np.float32)
    return Collected(features=Rows.of(rows.reshape(len(rows), -1)))


@pytest.mark.parametrize("degrees", [2, 4, 9, 19, 49, 1000])
def test_students_quantile(degrees):
    expected = scipy.stats.t.ppf(0.975, degrees)
    assert intervals.student_quantile(degrees) == pytest.approx(expected, rel=1e-9)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    rows = np.random.default_rng(0).normal(size=BLOCKS)
    left_out = [np.delete(rows, block).mean() for block in range(BLOCKS)]
    expected = rows.var(ddof=1) / BLOCKS
    assert intervals.jackknife_variance(left_out) == pytest.approx(expected, rel=1e-12)


def test_95_percent_of_the_intervals_of_a_mean_hold_it():
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        score = MeanGap()(side(rng.normal(size=100)), side(rng.exponential(size=60)))["gap"]
        held += score.interval[0] <= 1.0 <= score.interval[1]
    # +- 3 standard errors of a share of 400; the exponential's skewness costs a percent.
    assert held / 400 == pytest.approx(0.945, abs=0.034)


def test_a_paired_difference_of_one_model_with_itself_is_surely_zero():
    rng = np.random.default_rng(0)
    real, fake = side(rng.normal(size=(100, 3))), side(rng.normal(size=(100, 3)))
    for metric in (MeanGap(), Fid(), KidFull()):
        (score,) = paired_difference(metric, real, fake, fake).values()
        assert score == Score(0.0, (0.0, 0.0))


def test_the_luck_of_the_reals_drops_out_of_a_paired_difference():
    rng = np.random.default_rng(0)
    real = side(rng.normal(size=60) * 10)
    fakes = [side(rng.normal(size=1000) * 0.1) for _ in range(2)]
    alone = MeanGap()(real, fakes[0])["gap"].interval
    paired = paired_difference(MeanGap(), real, *fakes)["gap"].interval
    assert np.ptp(paired) < 0.02 * np.ptp(alone)


def test_paired_intervals_hold_the_true_difference_and_tell_models_apart():
    rng, held, apart, repetitions = np.random.default_rng(0), 0, 0, 100
    for _ in range(repetitions):
        real = side(rng.normal(size=(300, 4)))
        fakes = [side(rng.normal(size=(300, 4)) + shift) for shift in (0.5, 0.3)]
        low, high = paired_difference(Fid(), real, *fakes)["fid"].interval
        held += low <= 4 * (0.5**2 - 0.3**2) <= high  # the bias of both is the same
        apart += low > 0
    assert held >= 88
    assert apart >= 95


def test_few_samples_have_no_interval():
    rng = np.random.default_rng(0)
    few = side(rng.normal(size=(39, 3)))
    assert Fid()(few, few)["fid"].interval is None
    assert paired_difference(Fid(), few, few, few)["fid"].interval is None


def test_an_interval_stays_within_the_values_a_score_can_have():
    rng = np.random.default_rng(0)
    real, fake = side(rng.normal(size=(60, 3))), side(rng.normal(size=(60, 3)))
    assert Fid()(real, fake)["fid"].interval[0] >= 0
    logits = Collected(logits=Rows.of(rng.normal(size=(100, 5)) * 0.01))
    assert InceptionScore()(real, logits)["inception_score"].interval[0] >= 1
