"""S3GAN: the predictor of labels learns from labelled reals alone, in every mode."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.architectures.conditioning import Projection, SoftLabels
from compare_gan_tf.architectures.predicted_projection import PredictedProjection
from compare_gan_tf.augment import APA, Adaptive
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, fitting, update
from compare_gan_tf.objectives import (
    Adversarial,
    Classification,
    GradientPenalty,
    LabelPrediction,
    Rotation,
    Samples,
    Scored,
    losses,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR
from compare_gan_tf.objectives.classification import cross_entropy

RNG = np.random.default_rng(0)
SHAPE, CLASSES = (4, 4, 1), 3
LABELS = np.array([0, -1, 2, -1, 1, 2, -1, 0], "int32")
LOGITS = RNG.normal(size=[8, CLASSES])
PROBABILITIES = RNG.dirichlet(np.ones(CLASSES), 8)


def make(conditioning, *objectives, conditional=True, num_classes=CLASSES, **settings):
    keras.utils.set_random_seed(0)
    discriminator = functools.partial(mlp.discriminator, units=5, depth=1)
    return GAN(
        SHAPE,
        num_classes,
        conditional=conditional,
        generator=functools.partial(mlp.generator, units=5, depth=1),
        discriminator=functools.partial(discriminator, conditioning=conditioning),
        objectives=[Adversarial(losses.hinge), *objectives],
        latents=latents.Normal(3),
        g_optimizer=optimizers.sgd(learning_rate=0.1),
        d_optimizer=optimizers.sgd(learning_rate=0.1),
        **settings,
    )


def data(gan, labels=LABELS):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, [8, gan.slices, *SHAPE]).astype("uint8")
    labels = np.stack([labels] * gan.slices, 1)
    return tf.constant(images), tf.constant(labels)


def term(labels=LABELS, logits=LOGITS):
    """The term of D, with the given output of the predictor."""
    objective = LabelPrediction()
    samples = Samples(None, tf.constant(labels), None, None, None)
    heads = {"class_logits": tf.constant(logits)}
    scored = {"real": Scored(None, None, None, heads=heads)}
    (found,) = objective.discriminator(None, samples, scored)
    return found


def logarithms(logits):
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def test_it_is_the_mean_cross_entropy_of_labelled_reals():
    known = LABELS >= 0
    expected = -logarithms(LOGITS)[known, LABELS[known]].mean()
    assert float(update.share(term())) == pytest.approx(expected, rel=1e-9)


def test_what_is_predicted_of_unlabelled_reals_does_not_count():
    other = np.where(LABELS[:, np.newaxis] >= 0, LOGITS, 50.0 * RNG.normal(size=LOGITS.shape))
    assert float(update.share(term())) == float(update.share(term(logits=other)))
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = update.share(term(logits=logits))
    gradient = tape.gradient(value, logits).numpy()
    np.testing.assert_array_equal(gradient[LABELS < 0], 0.0)
    assert np.abs(gradient[LABELS >= 0]).min() > 0


def test_without_any_label_it_is_zero():
    assert float(update.share(term(labels=np.full(8, -1, "int32")))) == 0.0


def test_probabilities_have_a_cross_entropy_too():
    expected = -(PROBABILITIES * logarithms(LOGITS)).sum(1)
    found = term(labels=PROBABILITIES)
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)
    np.testing.assert_array_equal(found.weights, 1.0)
    sharp = np.eye(CLASSES)[LABELS] * (LABELS >= 0)[:, np.newaxis]  # one-hot, and zeros for -1
    for one, other in zip(cross_entropy(sharp, LOGITS), cross_entropy(LABELS, LOGITS), strict=True):
        np.testing.assert_allclose(one * (LABELS >= 0), other * (LABELS >= 0), rtol=1e-9)


def test_only_the_discriminator_pays_and_for_reals_alone():
    gan = make(PredictedProjection(), LabelPrediction())
    objective = gan.objectives[1]
    samples = Samples(*"xyzlf")
    assert objective.views(GENERATOR, None, samples) == {}
    views = objective.views(DISCRIMINATOR, None, samples)
    assert [(view.images, view.labels) for view in views.values()] == [("x", "y")]
    logs = gan.train_step(data(gan))
    assert "discriminator/label_prediction" in logs
    assert not any(name.startswith("generator/label_prediction") for name in logs)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_predictor_learns_from_this_term_alone(weight):
    gan = make(PredictedProjection(soft=True), LabelPrediction(weight=weight))
    layer = gan.discriminator.get_layer("label_predictor")
    before = layer.kernel.numpy()
    real, labels = data(gan)
    inputs = {"images": tf.cast(real[:, 0], tf.float32) / 127.5 - 1.0, "labels": labels[:, 0]}
    features = gan.discriminator(inputs)["features"].numpy().astype(float)
    logits = features @ before + layer.bias.numpy()
    error = (np.exp(logarithms(logits)) - np.eye(CLASSES)[LABELS]) * (LABELS >= 0)[:, np.newaxis]
    gan.train_step((real, labels))
    expected = before - 0.1 * weight * features.T @ error / (LABELS >= 0).sum()
    np.testing.assert_allclose(layer.kernel.numpy(), expected, rtol=1e-4, atol=1e-6)


# Modes: (GAN.conditional, D's conditioning, objectives)

NONE = np.full(8, -1, "int32")
ALL = np.maximum(LABELS, 0)
MODES = {
    "unsupervised": (False, None, []),
    "unsupervised, G with labels": (True, None, []),
    "fully supervised": (True, Projection(), []),
    "co-training": (True, PredictedProjection(), [LabelPrediction]),
    "co-training, soft predictions": (True, PredictedProjection(True), [LabelPrediction]),
}


@pytest.mark.parametrize("rotation", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_trains_on_few_labels_none_and_all(mode, rotation):
    conditional, conditioning, kinds = MODES[mode]
    objectives = [kind() for kind in kinds] + ([Rotation(one_in=2)] if rotation else [])
    gan = make(conditioning, *objectives, conditional=conditional)
    for labels in (LABELS, NONE, ALL):
        logs = gan.train_step(data(gan, labels))
        assert all(np.isfinite(value) for value in logs.values()), logs
        names = {f"discriminator/{objective.name}" for objective in objectives}
        assert names <= logs.keys()
        assert ("generator/rotation" in logs) == rotation
        if kinds:
            assert (logs["discriminator/label_prediction"] == 0) == (labels is NONE)


def test_a_gradient_penalty_goes_with_it():
    """compare_gan's S3GAN left penalties out."""
    gan = make(PredictedProjection(), LabelPrediction(), GradientPenalty(weight=1.0))
    assert float(gan.train_step(data(gan))["discriminator/gradient_penalty"]) > 0


@pytest.mark.parametrize("draw", [latents.uniform_labels, latents.labels_of_reals])
@pytest.mark.parametrize("labels", [NONE, LABELS, PROBABILITIES.astype("float32")])
def test_fakes_always_have_a_label(draw, labels):
    gan = make(SoftLabels(), label_distribution=draw)
    now = update.begin(gan, DISCRIMINATOR, tf.constant(0, tf.int64), 0)
    real, real_labels = (rows[:, 0] for rows in fitting.as_slices(gan, data(gan, labels)))
    fakes = update.generate(now, len(real), real_labels)
    samples = update.draw(now, real, real_labels, fakes)
    assert samples.fake_labels.dtype == tf.int32
    assert samples.fake_labels.shape == (8,)
    assert np.all((samples.fake_labels.numpy() >= 0) & (samples.fake_labels.numpy() < CLASSES))
    np.testing.assert_array_equal(samples.real_labels, labels)


def test_labels_of_reals_are_drawn_by_their_probabilities():
    row = np.array([0.5, 0.0, 0.2, 0.3], "float32")
    gan = make(None)
    noise = update.begin(gan, DISCRIMINATOR, tf.constant(0, tf.int64), 0).game.noise
    drawn = latents.labels_of_reals(noise, tf.constant(np.tile(row, [20000, 1])), 4).numpy()
    found = np.bincount(drawn, minlength=4) / 20000
    np.testing.assert_allclose(found, row, atol=4 * 0.5 / 20000**0.5)  # four standard deviations
    assert found[1] == 0


# Soft labels of the data


def test_data_with_probabilities_trains_all_that_looks_at_labels():
    gan = make(
        SoftLabels(PredictedProjection()),
        LabelPrediction(),
        Rotation(one_in=2),
        Classification(),
        GradientPenalty(weight=1.0),
        augment=APA(Adaptive(target=0.5, p=0.5)),
        label_distribution=latents.labels_of_reals,
    )
    logs = gan.train_step(data(gan, PROBABILITIES.astype("float32")))
    assert all(np.isfinite(value) for value in logs.values()), logs
    assert float(logs["discriminator/label_prediction"]) > 0


@pytest.mark.slow
def test_probabilities_under_xla():
    found = []
    for wrap in (lambda step: step, functools.partial(tf.function, jit_compile=True)):
        gan = make(
            SoftLabels(PredictedProjection(soft=True)),
            LabelPrediction(),
            label_distribution=latents.labels_of_reals,
        )
        found.append(wrap(gan.train_step)(data(gan, PROBABILITIES.astype("float32"))))
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-4, err_msg=name)


def test_sharp_probabilities_train_as_the_labels_do():
    found = []
    for conditioning, labels in (
        (PredictedProjection(), ALL),
        (SoftLabels(PredictedProjection()), np.eye(CLASSES, dtype="float32")[ALL]),
    ):
        gan = make(conditioning, LabelPrediction(), Rotation(one_in=2))
        found.append([gan.train_step(data(gan, labels)) for _ in range(2)])
    for one, other in zip(*found, strict=True):
        for name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-5, err_msg=name)


# What is refused


def test_probabilities_need_a_discriminator_that_takes_them():
    gan = make(PredictedProjection(), LabelPrediction())
    with pytest.raises(UserError, match="probabilities of 3 classes.*discriminator.*@SoftLabels"):
        gan.train_step(data(gan, PROBABILITIES.astype("float32")))


def test_labels_must_be_there():
    with pytest.raises(UserError, match=r"LabelPrediction needs labels.*GAN.conditional = True"):
        make(None, LabelPrediction(), conditional=False)
    with pytest.raises(UserError, match=r"num_classes = None.*GAN.conditional = True"):
        make(PredictedProjection(), LabelPrediction(), conditional=False)
    with pytest.raises(UserError, match="the data set has no labels"):
        make(PredictedProjection(), LabelPrediction(), num_classes=None)


@pytest.mark.parametrize("conditioning", [None, Projection()])
def test_a_predictor_must_be_there(conditioning):
    with pytest.raises(UserError, match="only features, logits.*@PredictedProjection"):
        make(conditioning, LabelPrediction())


def test_a_predictor_that_nothing_trains_is_refused():
    with pytest.raises(UserError, match="'class_logits'.*@LabelPrediction"):
        make(PredictedProjection())


@pytest.mark.parametrize("weight", ["heavy", True])
def test_the_weight_must_be_a_number(weight):
    with pytest.raises(UserError, match="LabelPrediction.weight is"):
        LabelPrediction(weight=weight)
