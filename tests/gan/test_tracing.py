"""Several updates of a player in a step are traced once, and compute what they compute apart."""

import numpy as np
import pytest
import tensorflow as tf
from small_runs import model

from compare_gan_tf.gan import tracing, update

BATCH = 6


def trained(gan, steps=3):
    """The values of all variables after some steps on the same reals."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(BATCH, gan.slices, 8, 8, 1)).astype(np.uint8)
    labels = rng.integers(10, size=(BATCH, gan.slices)).astype(np.int32)
    step = tf.function(lambda: gan.train_step((images, labels)), autograph=False)
    for _ in range(steps):
        logs = step()
    variables = [*gan.variables, *gan.d_optimizer.variables, *gan.g_optimizer.variables]
    return {name: float(value) for name, value in logs.items()}, [v.numpy() for v in variables]


def make(**settings):
    tf.keras.utils.set_random_seed(0)
    return model((8, 8, 1), 10, 0, **settings)


@pytest.fixture
def calls(monkeypatch):
    """The players of all updates that are traced."""
    found, plain = [], update.update

    def noted(gan, player, *arguments, **now):
        found.append(player)
        return plain(gan, player, *arguments, **now)

    monkeypatch.setattr(update, "update", noted)
    return found


@pytest.mark.optimised_graphs
def test_two_updates_of_d_are_traced_once_and_are_the_same(calls, monkeypatch):
    logs, values = trained(make())
    assert calls == ["discriminator", "generator"]
    calls.clear()
    monkeypatch.setattr(
        tracing, "repeated",
        lambda gan, player, number: lambda *reals, **now: update.update(gan, player, *reals, **now),
    )  # fmt: skip
    apart, expected = trained(make())
    assert calls == ["discriminator", "discriminator", "generator"]
    assert logs == apart and len(values) == len(expected) > 40
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)


def test_an_update_that_shares_gs_pass_is_traced_by_itself(calls):
    gan = make(reuse_last_batch=True)
    gan.d_steps = 3
    trained(gan, steps=1)
    assert calls == ["discriminator", "discriminator", "generator"]  # two of D, the third shares
