import numpy as np
import pytest

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.vendi import Vendi, vendi_score


def score(rows):
    return vendi_score(Rows.of(np.asarray(rows, np.float32))).value


@pytest.mark.parametrize("columns", [20, 200])  # fewer than samples, and more
def test_samples_of_k_orthogonal_directions_count_k(columns):
    rng = np.random.default_rng(0)
    for k in (1, 5, 20):
        lengths = rng.uniform(0.5, 9.0, (60, 1))  # which do not matter
        assert score(lengths * np.eye(columns)[np.arange(60) % k]) == pytest.approx(k)


def test_unequal_shares_count_as_the_exponential_of_their_entropy():
    shares = np.array([0.5, 0.25, 0.25])
    rows = np.eye(3)[[0, 0, 1, 2]]
    assert score(rows) == pytest.approx(np.exp(-np.sum(shares * np.log(shares))))


def test_both_matrices_give_the_same_score():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(50, 51))
    narrow = np.linalg.qr(rng.normal(size=(51, 51)))[0]  # a rotation keeps all similarities
    tall = (wide @ narrow)[:, :51]
    kernel = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(kernel @ kernel.T / 50)
    expected = np.exp(-np.sum(values * np.log(values)))
    assert score(wide) == pytest.approx(expected, rel=1e-6)
    assert score(np.concatenate([tall, tall])) == pytest.approx(expected, rel=1e-6)


def test_dropped_modes_lower_it_and_noise_raises_it():
    rng = np.random.default_rng(2)
    modes = 5 * rng.normal(size=(8, 16))

    def draw(count):
        return modes[rng.integers(0, count, 400)] + rng.normal(size=(400, 16))

    sides = [Collected(features=Rows.of(rows.astype(np.float32))) for rows in (draw(8), draw(2))]
    found = Vendi()(*sides)
    assert found["vendi"].interval[1] < found["vendi_real"].interval[0]
    assert score(draw(8) + 9 * rng.normal(size=(400, 16))) > found["vendi_real"].interval[1]


@pytest.mark.parametrize("columns", [6, 500])
def test_the_jackknife_is_that_of_the_scores_without_each_block(columns):
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(300, columns)) * np.geomspace(1, 0.01, columns)).astype(np.float32)
    found = vendi_score(Rows.of(rows)).left_out
    blocks = intervals.block_of(np.arange(300))
    exact = [score(rows[blocks != block]) for block in range(intervals.BLOCKS)]
    assert found == pytest.approx(exact, rel=1e-9)


def test_features_of_zeros_add_nothing():
    assert score(np.zeros((5, 3))) == 1.0
    assert score([[1, 0], [0, 2], [0, 0], [0, 0]]) == pytest.approx(2 ** (2 * 0.25 * 2))
