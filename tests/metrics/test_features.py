import gin
import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import features
from compare_gan_tf.metrics.frechet import GaussianStatistics, frechet_distance


@pytest.fixture(scope="module")
def classifier():
    return features.digits_classifier()


@pytest.fixture(scope="module")
def splits():
    return data.load("digits").splits


@pytest.fixture(scope="module")
def fid(classifier, splits):
    def statistics(images):
        result = GaussianStatistics()
        result.update(classifier(images).features)
        return result

    real = statistics(splits["test"].images)
    return lambda images: frechet_distance(real, statistics(images))


@pytest.mark.parametrize(("split", "accuracy"), [("validation", 0.975), ("test", 0.975)])
def test_accuracy(classifier, splits, split, accuracy):
    found = classifier.classify(splits[split].images).argmax(axis=1)
    assert np.mean(found == splits[split].labels) >= accuracy


def test_real_digits_are_recognised_with_confidence_that_is_earned(classifier, splits):
    probabilities = classifier.classify(splits["test"].images)
    confidence = probabilities.max(axis=1)
    accuracy = np.mean(probabilities.argmax(axis=1) == splits["test"].labels)
    assert np.mean(confidence > 0.9) >= 0.93
    assert abs(confidence.mean() - accuracy) < 0.02


def test_probabilities_sum_to_one(classifier, splits):
    probabilities = classifier.classify(splits["test"].images)
    assert probabilities.shape == (300, 10)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)


def test_the_features_of_300_digits_have_a_covariance_of_full_rank(classifier, splits):
    found = classifier(splits["test"].images).features
    assert found.shape == (300, 64)
    assert found.dtype == np.float32
    eigenvalues = np.linalg.eigvalsh(np.cov(found, rowvar=False))
    assert eigenvalues[0] > 1e-4 * eigenvalues[-1]


@pytest.mark.parametrize("batch_size", [1, 7, 299])
def test_features_do_not_depend_on_the_batch(classifier, splits, batch_size):
    images = splits["test"].images[:50]
    parts = [images[start : start + batch_size] for start in range(0, 50, batch_size)]
    whole = classifier(images)
    for field in ("features", "logits"):
        found = np.concatenate([getattr(classifier(part), field) for part in parts])
        np.testing.assert_allclose(found, getattr(whole, field), atol=2e-5)


def test_only_uint8_images_are_taken(classifier):
    with pytest.raises(ValueError, match="float32"):
        classifier(np.zeros((2, 8, 8, 1), np.float32))


def test_samples_of_another_shape_are_the_users_to_cure(classifier):
    classifier.check((8, 8, 1))
    with pytest.raises(UserError, match=r"\(28, 28, 1\).*evaluate.extractor"):
        classifier.check((28, 28, 1))


def test_fid_of_real_digits_to_other_real_digits_is_small(fid, splits):
    """FID of 300 against 300 is biased upwards: about 4 here, where uniform noise has 112."""
    assert fid(splits["test"].images) < 1e-6
    assert fid(splits["train"].images[:300]) < 6.0
    assert fid(splits["validation"].images) < 6.0


def test_fid_grows_with_noise(fid, splits):
    rng = np.random.default_rng(0)
    images = splits["test"].images.astype(np.float64)
    scores = [
        fid(np.clip(images + rng.normal(0, scale, images.shape), 0, 255).astype(np.uint8))
        for scale in (8, 32, 128)
    ]
    assert scores == sorted(scores)
    assert fid(rng.integers(0, 256, images.shape, np.uint8)) > scores[-1]


def test_fid_grows_as_classes_are_dropped(fid, splits):
    train = splits["train"]
    scores = [fid(train.images[train.labels < classes]) for classes in (10, 9, 5, 2, 1)]
    assert scores == sorted(scores)
    assert scores[1] > 2 * scores[0]


def test_raw_features_are_the_samples():
    raw = features.raw_features()
    points = np.array([[1.5, -2.0]], np.float32)
    assert np.array_equal(raw(points).features, points)
    assert raw(points).logits is None
    assert np.array_equal(raw(np.array([[[[0], [255]]]], np.uint8)).features, [[0.0, 1.0]])
    raw.check((28, 28, 1))


@pytest.mark.parametrize(
    ("make", "name", "width"),
    [
        (features.digits_classifier, "digits-cnn", 64),
        (features.mnist_classifier, "mnist-cnn", 128),
        (features.fashion_mnist_classifier, "fashion-mnist-cnn", 128),
    ],
)
def test_a_classifier_says_what_it_is(make, name, width):
    extractor = make()
    assert extractor is make()
    assert extractor.name == name
    assert len(extractor.weights_sha256) == 64
    assert (extractor.resize, extractor.scaling) == ("none", "x/255")
    images = np.random.default_rng(0).integers(0, 256, [3, *extractor.model.input_shape[1:]])
    found = extractor(images.astype(np.uint8))
    assert found.features.shape == (3, width)
    kernel, bias = extractor.model.get_layer("logits").get_weights()
    np.testing.assert_array_equal(extractor.logit_bias, bias)
    np.testing.assert_allclose(found.logits, found.features @ kernel + bias, atol=1e-4)
    assert gin.get_configurable(make.__name__).__module__ == "compare_gan_tf.metrics.features"
