import numpy as np
import pytest

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.mifid import Mifid, cosine_distances


def side(rows):
    return Collected(features=Rows.of(np.asarray(rows, np.float32)))


def distance(real, fake):
    """The definition, of the matrix of all pairs."""
    real, fake = (np.float64(np.float32(rows)) for rows in (real, fake))
    cosines = fake @ real.T / np.outer(*(np.linalg.norm(rows, axis=1) for rows in (fake, real)))
    return (1 - np.abs(cosines)).min(axis=1).mean()


def test_it_is_fid_over_the_distance_below_the_threshold_and_fid_above():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(150, 5)), rng.normal(size=(130, 5)) + 0.3
    expected = distance(real, fake)
    fid = Fid()(side(real), side(fake))["fid"].value
    for threshold, penalty in ((expected * 1.01, expected), (expected * 0.99, 1.0)):
        found = Mifid(threshold=threshold)(side(real), side(fake))
        assert found["mifid"].value == pytest.approx(fid / penalty, rel=1e-9)
        assert found["cosine_distance"].value == pytest.approx(expected, rel=1e-9)


def test_copies_have_no_distance_and_new_samples_have_one():
    rng = np.random.default_rng(1)
    real, other = rng.normal(size=(2, 200, 8))
    near = real + 0.01 * rng.normal(size=(200, 8))
    copied, close, new = (Mifid()(side(real), side(fake)) for fake in (real, near, other))
    assert copied["cosine_distance"].value == pytest.approx(0.0, abs=1e-12)
    assert close["mifid"].value > 10 * Fid()(side(real), side(near))["fid"].value
    assert new["mifid"].value == Fid()(side(real), side(other))["fid"].value
    assert new["cosine_distance"].interval[0] > 0.1


def test_the_distance_is_to_the_nearest_training_sample_of_each_fake():
    # Not of each training sample: one fake is a copy, and all others of the reals are far.
    real = np.eye(6)
    assert cosine_distances(side(real).features, side(real[:1] * 3).features)[-1] == 0.0
    assert cosine_distances(side(real[:1]).features, side(real).features)[-1] == 5 / 6
    opposite = cosine_distances(side(real).features, side(-real).features)
    assert opposite[-1] == 0.0  # by the absolute value, as the paper has it
    assert cosine_distances(side(real).features, side(np.zeros((2, 6))).features)[-1] == 1.0


def test_left_out_distances_are_those_of_the_other_samples():
    rng = np.random.default_rng(2)
    real, fake = rng.normal(size=(1_090, 3)), rng.normal(size=(70, 3))  # two chunks
    found = cosine_distances(side(real).features, side(fake).features)
    kept = [rows[intervals.block_of(np.arange(len(rows))) != 7] for rows in (real, fake)]
    assert found[-1] == pytest.approx(distance(real, fake), rel=1e-9)
    assert found[7] == pytest.approx(distance(*kept), rel=1e-9)
