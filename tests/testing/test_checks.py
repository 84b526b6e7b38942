"""The checks of `compare_gan_tf.testing` find parts that break one of the rules."""

import dataclasses
import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import testing
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Metric, Score
from compare_gan_tf.objectives import Objective
from compare_gan_tf.objectives.base import Term


@pytest.mark.parametrize("name", [name for name in dir(testing) if name.startswith("check_")])
def test_every_check_is_documented(name):
    assert getattr(testing, name).__doc__


# --- Objectives -------------------------------------------------------------------------------


class Grey(Objective):
    def generator(self, game, samples, scored):
        return [Term("", tf.reduce_mean(samples.fake, [1, 2, 3]) ** 2)]


class NotFinite(Objective):
    def generator(self, game, samples, scored):
        return [Term("", tf.math.log(-tf.abs(samples.fake[:, 0, 0, 0])))]


class Detached(Objective):
    def generator(self, game, samples, scored):
        return [Term("", tf.stop_gradient(tf.reduce_mean(samples.fake, [1, 2, 3])))]


class Silent(Objective):
    pass


class Counting(Objective):
    """Its state is Python's, which a graph sees once and a checkpoint never."""

    def __init__(self):
        super().__init__()
        self.calls = itertools.count()

    def generator(self, game, samples, scored):
        return [Term("", next(self.calls) * tf.reduce_mean(samples.fake, [1, 2, 3]) ** 2)]


class Unmoved(Objective):
    """It has a variable that no term is of."""

    def build_for(self, gan):
        self.head = self.add_weight(shape=[3], initializer="ones", name="head")

    def discriminator(self, game, samples, scored):
        kernels = game.discriminator.trainable_variables
        return [Term("", tf.reshape(tf.reduce_sum(kernels[0].value ** 2), [1]))]


class Forgetful(Objective):
    """Its state begins anew with every start: it is kept beside the checkpoint."""

    def build_for(self, gan):
        object.__setattr__(self, "total", tf.Variable(0.0))

    def generator(self, game, samples, scored):
        return [Term("", self.total * tf.reduce_mean(samples.fake, [1, 2, 3]))]

    def update(self, game, samples, scored):
        self.total.assign_add(100.0)


def test_an_objective_that_keeps_the_rules_passes():
    testing.check_objective(Grey)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(NotFinite, "not finite", marks=pytest.mark.slow),
        pytest.param(
            Detached,
            "detached.* has a term for the generator that does not move it",
            marks=pytest.mark.slow,
        ),
        (Counting, "compiled and in eager"),
        pytest.param(Silent, "silent.* has no terms and no state", marks=pytest.mark.slow),
        (Unmoved, "no player moves .*head"),
        (Forgetful, "restored and not stopped|does not move it"),
    ],
)
def test_an_objective_that_breaks_one_is_found(make, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_objective(make)


# --- Losses -----------------------------------------------------------------------------------


def backwards(real, fake):
    return tf.nn.softplus(real) + tf.nn.softplus(-fake), tf.nn.softplus(fake)


def overflowing(real, fake):
    return tf.math.log(1.0 + tf.exp(-2.0 * real)) + tf.nn.softplus(fake), tf.nn.softplus(-fake)


def frozen(real, fake):
    return tf.nn.softplus(-real) + tf.nn.softplus(fake), tf.stop_gradient(-fake)


def test_a_loss_that_keeps_the_rules_passes():
    testing.check_loss(lambda real, fake: (tf.nn.softplus(-real) + tf.nn.softplus(fake), -fake))


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (backwards, "D's loss must fall with real logits"),
        (overflowing, "is not finite"),
        (frozen, "G's loss must fall with fake logits"),
    ],
)
def test_a_loss_that_breaks_one_is_found(loss, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_loss(loss)


def test_what_is_no_loss_is_refused():
    with pytest.raises(UserError, match="the loss"):
        testing.check_loss(lambda real, fake: None)


# --- Architectures ----------------------------------------------------------------------------

GENERATOR = functools.partial(mlp.generator, units=6)
DISCRIMINATOR = functools.partial(mlp.discriminator, units=6)


class Coupled(keras.layers.Layer):
    def call(self, x):
        return x - tf.reduce_mean(x, 0, keepdims=True)


class Counted(keras.layers.Layer):
    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, x):
        self.count.assign_add(1.0)
        return x


class Spare(keras.layers.Layer):
    def build(self, shape):
        self.spare = self.add_weight(shape=[2], name="spare")

    def call(self, x):
        return x


def with_layer(layer, scale=1.0):
    def generator(sample_shape, latent_dim, num_classes=None):
        z = keras.Input([latent_dim], name="z")
        x = layer()(keras.layers.Dense(int(np.prod(sample_shape)))(z))
        x = keras.layers.Rescaling(scale)(keras.layers.Activation("tanh")(x))
        return keras.Model({"z": z}, keras.layers.Reshape(sample_shape)(x))

    return generator


def test_a_pair_that_keeps_the_rules_passes():
    testing.check_architecture(GENERATOR, DISCRIMINATOR)
    testing.check_architecture(with_layer(keras.layers.Identity), DISCRIMINATOR, num_classes=None)


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (with_layer(Coupled), "outputs of each sample alone"),
        (with_layer(Counted), "variables after an inference pass"),
        (with_layer(Spare), "no gradient reaches .*spare"),
        (with_layer(keras.layers.Identity, scale=2.0), "leave"),
        (lambda **shapes: GENERATOR(**shapes | {"sample_shape": (4, 4, 1)}), "not"),
    ],
)
def test_a_generator_that_breaks_one_is_found(generator, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_architecture(generator, DISCRIMINATOR)


def test_a_discriminator_of_other_outputs_is_found():
    def without_features(**shapes):
        model = DISCRIMINATOR(**shapes)
        return keras.Model(model.input, {"logits": model.output["logits"]})

    with pytest.raises(AssertionError, match="D gives"):
        testing.check_architecture(GENERATOR, without_features)


# --- Metrics ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference(Metric):
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"difference": False}

    def __call__(self, real, fake):
        means = [
            side.features.read().mean() if len(side.features) else 0.0 for side in (real, fake)
        ]
        value = abs(float(means[0] - means[1]))
        return {"difference": Score(value if np.isfinite(value) else 0.0)}


class Random(Difference):
    def __call__(self, real, fake):
        return {"difference": Score(np.random.default_rng().random())}


class Nan(Difference):
    def __call__(self, real, fake):
        return {"difference": Score(float("nan"))}


class Changing(Difference):
    def __call__(self, real, fake):
        scores = super().__call__(real, fake)
        fake.features.read()[:] = 0.0
        real.features.read()[:] = 0.0
        return {"difference": Score(0.0 * scores["difference"].value)}


class ByBatch(Difference):
    def __call__(self, real, fake):
        return {"difference": Score(float(len(fake.features._in_memory)))}


class Outside(Difference):
    def __call__(self, real, fake):
        return {"difference": Score(1.0, (2.0, 3.0))}


class OtherNames(Difference):
    def __call__(self, real, fake):
        return {"another": Score(1.0)}


class Crashing(Difference):
    def __call__(self, real, fake):
        return {"difference": Score(1.0 / (len(fake.features) and 1.0))}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    for cls in (Difference, *Difference.__subclasses__()):
        monkeypatch.setattr(cls, "name", cls.__name__, raising=False)


def test_a_metric_that_keeps_the_rules_passes():
    testing.check_metric(Difference)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Random, "scores differ from one call to the next"),
        (Nan, "difference is nan"),
        (Changing, "features was changed"),
        (ByBatch, "in other batches"),
        (Outside, "outside of its interval"),
        (OtherNames, "it gives"),
    ],
)
def test_a_metric_that_breaks_one_is_found(metric, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_metric(metric)


def test_a_metric_that_fails_without_samples_is_found():
    with pytest.raises(ZeroDivisionError):
        testing.check_metric(Crashing)


def test_a_loss_of_g_that_is_not_finite_is_told_as_that():
    """NaN differs from itself, which looked as if G's loss depended on the reals."""

    def loss(real, fake):
        return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake), tf.math.log(0.5 - fake)

    with pytest.raises(AssertionError, match="generator is not finite"):
        testing.check_loss(loss)
