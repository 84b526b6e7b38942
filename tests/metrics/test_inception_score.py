import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.inception_score import InceptionScore

NO_REALS = Collected()


def score(logits, logit_bias=None, **settings):
    fake = Collected(logits=Rows.of(np.asarray(logits)), logit_bias=logit_bias)
    return InceptionScore(**settings)(NO_REALS, fake)["inception_score"]


@pytest.mark.parametrize(
    "logits, expected",
    [
        (np.log([[0.9, 0.1], [0.2, 0.8]]), 1.3170523),  # by hand
        (np.tile(1000.0 * np.eye(10), [5, 1]), 10.0),  # sure and even
        (np.zeros((50, 10)), 1.0),
        (np.tile([[3.0, -1.0, 2.0]], [50, 1]), 1.0),
    ],
)
def test_closed_forms(logits, expected):
    assert score(logits).value == pytest.approx(expected, rel=1e-7)


def test_an_offset_of_all_logits_changes_nothing():
    logits = np.random.default_rng(0).normal(size=(100, 7))
    assert score(logits + 1e4).value == pytest.approx(score(logits).value, rel=1e-9)


def test_without_the_bias_the_logits_are_those_minus_it():
    rng = np.random.default_rng(0)
    logits, bias = rng.normal(size=(100, 7)), rng.normal(size=7)
    found = score(logits, bias, bias=False).value
    assert found == pytest.approx(score(logits - bias).value, rel=1e-12)
    assert abs(found - score(logits, bias).value) > 0.01


def test_splits_are_consecutive():
    logits = np.random.default_rng(0).normal(size=(103, 7))
    edges = [103 * i // 10 for i in range(11)]
    expected = [score(logits[a:b]).value for a, b in zip(edges[:-1], edges[1:], strict=True)]
    fake = Collected(logits=Rows.of(logits))
    np.testing.assert_allclose(InceptionScore(splits=10).split_scores(fake), expected, rtol=1e-12)
    assert score(logits, splits=10).value == pytest.approx(np.mean(expected), rel=1e-12)


def test_sorted_fakes_need_the_shuffle():
    logits = np.repeat(20.0 * np.eye(10), 100, axis=0)
    assert score(logits, splits=10).value == pytest.approx(1.0, abs=1e-6)
    assert score(logits, splits=10, shuffle_seed=2020).value > 9


def test_noise_and_dropped_classes_lower_it():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 1000)
    good = score(8.0 * np.eye(10)[labels]).value
    assert score(8.0 * np.eye(10)[labels % 5]).value < 0.6 * good
    assert score(8.0 * np.eye(10)[labels] + 4 * rng.normal(size=(1000, 10))).value < 0.9 * good


@pytest.mark.parametrize("settings", [{}, {"splits": 5}, {"splits": 5, "shuffle_seed": 3}])
def test_the_interval_is_as_wide_as_scores_of_other_draws_are_apart(settings):
    rng, metric, values, errors = np.random.default_rng(0), InceptionScore(**settings), [], []
    for _ in range(80):
        logits = Rows.of(2 * rng.normal(size=(500, 6)))
        found = metric.replicates(NO_REALS, Collected(logits=logits))["inception_score"]
        values.append(found.value)
        errors.append(intervals.jackknife_variance(found.left_out))
    # A standard deviation of 80 is known to 8 %.
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(values), rel=0.24)


def test_no_score_is_told_why():
    with pytest.raises(UndefinedScore, match="has no logits"):
        InceptionScore()(NO_REALS, Collected())
    with pytest.raises(UndefinedScore, match="bias of the logits is not known"):
        score(np.zeros((10, 3)), bias=False, splits=1)
    with pytest.raises(UndefinedScore, match="there are 4 logits of the fakes, at least 10"):
        score(np.zeros((4, 3)), splits=10)
    with pytest.raises(UndefinedScore, match="1 of 4 logits of the fakes are not finite"):
        score([[0, 1], [0, np.nan], [1, 1], [1, 0]])
    with pytest.raises(UserError, match="InceptionScore.splits is 0"):
        InceptionScore(splits=0)
    with pytest.raises(UserError, match="InceptionScore.shuffle_seed is -1"):
        InceptionScore(shuffle_seed=-1)
