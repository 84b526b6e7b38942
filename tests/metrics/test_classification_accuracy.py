import keras
import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.classification_accuracy import ClassificationAccuracy, small_classifier


def linear(image_shape, classes, seed):
    """Learns in few steps which of the four pixels is bright."""
    images = keras.Input(image_shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 127.5, -1.0)(images))
    initial = keras.initializers.GlorotUniform(seed)
    return keras.Model(images, keras.layers.Dense(classes, kernel_initializer=initial)(x))


def bright(labels, rng):
    """Images [n, 2, 2, 1] whose pixel number `label` is brighter than the others."""
    images = rng.integers(0, 100, (len(labels), 4))
    images[np.arange(len(labels)), labels] += 120
    return images.reshape(-1, 2, 2, 1).astype(np.uint8)


def side(number, seed, classes=4, wrong=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=number)
    images = bright(labels, rng)
    labels = np.where(rng.random(number) < wrong, rng.integers(4, size=number), labels)
    return Collected(images=Rows.of(images), labels=Rows.of(labels.astype(np.int32)))


def score(real, fake, **settings):
    settings = {"classifier": linear, "steps": 150, "batch_size": 32, "learning_rate": 0.05}
    found = ClassificationAccuracy(**settings)(real, fake)
    return found["gan_train"].value, found["gan_test"].value


def test_good_fakes_score_as_real_samples_do():
    assert score(side(400, 0), side(300, 1)) == (1.0, 1.0)


def test_dropped_classes_lower_gan_train_alone():
    gan_train, gan_test = score(side(400, 0), side(300, 1, classes=2))
    assert gan_train == pytest.approx(0.5, abs=0.08)
    assert gan_test == 1.0


def test_images_under_wrong_labels_lower_gan_test_most():
    gan_train, gan_test = score(side(400, 0), side(300, 1, wrong=0.6))
    assert gan_test == pytest.approx(1 - 0.6 * 0.75, abs=0.08)
    assert gan_train > 0.8


def test_it_is_the_same_for_a_seed():
    metric = ClassificationAccuracy(classifier=linear, steps=5, batch_size=16)
    sides = side(60, 0), side(50, 1)
    first = metric(*sides)
    assert metric(*sides) == first
    low, high = first["gan_test"].interval
    assert low < first["gan_test"].value < high


def test_training_takes_every_image_once_before_any_twice():
    metric = ClassificationAccuracy(steps=7, batch_size=8)
    drawn = np.concatenate(list(metric._batches(10)))
    assert len(drawn) == 56
    for start in range(0, 50, 10):
        assert sorted(drawn[start : start + 10]) == list(range(10))


def test_the_small_classifier():
    model = small_classifier((8, 8, 3), 5, 0)
    assert model(np.zeros((2, 8, 8, 3), np.uint8)).shape == (2, 5)


def test_what_has_no_score():
    good, metric = side(20, 0), ClassificationAccuracy(steps=1)
    unlabelled = Collected(images=good.images, labels=Rows.of(np.full(20, -1, np.int32)))
    with pytest.raises(UndefinedScore, match="fakes are unlabelled"):
        metric(good, unlabelled)
    zeros = Collected(images=good.images, labels=Rows.of(np.zeros(20, np.int32)))
    with pytest.raises(UndefinedScore, match="all labels are 0"):
        metric(zeros, zeros)
    with pytest.raises(UndefinedScore, match="20 images and 3 labels"):
        metric(good, Collected(images=good.images, labels=Rows.of(np.zeros(3, np.int32))))
    other = Collected(images=Rows.of(np.zeros((20, 3, 3, 1), np.uint8)), labels=good.labels)
    with pytest.raises(UndefinedScore, match="share no classifier"):
        metric(good, other)
    with pytest.raises(UserError, match="steps is 0"):
        ClassificationAccuracy(steps=0)
    with pytest.raises(UserError, match="learning_rate is 0"):
        ClassificationAccuracy(learning_rate=0)
    with pytest.raises(UserError, match=r"classifier is @constant: .* gives the shape \(\) where"):
        ClassificationAccuracy(classifier=constant)(good, good)


def constant(image_shape, classes, seed):
    return 0.0
