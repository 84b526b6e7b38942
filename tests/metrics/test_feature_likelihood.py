import numpy as np
import pytest
from scipy import special

from compare_gan_tf.metrics import feature_likelihood
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.feature_likelihood import FeatureLikelihood


def side(rows, held_out=None):
    rows = np.asarray(rows, np.float32)
    held_out = None if held_out is None else side(held_out)
    return Collected(features=Rows.of(rows), held_out=held_out)


def values(training, held_out, fake, **settings):
    found = FeatureLikelihood(**settings)(side(training, held_out), side(fake))
    return found["fld"].value, found["fld_gap"].value


def fitted(centres, x):
    """Log-variances by the authors' steps, with derivatives by differences."""
    d, far = x.shape[1], 0.81 * np.square(x - x.mean(axis=0)).sum(axis=1)
    squared = np.square(x[:, None] - centres).sum(axis=-1)

    def loss(logs):
        each = -squared / (2 * np.exp(logs[:-1])) - d / 2 * np.log(2 * np.pi * np.exp(logs[:-1]))
        background = -far / (2 * np.exp(logs[-1])) - d / 2 * np.log(2 * np.pi * np.exp(logs[-1]))
        each = np.concatenate([each - np.log(len(centres)), background[:, None]], axis=1)
        return -special.logsumexp(each, axis=1).mean() / d

    logs = np.append(np.log((squared.min(axis=0) + 1e-3) / d), 0.0)
    mean, square = np.zeros((2, len(logs)))
    for step in range(1, 51):
        shifts = 1e-5 * np.eye(len(logs))
        slopes = np.array([(loss(logs + s) - loss(logs - s)) / 2e-5 for s in shifts])
        mean, square = 0.9 * mean + 0.1 * slopes, 0.999 * square + 0.001 * slopes**2
        root = np.sqrt(square / (1 - 0.999**step))
        logs = logs - 0.5 * mean / (1 - 0.9**step) / (root + 1e-8)
        logs[:-1] = logs[:-1].clip(-40, 20)
    return logs[:-1]


def nll(centres, logs, x):
    """Mean negative log-likelihood of a column under the mixture."""
    d = x.shape[1]
    squared = np.square(x[:, None] - centres).sum(axis=-1)
    each = -squared / (2 * np.exp(logs)) - d / 2 * np.log(2 * np.pi * np.exp(logs))
    return -(special.logsumexp(each, axis=1) - np.log(len(centres))).mean() / d


def test_it_is_its_definition():
    rng = np.random.default_rng(0)
    training, held_out, fake = (rng.normal(size=(n, 3)).astype(np.float32) for n in (24, 20, 9))
    found = values(training, held_out, fake, seed=5)
    mean, deviation = np.float64(held_out).mean(axis=0), np.float64(held_out).std(axis=0, ddof=1)
    x, new, y = ((rows - mean) / deviation for rows in (training, held_out, fake))
    logs = fitted(y, x)
    drawn = np.random.default_rng(5)
    drawn.permutation(9), drawn.permutation(24)  # the fakes, and the order of the first fit
    order = drawn.permutation(24)
    half, rest = x[order[:9]], x[order[9:]]
    fld = nll(y, logs, new) - nll(half, fitted(half, rest), new)
    gap = nll(y, logs, x) - nll(y, logs, new)
    assert found == pytest.approx((100 * fld, 100 * gap), rel=1e-4)


def test_the_batches_of_the_fit_are_whole(monkeypatch):
    # Two batches of half of the samples take twice as many steps, and end elsewhere nearby.
    rng = np.random.default_rng(1)
    training, held_out, fake = rng.normal(size=(3, 60, 2))
    whole = values(training, held_out, fake)
    monkeypatch.setattr(feature_likelihood, "BATCH", 30)
    monkeypatch.setattr(feature_likelihood, "_CHUNK", 7)
    parts = values(training, held_out, fake)
    assert parts != whole and parts == pytest.approx(whole, abs=3.0)
    monkeypatch.setattr(feature_likelihood, "BATCH", 60)
    assert values(training, held_out, fake) == pytest.approx(whole, rel=1e-6)


def test_it_tells_copies_and_noise_from_new_samples():
    rng = np.random.default_rng(2)
    training, held_out, new = rng.normal(size=(3, 120, 8))
    good, gap = values(training, held_out, new)
    half = np.concatenate([training[:60] + 1e-3, new[:60]])
    assert abs(good) < 8 and abs(gap) < 8
    assert values(training, held_out, half)[1] < gap - 50
    assert values(training, held_out, new * 1.5)[0] > good + 8
    assert values(training, held_out, new + 1.0)[0] > good + 8


def test_a_constant_column_is_no_division_by_0():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(3, 45, 3))
    rows[:, :, 1] = 4.0
    assert np.isfinite(values(*rows)).all()


def test_what_has_no_score():
    rows = np.random.default_rng(0).normal(size=(9, 3))
    with pytest.raises(UndefinedScore, match="no features of held-out"):
        FeatureLikelihood()(side(rows), side(rows))
    with pytest.raises(UndefinedScore, match="3 features of the held-out real samples, at least 4"):
        values(rows, rows[:3], rows)
