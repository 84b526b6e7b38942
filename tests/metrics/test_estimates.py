import numpy as np
import pytest
import scipy.stats

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import UndefinedScore


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = np.random.default_rng(0).normal(2.0, 3.0, 50)
    found = estimates.mean(values)
    expected = scipy.stats.norm.interval(0.95, values.mean(), scipy.stats.sem(values))
    assert found.value == pytest.approx(values.mean(), rel=1e-14)
    assert found.interval == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (3, 10), (10, 10), (450, 1000)])
def test_the_interval_of_a_share_is_that_of_wilson(hits, total):
    expected = scipy.stats.binomtest(hits, total).proportion_ci(0.95, method="wilson")
    found = estimates.share(hits, total)
    assert found.value == hits / total
    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_samples_have_no_score():
    with pytest.raises(UndefinedScore, match="not 1"):
        estimates.mean([1.0])
    with pytest.raises(UndefinedScore, match="1 of 2 values are not finite"):
        estimates.mean([1.0, np.nan])
    with pytest.raises(UndefinedScore, match="0 samples"):
        estimates.share(0, 0)
