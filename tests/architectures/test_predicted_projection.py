"""Projection of predicted labels, and D's outputs and inputs that go with it."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import biggan, is_conditional, mlp, r3gan
from compare_gan_tf.architectures.conditioning import (
    Concatenation,
    Projection,
    SoftLabels,
    as_taken,
    one_hot_like,
)
from compare_gan_tf.architectures.predicted_projection import FillLabels, PredictedProjection
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import description as describe
from compare_gan_tf.layers import spectral_norm

RNG = np.random.default_rng(0)
POINTS = tf.constant(RNG.normal(size=[6, 3]), tf.float32)
LABELS = np.array([0, -1, 2, -1, 3, -1])
CLASSES, WIDTH = 4, 5


def make(conditioning, **options):
    keras.utils.set_random_seed(0)
    model = mlp.discriminator(
        (3,), CLASSES, units=WIDTH, depth=1, conditioning=conditioning, **options
    )
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return model


def run(model, labels=LABELS):
    return model({"images": POINTS, "labels": tf.constant(labels)})


def weights(model, name):
    return [variable.numpy().astype(float) for variable in model.get_layer(name).weights]


def copy(source, target):
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def one_hot(labels):
    return (np.asarray(labels)[:, np.newaxis] == np.arange(CLASSES)).astype(float)


@pytest.mark.parametrize("soft", [False, True])
def test_unlabelled_samples_are_projected_on_what_is_predicted(soft):
    model = make(PredictedProjection(soft=soft))
    outputs = run(model)
    features = outputs["features"].numpy().astype(float)
    kernel, bias = weights(model, "label_predictor")
    predicted = features @ kernel + bias
    np.testing.assert_allclose(outputs["class_logits"], predicted, rtol=1e-5, atol=1e-5)
    guess = softmax(predicted) if soft else one_hot(predicted.argmax(1))
    used = np.where(LABELS[:, np.newaxis] >= 0, one_hot(LABELS), guess)
    (embedding,), (last, constant) = weights(model, "label_projection"), weights(model, "logit")
    expected = (features @ last)[:, 0] + constant + ((used @ embedding) * features).sum(1)
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_with_all_labels_known_the_logit_is_that_of_projection(soft):
    predicted, plain = make(PredictedProjection(soft=soft)), make(Projection())
    copy(predicted, plain)
    labels = np.array([0, 1, 2, 3, 3, 1])
    np.testing.assert_array_equal(run(predicted, labels)["logits"], run(plain, labels)["logits"])
    assert not np.array_equal(run(predicted)["logits"], run(plain)["logits"])
    assert set(plain.output) == {"logits", "features"}


def test_the_game_does_not_move_the_predictor():
    model = make(PredictedProjection(soft=True))
    kernel = model.get_layer("label_predictor").kernel
    with tf.GradientTape(persistent=True) as tape:
        outputs = run(model)
    assert tape.gradient(outputs["logits"], kernel.value) is None
    assert np.abs(tape.gradient(outputs["class_logits"], kernel.value)).max() > 0
    assert np.abs(tape.gradient(outputs["logits"], model.get_layer("logit").kernel.value)).max() > 0


def count(model):
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def test_a_predictor_has_a_weight_for_each_feature_and_class_and_a_bias():
    none, plain, predicted = (
        count(make(conditioning)) for conditioning in (None, Projection(), PredictedProjection())
    )
    assert plain - none == CLASSES * WIDTH
    assert predicted - plain == CLASSES * (WIDTH + 1)


def test_biggan_at_128_px_has_compare_gans_parameters_and_those_of_the_predictor(golden):
    """compare_gan's D has the projection; its predictor is linear, 16 * 96 features, with bias."""
    (row,) = (row for row in golden("biggan")["biggan"] if row["side"] == 128)
    with keras.StatelessScope(initialize_variables=False):
        model = biggan.discriminator((128, 128, 3), 1000, conditioning=PredictedProjection())
        found = count(model)
    keras.utils.clear_session()
    assert found == row["discriminator"] + 1000 * (1536 + 1) == 89519370


@pytest.mark.parametrize("module", [biggan, r3gan])
def test_other_endings_of_a_discriminator_have_the_output_too(module):
    narrow = {biggan: {"ch": 1}, r3gan: {"widths": (8, 8, 8, 8), "cardinalities": (2, 2, 2, 2)}}
    model = module.discriminator(
        (32, 32, 3), CLASSES, conditioning=PredictedProjection(), **narrow[module]
    )
    outputs = model({"images": tf.zeros([2, 32, 32, 3]), "labels": tf.constant([-1, 1])})
    assert outputs["logits"].shape == (2,)
    assert outputs["class_logits"].shape == (2, CLASSES)


def test_kernel_norm_has_both_kernels():
    model = make(PredictedProjection(), kernel_norm=spectral_norm)
    for name, columns in (("label_predictor", CLASSES), ("label_projection", WIDTH)):
        kernel = model.get_layer(name).layer.kernel
        assert kernel.shape[1] == columns
        assert model.get_layer(name).u.shape == (kernel.shape[0],)
    for _ in range(30):
        model({"images": POINTS, "labels": tf.constant(LABELS)}, training=True)
    outputs = run(model)
    kernel, bias = (
        v.numpy().astype(float) for v in model.get_layer("label_predictor").layer.weights
    )
    expected = outputs["features"] @ (kernel / np.linalg.svd(kernel)[1][0]) + bias
    np.testing.assert_allclose(outputs["class_logits"], expected, rtol=1e-4, atol=1e-4)


def test_initial_weights():
    keras.utils.set_random_seed(0)
    conditioning = PredictedProjection(initializer="zeros", predictor_initializer="ones")
    model = mlp.discriminator((3,), CLASSES, conditioning=conditioning)
    assert not np.any(weights(model, "label_projection")[0])
    kernel, bias = weights(model, "label_predictor")
    assert np.all(kernel == 1)
    assert not np.any(bias)
    wide = mlp.discriminator((3,), 300, units=200, conditioning=PredictedProjection())
    assert np.std(weights(wide, "label_predictor")[0]) == pytest.approx(0.02, rel=0.03)


@pytest.mark.parametrize("conditioning", [PredictedProjection(True), SoftLabels()])
def test_a_saved_discriminator_is_the_same(tmp_path, conditioning):
    model = make(conditioning)
    model.save(tmp_path / "d.keras")
    again = keras.models.load_model(tmp_path / "d.keras")
    labels = as_taken(tf.constant(LABELS), model)
    for key, value in run(model, labels).items():
        np.testing.assert_allclose(run(again, labels)[key], value, rtol=1e-6, atol=1e-6)


def test_fill_labels_keeps_its_settings():
    assert FillLabels.from_config(FillLabels(soft=True).get_config()).soft


def test_describe_knows_the_predictor():
    found = describe.describe_network(make(PredictedProjection()))
    assert found["output_shape"]["class_logits"] == [CLASSES]
    rows = {row["name"]: row for row in found["layers"]}
    assert rows["label_predictor"]["parameters"] == CLASSES * (WIDTH + 1)
    assert rows["label_predictor"]["multiply_adds"] == CLASSES * WIDTH


# Soft labels


PROBABILITIES = RNG.dirichlet(np.ones(CLASSES), 6).astype("float32")


@pytest.mark.parametrize("inner", [Projection, Concatenation, PredictedProjection])
def test_soft_labels_stand_where_the_one_hot_ones_would(inner):
    soft, hard = make(SoftLabels(inner())), make(inner())
    assert is_conditional(soft)
    copy(soft, hard)
    expected = run(hard)
    for key, value in run(soft, as_taken(tf.constant(LABELS), soft)).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-6, atol=1e-6)


def test_probabilities_are_projected():
    model = make(SoftLabels())
    outputs = run(model, PROBABILITIES)
    features = outputs["features"].numpy().astype(float)
    (embedding,), (last, constant) = weights(model, "label_projection"), weights(model, "logit")
    expected = ((features @ last)[:, 0] + constant) + ((PROBABILITIES @ embedding) * features).sum(
        1
    )
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-5, atol=1e-5)


def test_labels_take_the_form_that_the_player_has():
    soft, hard = make(SoftLabels()), make(Projection())
    labels, vectors = tf.constant(LABELS), tf.constant(PROBABILITIES)
    assert as_taken(labels, hard) is labels
    assert as_taken(vectors, soft) is vectors
    np.testing.assert_array_equal(as_taken(labels, soft), one_hot(LABELS))
    with pytest.raises(UserError, match="probabilities of 4 classes.*@SoftLabels"):
        as_taken(vectors, hard)
    assert one_hot_like(None, None) is None
    assert one_hot_like(labels, labels) is labels


def test_a_soft_label_is_one_whatever_its_largest_probability():
    """0.25 four times is a label, and zeros are none."""
    rows = tf.constant([[0.25] * 4, [0.0] * 4])
    filled = FillLabels(soft=False)([rows, tf.constant([[0.0, 0, 9, 0]] * 2)])
    np.testing.assert_array_equal(filled, [[0.25] * 4, [0, 0, 1, 0]])


@pytest.mark.parametrize("conditioning", [PredictedProjection(), SoftLabels()])
def test_there_must_be_classes(conditioning):
    kind = type(conditioning).__name__
    with pytest.raises(UserError, match=f"{kind}.*num_classes = None.*GAN.conditional = True"):
        mlp.discriminator((3,), None, conditioning=conditioning)
