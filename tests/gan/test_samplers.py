"""On G(z) = z and a D whose ratio is known, the samplers' densities are known, too."""

import keras
import numpy as np
import pytest

from compare_gan_tf import latents
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.drawing import Draws
from compare_gan_tf.gan.samplers import Langevin, Rejection


class Identity(Draws):
    """A pair: G(z) = z, plus the label if there are classes, and D by a formula."""

    alphabet = None

    def __init__(self, logit, dim=1, num_classes=None):
        self.latents, self.num_classes = latents.Normal(dim), num_classes
        z = keras.Input((dim,), name="z")
        inputs = {"z": z}
        samples = keras.layers.Identity()(z)
        if num_classes:
            inputs["labels"] = keras.Input((), dtype="int32", name="labels")
            shift = keras.ops.cast(inputs["labels"], "float32")[:, None] * 100.0
            samples = samples + shift
        self.sampling_generator = keras.Model(inputs, samples)
        x = keras.Input((dim,), name="images")
        self.discriminator = keras.Model({"images": x}, {"logits": logit(x), "features": x})


def squared(x):
    return -keras.ops.sum(keras.ops.square(x), -1)


def test_rejection_samples_the_density_times_the_ratio():
    """exp(-z^2 / 2 - z^2) is N(0, 1 / 3)."""
    sample = Rejection(percentile=None, burn_in=2000).of(Identity(squared))
    found = sample(20_000, (0, 3))
    assert found.shape == (20_000, 1)
    assert found.mean() == pytest.approx(0.0, abs=0.02)
    assert found.var() == pytest.approx(1 / 3, rel=0.05)


def test_a_lower_percentile_takes_more_samples():
    """exp(F) is above 1 / 2 for 59 % of the samples here: gamma = 0 is at the 41st percentile."""
    variances = [
        Rejection(percentile=p, burn_in=2000).of(Identity(squared))(20_000, (0, 3)).var()
        for p in (80.0, 41.0, 10.0)
    ]
    assert variances[0] < 0.3 < variances[1] < 0.37 < variances[2] < 1.0


def test_langevin_samples_the_density_times_the_ratio():
    """exp(-|z|^2 / 2 + a z) is N(a, I)."""
    a = np.array([1.5, -0.5], np.float32)
    pair = Identity(lambda x: keras.ops.sum(x * a, -1), dim=2)
    found = Langevin(steps=400, step_size=0.05).of(pair)(4000, (0, 3)).numpy()
    np.testing.assert_allclose(found.mean(0), a, atol=0.08)
    # The discrete step has the variance e / (1 - (1 - e / 2)^2).
    np.testing.assert_allclose(found.var(0), 0.05 / (1 - 0.975**2), rtol=0.08)


@pytest.mark.parametrize("sampler", [Rejection(burn_in=100), Langevin(steps=5)])
def test_the_first_samples_do_not_depend_on_the_number(sampler):
    sample = sampler.of(Identity(squared))
    few, many, other = sample(5, (1, 2)), sample(40, (1, 2)), sample(5, (1, 3))
    np.testing.assert_allclose(few, np.asarray(many)[:5], atol=1e-6)
    assert not np.any(np.asarray(few) == np.asarray(other))


def test_a_sample_that_is_refused_is_drawn_anew_under_its_label():
    """D prefers samples of label 0, and the others are still there."""
    pair = Identity(lambda x: -0.02 * keras.ops.abs(x[:, 0]), num_classes=3)
    labels = np.arange(3, dtype=np.int32).repeat(10)
    found = Rejection(percentile=None, burn_in=100).of(pair)(30, (0, 0), labels)
    np.testing.assert_array_equal(np.round(found[:, 0] / 100.0), labels)
    with pytest.raises(UserError, match="samples were refused 1 times"):
        Rejection(percentile=None, burn_in=100, most=1).of(pair)(30, (0, 0), labels)


def test_pairs_that_do_not_fit_are_refused():
    pair = Identity(squared)
    with pytest.raises(UserError, match="Langevin moves normal latents, and these are truncated"):
        Langevin().of(pair, truncation=0.5)
    pair.latents = latents.Uniform(1)
    with pytest.raises(UserError, match="and these are Uniform: take Rejection"):
        Langevin().of(pair)
    pair.alphabet = object()
    with pytest.raises(UserError, match="this generator makes symbols"):
        Rejection().of(pair)
