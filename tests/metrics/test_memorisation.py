import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.memorisation import (
    Authenticity,
    Duplicates,
    HeldOutGap,
    Memorised,
)


def side(rows, held_out=None):
    rows = np.asarray(rows, np.float32)
    return Collected(features=Rows.of(rows.reshape(len(rows), -1)), held_out=held_out)


def value(metric, real, fake):
    (score,) = metric(side(real), side(fake)).values()
    return score.value


def test_authenticity_by_hand():
    # Nearest training samples 0, 10, 10, 30; their own nearest others are at 10, 10, 10, 20.
    training, fakes = [0.0, 10.0, 30.0], [-11.0, 12.0, 19.9, 51.0]
    assert value(Authenticity(), training, fakes) == 2 / 4


def test_memorised_by_hand():
    # Ratios of the two nearest distances: 1/9, 3/7, 1/3 and 0.
    training, fakes = [0.0, 10.0], [1.0, 3.0, 2.5, 10.0]
    assert value(Memorised(), [*training, 100.0], fakes) == 3 / 4
    assert value(Memorised(ratio=0.0), [*training, 100.0], fakes) == 1 / 4


def test_duplicates_by_hand():
    # The nearest other reals are at 3, 3 and 6; a third of the median is 1.
    training = [0.0, 3.0, 9.0]
    assert value(Duplicates(), training, [0.0, 1.0, 2.5, 7.0, 7.0]) == 4 / 5
    assert value(Duplicates(ratio=0.0), training, [0.0, 1.0, 2.5, 7.0, 7.0]) == 2 / 5


def test_training_samples_that_occur_twice_are_not_memorised():
    assert value(Memorised(), [0.0, 0.0, 9.0], [0.0, 1.0, -1.0]) == 0.0


def test_fresh_samples_are_authentic_by_one_half():
    rng = np.random.default_rng(0)
    found = value(Authenticity(), rng.normal(size=(2000, 5)), rng.normal(size=(2000, 5)))
    assert found == pytest.approx(0.5, abs=0.04)


def test_copies_are_found_and_good_samples_are_not():
    rng = np.random.default_rng(0)
    training, fresh = rng.normal(size=(500, 20)), rng.normal(size=(500, 20))
    copies = training[rng.integers(0, 500, 500)] + 0.01 * rng.normal(size=(500, 20))
    half = np.where(np.arange(500)[:, None] % 2, copies, fresh)
    shares = [value(Memorised(), training, fakes) for fakes in (fresh, half, copies)]
    assert shares == pytest.approx([0.0, 0.5, 1.0], abs=0.01)
    authentic = [value(Authenticity(), training, fakes) for fakes in (fresh, half, copies)]
    assert authentic[0] > 0.45 and authentic[2] == 0.0
    assert authentic[1] == pytest.approx(authentic[0] / 2, abs=0.05)


def test_duplicated_fakes_are_found():
    rng = np.random.default_rng(0)
    training, fresh = rng.normal(size=(500, 20)), rng.normal(size=(500, 20))
    assert value(Duplicates(), training, fresh) == 0.0
    repeated = fresh[np.arange(500) // 5]
    assert value(Duplicates(), training, repeated) == 1.0


def held_out_gap(training, held_out, fakes):
    scores = HeldOutGap()(side(training, side(held_out)), side(fakes))
    return scores["fid_gap"], scores["nearer_to_training"]


def test_fresh_samples_are_as_near_to_training_as_to_held_out_samples():
    rng = np.random.default_rng(0)
    gap, nearer = held_out_gap(*(rng.normal(size=(600, 8)) for _ in range(3)))
    assert gap.interval[0] < 0 < gap.interval[1]
    assert nearer.interval[0] < 0.5 < nearer.interval[1]


def test_memorised_samples_are_nearer_to_training():
    rng = np.random.default_rng(0)
    training, held_out = rng.normal(size=(600, 20)), rng.normal(size=(300, 20))
    copies = training + 0.1 * rng.normal(size=(600, 20))
    gap, nearer = held_out_gap(training, held_out, copies)
    assert gap.value > 0.05
    assert nearer.value > 0.7  # of half the training samples are compared
    gap, nearer = held_out_gap(training[:300], held_out, copies[:300])
    assert gap.interval[0] > 0
    assert nearer.value > 0.99


def test_the_gap_is_that_of_two_distances():
    rng = np.random.default_rng(0)
    training, held_out, fakes = (rng.normal(size=(200, 4)) for _ in range(3))
    gap, _ = held_out_gap(training, held_out, fakes)
    near, far = (Fid()(side(real), side(fakes))["fid"].value for real in (training, held_out))
    assert gap.value == pytest.approx(far - near, abs=1e-9)


def test_the_interval_of_a_share_is_that_of_a_mean():
    rng = np.random.default_rng(0)
    training = rng.normal(size=(500, 3))
    errors = []
    for _ in range(30):
        fakes = side(rng.normal(size=(400, 3)))
        found = Authenticity().replicates(side(training), fakes)["authenticity"]
        errors.append(intervals.jackknife_variance(found.left_out) * 400)
    p = found.value
    assert np.mean(errors) == pytest.approx(p * (1 - p), rel=0.2)


def test_what_is_missing_is_named():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(UndefinedScore, match="no features of held-out real samples"):
        HeldOutGap()(side(rows), side(rows))
    with pytest.raises(UndefinedScore, match="2 features of the real samples, at least 3"):
        Authenticity()(side(rows[:2]), side(rows))
    for metric in (Memorised, Duplicates):
        with pytest.raises(UserError, match=r"ratio is -1"):
            metric(ratio=-1.0)
