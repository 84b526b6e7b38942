"""Discrete generators in the game: bits, colours and characters."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, latents, optimizers
from compare_gan_tf.architectures import blocks, infogan, mlp, sndcgan, text_networks
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import exporter
from compare_gan_tf.gan import alphabets
from compare_gan_tf.objectives import (
    Adversarial,
    DiscreteBoundarySeeking,
    GradientPenalty,
    LatentConsistency,
    discrete,
    f_divergences,
    f_gan,
)
from compare_gan_tf.objectives.base import Game, Samples, Scored

PALETTE = np.array([[0, 0, 0], [255, 0, 51], [10, 200, 30]], np.uint8)
MLP = {
    "generator": functools.partial(mlp.generator, units=16, depth=1),
    "discriminator": functools.partial(mlp.discriminator, units=16, depth=1),
}
TEXT = {
    "generator": functools.partial(text_networks.generator, width=8, depth=1),
    "discriminator": functools.partial(text_networks.discriminator, width=8, depth=1),
}
KINDS = {
    "bits": (alphabets.Bits, (4, 4, 1), None, MLP),
    "colours": (alphabets.Colours, (3, 3, 3), PALETTE, MLP),
    "characters": (alphabets.Characters, (5,), (" ", "a", "b", "c"), TEXT),
}


def make_gan(kind="bits", objectives=None, relaxation=None, **settings):
    alphabet, shape, symbols, networks = KINDS[kind]
    keras.utils.set_random_seed(0)
    return GAN(
        shape,
        3,
        seed=1,
        conditional=True,
        **networks | settings,
        alphabet=alphabet(relaxation),
        symbols=symbols,
        objectives=objectives or [DiscreteBoundarySeeking(samples=4)],
        latents=latents.Normal(4),
        g_optimizer=optimizers.adam(learning_rate=0.01),
        d_optimizer=optimizers.adam(learning_rate=0.01),
    )


def batch(kind, gan, number=8, seed=0):
    rng = np.random.default_rng(seed)
    images = {
        "bits": lambda: 255 * rng.integers(0, 2, [number, gan.slices, 4, 4, 1]).astype("uint8"),
        "colours": lambda: PALETTE[rng.integers(0, 3, [number, gan.slices, 3, 3])],
        "characters": lambda: rng.integers(0, 4, [number, gan.slices, 5]).astype("uint8"),
    }[kind]()
    return tf.constant(images), tf.constant(rng.integers(0, 3, [number, gan.slices]), tf.int32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "estimator", [discrete.importance, discrete.reinforce, discrete.maligan, "straight", "concrete"]
)
def test_both_players_learn(kind, estimator):
    relaxation = {"straight": alphabets.straight_through, "concrete": alphabets.Concrete()}
    if estimator in relaxation:
        gan = make_gan(kind, [Adversarial()], relaxation[estimator])
    else:
        gan = make_gan(kind, [DiscreteBoundarySeeking(samples=4, estimator=estimator)])
    before = [v.numpy() for v in gan.trainable_variables]
    logs = tf.function(gan.train_step, autograph=False)(batch(kind, gan))
    assert all(np.isfinite(float(value)) for value in logs.values())
    after = gan.trainable_variables
    assert len(before) == len(after) > 6
    moved = [np.any(v.numpy() != old) for v, old in zip(after, before, strict=True)]
    assert all(moved), [v.path for v, m in zip(after, moved, strict=True) if not m]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_of_the_data_s_symbols(kind):
    gan = make_gan(kind)
    samples = gan.sample(50, (3, 4), labels=np.tile([0, 2], 25)).numpy()
    assert samples.shape == (50, *gan.sample_shape)
    if kind == "characters":
        assert samples.dtype == np.int32 and {*samples.flat} <= {0, 1, 2, 3}
    else:
        pixels = np.floor((samples * 0.5 + 0.5) * 255 + 0.5).astype("uint8")
        colours = PALETTE if kind == "colours" else np.array([[0], [255]], np.uint8)
        assert {*map(tuple, pixels.reshape(-1, pixels.shape[-1]))} <= {*map(tuple, colours)}
    first = gan.sample(7, (3, 4), labels=np.tile([0, 2], 4)[:7]).numpy()
    np.testing.assert_array_equal(first, samples[:7])


def test_the_gradient_of_g_is_that_of_the_estimator():
    """One pixel, and a G that is its bias: against the score function by hand."""
    gan = make_gan("bits", objectives=[DiscreteBoundarySeeking(samples=3)])
    logits = tf.Variable(np.random.default_rng(0).normal(size=[2, 4, 4, 1]), dtype=tf.float32)
    rng = np.random.default_rng(1)
    draws = rng.choice([-1.0, 1.0], size=[6, 4, 4, 1]).astype("float32")
    ratios = rng.normal(size=[6]).astype("float32")
    (objective,) = gan.objectives
    game = Game(None, tf.identity, 0, alphabet=gan.alphabet)
    scored = {"draws": Scored(tf.constant(draws), tf.constant(ratios), None)}
    with tf.GradientTape() as tape:
        samples = Samples(None, None, None, None, None, tf.convert_to_tensor(logits))
        term = objective.generator(game, samples, scored)[0]
        loss = tf.reduce_sum(term.values)
    found = tape.gradient(loss, logits).numpy()
    weights = np.exp(ratios.reshape(2, 3))
    weights /= weights.sum(1, keepdims=True)
    probability = 1.0 / (1.0 + np.exp(-logits.numpy()))
    scores = (draws.reshape(2, 3, 4, 4, 1) + 1) / 2 - probability[:, None]
    expected = -np.einsum("nm,nmhwc->nhwc", weights, scores)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("divergence", ["kl", "reverse_kl", "jensen_shannon", "squared_hellinger"])
def test_d_learns_under_any_divergence(divergence):
    value = getattr(f_divergences, divergence)()
    loss = functools.partial(f_gan.f_gan, divergence=value, logits=f_gan.log_ratio)
    gan = make_gan("bits", [DiscreteBoundarySeeking(loss, samples=3), GradientPenalty(weight=0.1)])
    step = tf.function(gan.train_step, autograph=False)
    for index in range(3):
        logs = step(batch("bits", gan, seed=index))
    assert np.isfinite(float(logs["discriminator/loss"]))
    assert 1.0 <= float(logs["generator/boundary_seeking/effective_samples"]) <= 3.0


@pytest.mark.parametrize(
    ("network", "squash"),
    [(sndcgan, np.tanh), (mlp, np.tanh), (infogan, lambda x: np.tanh(x / 2.0))],
)
def test_any_generator_ends_in_logits(network, squash):
    """tanh(x / 2) = 2 sigma(x) - 1."""
    generator = network.generator((8, 8, 1), 4)
    inputs = {"z": tf.constant(np.random.default_rng(0).normal(size=[5, 4]) * 50.0, tf.float32)}
    logits = blocks.unsquashed(generator)(inputs).numpy()
    np.testing.assert_allclose(squash(logits), generator(inputs), atol=1e-6)
    assert np.ptp(logits) > 0.0


@pytest.mark.parametrize(
    ("objectives", "settings", "message"),
    [
        ([Adversarial()], {}, "Adversarial cannot teach a discrete generator"),
        ([LatentConsistency()], {}, "LatentConsistency is not for discrete generators"),
    ],
)
def test_objectives_that_cannot_teach_are_refused(objectives, settings, message):
    with pytest.raises(UserError, match=message):
        make_gan("bits", objectives, **settings)


def test_the_discrete_objective_needs_an_alphabet():
    with pytest.raises(UserError, match="DiscreteBoundarySeeking needs GAN.alphabet"):
        GAN((4, 4, 1), **MLP, objectives=[DiscreteBoundarySeeking()])


def test_text_without_an_alphabet_is_refused():
    with pytest.raises(UserError, match="the data set is text"):
        GAN((5,), symbols=("a", "b"), **TEXT, objectives=[Adversarial()])


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=[] if kind == "bits" else pytest.mark.slow) for kind in KINDS
])  # fmt: skip
def test_the_module_gives_hard_samples_and_probabilities(kind, in_this_process, tmp_path):
    gan = make_gan(kind)
    paths = exporter.export_run(gan, str(tmp_path), 0)
    module = tf.saved_model.load(paths["generator"])
    labels = [0, 2, 1, 1, 0]
    sampled = module.sample(5, [1, 2], 0.0, labels).numpy()
    expected = gan.sample(5, [1, 2], labels=labels).numpy()
    if kind != "characters":
        expected = expected * 0.5 + 0.5
    np.testing.assert_allclose(sampled, expected, atol=1e-6)
    z = np.random.default_rng(0).normal(size=[5, 4]).astype("float32")
    probabilities = module.probabilities(z, labels).numpy()
    logits = gan.generator({"z": tf.constant(z), "labels": tf.constant(labels)}, training=False)
    if kind == "bits":
        np.testing.assert_allclose(probabilities, 1.0 / (1.0 + np.exp(-logits)), atol=1e-6)
        np.testing.assert_array_equal(module(z, labels), probabilities > 0.5)
    else:
        np.testing.assert_allclose(probabilities.sum(-1), 1.0, atol=1e-6)
        np.testing.assert_array_equal(probabilities.argmax(-1), np.argmax(logits, -1))
    metadata = json.loads((tmp_path / "hub" / "0" / "generator" / exporter.METADATA).read_text())
    assert metadata["alphabet"]["name"] == kind
    assert tuple(metadata["sample_shape"]) == gan.sample_shape
    symbols = {"colours": "palette", "characters": "vocabulary"}.get(kind)
    if symbols:
        expected = np.asarray(KINDS[kind][2]).tolist()
        assert metadata["alphabet"][symbols] == expected
