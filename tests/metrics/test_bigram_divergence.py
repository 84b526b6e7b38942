import numpy as np
import pytest
from scipy.spatial import distance

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import bigram_divergence
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.bigram_divergence import BigramDivergence


def side(lines):
    return Collected(features=Rows.of(np.asarray(lines, np.float32)))


def score(real, fake, **settings):
    return BigramDivergence(**settings)(side(real), side(fake))["bigram_divergence"].value


def lines(number, seed=0, symbols=4, length=6):
    return np.random.default_rng(seed).integers(symbols, size=[number, length])


def test_bigrams_are_counted_by_hand():
    found = bigram_divergence.counts(np.array([[0, 1, 1, 0], [1, 1, 1, 0]]), 2, 2)
    np.testing.assert_array_equal(found, [0, 1, 2, 3])  # 00, 01, 10, 11


@pytest.mark.parametrize("length", [1, 2, 3])
def test_it_is_scipy_s_divergence_of_the_histograms(length):
    real, fake = lines(300), lines(200, 1) // 2
    histograms = []
    for one in (real, fake):
        grams = [tuple(row[i : i + length]) for row in one for i in range(6 - length + 1)]
        keys = [tuple(key) for key in np.ndindex(*[4] * length)]
        histograms.append([grams.count(key) for key in keys])
    expected = distance.jensenshannon(*histograms) ** 2  # SciPy gives its root, in nats
    assert score(real, fake, length=length) == pytest.approx(expected, rel=1e-10)


def test_it_is_0_for_the_same_lines_and_log_2_for_other_symbols():
    assert score(lines(50), lines(50)) == 0.0
    assert score(lines(50), lines(50) + 4) == pytest.approx(np.log(2.0), rel=1e-12)


def test_it_grows_with_the_share_of_wrong_lines():
    real, wrong = lines(4_000), np.zeros([4_000, 6])
    shares = [score(real, np.concatenate([real[n:], wrong[:n]])) for n in (0, 500, 1_500, 4_000)]
    assert shares == sorted(shares) and shares[1] > 0.0


def test_finite_samples_of_one_distribution_are_as_far_as_the_docstring_says():
    values = [score(lines(400, 2 * i), lines(300, 2 * i + 1)) for i in range(40)]
    expected = (16 - 1) * (1 / 2_000 + 1 / 1_500) / 8
    assert np.mean(values) == pytest.approx(expected, rel=0.25)


def test_the_interval_tells_how_far_the_score_moves_with_other_lines():
    """Of unlike lines: SE of 60 scores of fresh lines, against the mean of what intervals say."""
    found = [
        BigramDivergence()(side(lines(400, 2 * i)), side(lines(300, 2 * i + 1) // 2))
        for i in range(60)
    ]
    scores = [one["bigram_divergence"] for one in found]
    deviation = np.std([one.value for one in scores], ddof=1)
    reach = np.mean([(one.interval[1] - one.interval[0]) / 2 for one in scores])
    assert reach == pytest.approx(2.093 * deviation, rel=0.3)  # Student's, 19 degrees of freedom
    assert (
        BigramDivergence()(side(lines(39)), side(lines(50)))["bigram_divergence"].interval is None
    )


def test_left_out_scores_are_those_of_the_other_lines():
    """Of more lines than are read at a time, so that blocks go on from one part to the next."""
    real, fake = lines(2_500), lines(1_300, 1) // 2
    (found,) = BigramDivergence().replicates(side(real), side(fake)).values()
    for block in (0, 7):
        kept = [np.delete(rows, np.s_[block::20], axis=0) for rows in (real, fake)]
        assert found.left_out[block] == pytest.approx(score(*kept), rel=1e-10)


@pytest.mark.parametrize("features", [[[0.5, 1.0]], [[-1.0, 1.0]], [[1e30, 1.0]]])
def test_features_that_are_no_characters_have_no_score(features):
    with pytest.raises(UndefinedScore, match="the features are no characters"):
        score(lines(5, length=2), features)


def test_lines_must_be_long_enough():
    with pytest.raises(UndefinedScore, match="length is 3 but lines have 2 characters"):
        score(lines(5, length=2), lines(5, length=2), length=3)
    with pytest.raises(UserError, match="BigramDivergence.length is 0"):
        BigramDivergence(length=0)
