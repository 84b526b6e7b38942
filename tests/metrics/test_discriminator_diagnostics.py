import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.discriminator_diagnostics import (
    DiscriminatorAccuracy,
    DiscriminatorNorms,
    largest_singular_values,
)
from compare_gan_tf.metrics.estimates import share


def level(images, labels):
    """A discriminator whose logit is the level of the first pixel less 100."""
    return images[:, 0, 0].astype(np.float32) - 100


def grey(levels):
    levels = np.asarray(levels, np.uint8)
    return Rows.of(np.broadcast_to(levels[:, None, None, None], (len(levels), 2, 2, 1)))


def score(train, held_out, fake, discriminate=level, **settings):
    real = Collected(images=grey(train), held_out=Collected(images=grey(held_out)))
    fakes = Collected(images=grey(fake), discriminate=discriminate)
    return DiscriminatorAccuracy(**settings)(real, fakes)


def test_accuracies_and_logits_of_a_known_discriminator():
    found = score([110, 120, 130, 90], [110, 80, 60, 70], [90, 90, 120, 70, 60])
    values = {name: s.value for name, s in found.items()}
    assert values == pytest.approx(
        {
            "d_accuracy_train": 0.75,
            "d_accuracy_held_out": 0.25,
            "d_accuracy_fake": 0.8,
            "d_logit_train": 12.5,
            "d_logit_held_out": -20.0,
            "d_logit_fake": -14.0,
            "d_memorisation": 0.5,
        }
    )
    assert found["d_accuracy_fake"].interval == share(4, 5).interval
    assert set(values) == set(DiscriminatorAccuracy.scores)


def test_a_discriminator_that_knows_its_training_images_memorises():
    rng = np.random.default_rng(0)
    train, held_out = rng.integers(0, 256, (2, 200))
    known = set(train)

    def remembers(images, labels):
        return np.array([1.0 if x in known else -1.0 for x in images[:, 0, 0, 0]])

    found = score(train, held_out, held_out, remembers)
    assert found["d_memorisation"].value == 1 - np.isin(held_out, train).mean()
    low, high = score(train, train, held_out, level)["d_memorisation"].interval
    assert low < 0 < high


def test_only_the_first_images_count_and_labels_go_along():
    def by_label(images, labels):
        return labels - 0.5

    labels = Rows.of(np.array([1, 1, 0, 0], np.int32))
    side = Collected(images=grey([0, 0, 0, 0]), labels=labels)
    real = Collected(images=side.images, labels=labels, held_out=side)
    fake = Collected(images=side.images, labels=labels, discriminate=by_label)
    assert DiscriminatorAccuracy()(real, fake)["d_accuracy_train"].value == 0.5
    assert DiscriminatorAccuracy(images=2)(real, fake)["d_accuracy_train"].value == 1.0


def test_sigma_is_the_largest_singular_value_of_the_kernel_as_a_matrix():
    rng = np.random.default_rng(1)
    orthogonal = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    convolution = rng.normal(size=(3, 3, 2, 4)).astype(np.float32)
    kernels = {"dense": 3 * orthogonal, "convolution": convolution}
    found = largest_singular_values(kernels)
    assert found["dense"] == pytest.approx(3.0, rel=1e-12)
    matrix = convolution.reshape(18, 4).astype(np.float64)
    expected = np.sqrt(np.linalg.eigvalsh(matrix.T @ matrix)[-1])
    assert found["convolution"] == pytest.approx(expected, rel=1e-12)
    scores = DiscriminatorNorms()(Collected(), Collected(kernels=kernels))
    assert {name: s.value for name, s in scores.items()} == {
        "d_sigma/dense": found["dense"],
        "d_sigma/convolution": found["convolution"],
        "d_sigma_max": max(found.values()),
        "d_sigma_min": min(found.values()),
    }


def test_what_has_no_score():
    with pytest.raises(UndefinedScore, match="no images"):
        score([], [1], [1])
    with pytest.raises(UndefinedScore, match="finite logits"):
        score([1, 2], [1, 2], [1, 2], lambda images, labels: np.full(len(images), np.nan))
    with pytest.raises(UndefinedScore, match="no finite matrix"):
        largest_singular_values({"bias": np.ones(3)})
    with pytest.raises(UndefinedScore, match="no kernels"):
        DiscriminatorNorms()(Collected(), Collected(kernels={}))
    with pytest.raises(UserError, match="images is 1"):
        DiscriminatorAccuracy(images=1)
