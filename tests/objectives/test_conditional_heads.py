"""Heads that condition by labels, against the papers' equations in NumPy's float64."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, update
from compare_gan_tf.objectives import (
    Contrastive,
    DiscriminativeClassification,
    MultiHinge,
    Samples,
    Scored,
    TwinClassification,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game
from compare_gan_tf.objectives.contrastive import conditional_contrast, data_to_data
from compare_gan_tf.testing import small_gan

RNG = np.random.default_rng(0)
NUMBER, CLASSES = 8, 3
IMAGES, FAKES = (tf.constant(RNG.uniform(-1, 1, [NUMBER, 4, 4, 1]), tf.float32) for _ in range(2))
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, -1], "int32")
FAKE_LABELS = np.array([2, 2, 1, 1, 0, 0, 2, 1], "int32")
KNOWN = LABELS >= 0
SAMPLES = Samples(IMAGES, tf.constant(LABELS), None, tf.constant(FAKE_LABELS), FAKES)
GAME = Game(random.Noise(0, 5, 0), update.gather, tf.constant(5, tf.int64))


def scored(real, fake):
    return {
        side: Scored(None, None, tf.constant(x)) for side, x in (("real", real), ("fake", fake))
    }


def features(columns):
    return RNG.normal(size=[NUMBER, columns]), RNG.normal(size=[NUMBER, columns])


def log_softmax(x):
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def picked(x, labels):
    return x[np.arange(NUMBER), labels]


def assert_reals(term, expected):
    """The values of the labelled reals, and weights of 0 for the others."""
    np.testing.assert_array_equal(term.weights, KNOWN)
    np.testing.assert_allclose(term.values.numpy()[KNOWN], expected[KNOWN], rtol=1e-10)


# TAC-GAN


@pytest.mark.parametrize("fakes", [True, False])
def test_the_twin_learns_fakes_and_g_pays_the_difference(fakes):
    objective = TwinClassification(fakes=fakes, generator_weight=0.3)
    head, twin = RNG.normal(size=[4, CLASSES]), RNG.normal(size=[4, CLASSES])
    objective.head = lambda x, training: x @ head
    objective.twin = lambda x, training: x @ twin
    real, fake = features(4)
    found = objective.discriminator(GAME, SAMPLES, scored(real, fake))
    assert [term.name for term in found] == ["real", *(["fake"] if fakes else []), "twin"]
    assert_reals(found[0], -picked(log_softmax(real @ head), LABELS))
    by_head, by_twin = (-picked(log_softmax(fake @ w), FAKE_LABELS) for w in (head, twin))
    if fakes:
        np.testing.assert_allclose(found[1].values, by_head, rtol=1e-10)
    np.testing.assert_allclose(found[-1].values, by_twin, rtol=1e-10)
    (term,) = objective.generator(GAME, SAMPLES, scored(real, fake))
    np.testing.assert_allclose(term.values, by_head - by_twin, rtol=1e-9, atol=1e-12)
    assert update.factor_of(objective, term, 0) == 0.3
    views = objective.views(DISCRIMINATOR, GAME, SAMPLES)
    assert list(views) == ["real", "fake"]  # the twin needs fakes in any case
    assert list(objective.views(GENERATOR, GAME, SAMPLES)) == ["fake"]


# ADC-GAN


@pytest.mark.parametrize("soft", [False, True])
def test_the_discriminative_classifier_has_each_class_of_reals_and_of_fakes(soft):
    objective = DiscriminativeClassification(generator_weight=0.3)
    objective.head = lambda x, training: x
    real, fake = features(2 * CLASSES)
    samples = SAMPLES
    if soft:
        one_hot = (LABELS[:, None] == np.arange(CLASSES)).astype(float)
        samples = SAMPLES._replace(real_labels=tf.constant(one_hot))
    found = objective.discriminator(GAME, samples, scored(real, fake))
    assert_reals(found[0], -picked(log_softmax(real), LABELS))
    log = log_softmax(fake)
    as_fake = -picked(log, FAKE_LABELS + CLASSES)
    np.testing.assert_allclose(found[1].values, as_fake, rtol=1e-10)
    (term,) = objective.generator(GAME, samples, scored(real, fake))
    np.testing.assert_allclose(term.values, -picked(log, FAKE_LABELS) - as_fake, atol=1e-10)
    assert update.factor_of(objective, term, 0) == 0.3


# MHGAN


def crammer_singer(scores, label):
    others = np.delete(scores, label)
    return max(0.0, 1.0 - scores[label] + others.max())


def test_the_multi_hinge_loss_is_crammer_and_singers_with_a_class_of_fakes():
    objective = MultiHinge()
    objective.number = CLASSES
    objective.head = lambda x, training: x
    real, fake = features(CLASSES + 1)
    real[-1] = [0.0] * (CLASSES - 1) + [0.6, 0.2]  # the last class is the likeliest
    found = objective.discriminator(GAME, SAMPLES, scored(real, fake))
    expected = [crammer_singer(s, y) for s, y in zip(real, LABELS, strict=True)]
    expected[-1] = max(0.0, 1.0 - real[-1, :-1].max() + real[-1, -1])  # of an unknown class
    np.testing.assert_allclose(found[0].values, expected, rtol=1e-6)
    expected = [crammer_singer(s, CLASSES) for s in fake]
    np.testing.assert_allclose(found[1].values, expected, rtol=1e-6)
    (term,) = objective.generator(GAME, SAMPLES, scored(real, fake))
    expected = [crammer_singer(s, y) for s, y in zip(fake, FAKE_LABELS, strict=True)]
    np.testing.assert_allclose(term.values, expected, rtol=1e-6)
    assert update.factor_of(objective, term, 0) == 0.05


def test_a_multi_hinge_loss_alone_is_for_a_discriminator_that_takes_no_labels():
    settings = {"units": 5, "depth": 1}
    with pytest.raises(UserError, match="MultiHinge alone is for a discriminator that takes no"):
        GAN(
            (4, 4, 1),
            CLASSES,
            conditional=True,
            generator=functools.partial(mlp.generator, **settings),
            discriminator=functools.partial(mlp.discriminator, **settings),
            objectives=[MultiHinge()],
        )


# ContraGAN and ReACGAN


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def two_c(i, x, proxies, labels, t=1.0):
    others = [j for j in range(len(x)) if j != i and labels[j] >= 0]
    proxy = np.exp(cosine(x[i], proxies[labels[i]]) / t)
    near = sum(np.exp(cosine(x[i], x[j]) / t) for j in others if labels[j] == labels[i])
    every = sum(np.exp(cosine(x[i], x[j]) / t) for j in others)
    return -np.log((proxy + near) / (proxy + every))


def d2d_ce(i, x, proxies, labels, t=0.5, margin=0.98):
    others = [j for j in range(len(x)) if labels[j] >= 0 and labels[j] != labels[i]]
    proxy = np.exp(min(cosine(x[i], proxies[labels[i]]) - margin, 0.0) / t)
    far = sum(np.exp(max(cosine(x[i], x[j]) - (1.0 - margin), 0.0) / t) for j in others)
    return -np.log(proxy / (proxy + far))


@pytest.mark.parametrize(
    ("contrast", "formula"),
    [
        (conditional_contrast, two_c),
        (functools.partial(conditional_contrast, temperature=0.3), functools.partial(two_c, t=0.3)),
        (data_to_data, d2d_ce),
        (
            functools.partial(data_to_data, temperature=0.25, margin=0.6),
            functools.partial(d2d_ce, t=0.25, margin=0.6),
        ),
    ],
)
def test_contrasts_are_those_of_the_papers(contrast, formula):
    objective = Contrastive(contrast, generator_weight=0.3)
    objective.head = lambda x, training: x
    proxies = RNG.normal(size=[CLASSES, 5])
    objective.proxies = tf.Variable(proxies)
    real, fake = features(5)
    own = {"own": scored(real, fake)["real"]}
    (term,) = objective.discriminator(GAME, SAMPLES, own)
    expected = [formula(i, real, proxies, LABELS) if KNOWN[i] else 0.0 for i in range(NUMBER)]
    assert_reals(term, np.array(expected))
    own = {"own": scored(real, fake)["fake"]}
    (term,) = objective.generator(GAME, SAMPLES, own)
    expected = [formula(i, fake, proxies, FAKE_LABELS) for i in range(NUMBER)]
    np.testing.assert_allclose(term.values, expected, rtol=1e-9)
    np.testing.assert_array_equal(term.weights, np.ones(NUMBER))
    assert update.factor_of(objective, term, 0) == 0.3


def test_probabilities_of_labels_contrast_as_their_likeliest_class():
    objective = Contrastive()
    objective.head = lambda x, training: x
    objective.proxies = tf.Variable(RNG.normal(size=[CLASSES, 5]))
    own = {"own": scored(*features(5))["real"]}
    soft = SAMPLES._replace(real_labels=0.8 * tf.one_hot(SAMPLES.real_labels, CLASSES))
    (hard,), (term,) = (objective.discriminator(GAME, one, own) for one in (SAMPLES, soft))
    np.testing.assert_array_equal(term.weights, np.array(KNOWN, np.float64))
    np.testing.assert_array_equal(term.weights * term.values, hard.weights * hard.values)


def test_near_proxies_and_far_samples_have_no_gradient_in_d2d_ce():
    """A sample at its proxy and at right angles to the other: only the count of others is left."""
    embedded = tf.constant(np.eye(2))
    with tf.GradientTape() as tape:
        tape.watch(embedded)
        sims = tf.matmul(embedded, embedded, transpose_b=True)
        other = tf.constant([[False, True], [True, False]])
        values = data_to_data(tf.linalg.diag_part(sims), sims, ~other & other, other)
    np.testing.assert_allclose(values, np.log(2.0) * np.ones(2), rtol=1e-12)
    np.testing.assert_array_equal(tape.gradient(values, embedded), np.zeros([2, 2]))


# In a GAN


def test_labels_are_needed():
    for kind in (Contrastive, DiscriminativeClassification, MultiHinge, TwinClassification):
        with pytest.raises(UserError, match=f"{kind.__name__} needs labels"):
            small_gan([kind()], num_classes=None, conditional=False)


def test_d_trains_the_heads_and_the_proxies():
    keras.utils.set_random_seed(0)
    objectives = [TwinClassification(), Contrastive(units=4), MultiHinge()]
    gan = small_gan([*objectives, DiscriminativeClassification()])
    own = [variable for one in gan.objectives for variable in one.trainable_variables]
    assert len(own) == 2 + 2 + 3 + 2 + 2  # kernels, biases, and proxies
    before = [variable.numpy() for variable in own]
    step = tf.constant(0, tf.int64)
    logs = update.update(gan, DISCRIMINATOR, IMAGES, tf.constant(LABELS), step=step, substep=0)
    assert np.all(np.isfinite([float(value) for value in logs.values()]))
    moved = [not np.array_equal(a, b.numpy()) for a, b in zip(before, own, strict=True)]
    assert all(moved)
    after = [variable.numpy() for variable in own]
    update.update(gan, GENERATOR, IMAGES, tf.constant(LABELS), step=step, substep=1)
    for a, b in zip(after, own, strict=True):
        np.testing.assert_array_equal(a, b)
