import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.data.polygons import Polygons
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.estimates import Score, share
from compare_gan_tf.metrics.polygon_precision_recall import (
    THRESHOLD,
    PolygonPrecision,
    PolygonPrecisionRecall,
    harmonic_mean,
)

BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 3)))[0].T  # [3, 64], orthonormal


def latents(number, seed):
    return np.random.default_rng(seed).standard_normal((number, 3)).astype(np.float32)


def linear(z, labels):
    return tf.reshape(tf.matmul(z, tf.constant(BASIS, tf.float32)), [-1, 8, 8, 1])


def to_uint8(images):
    return np.clip(np.round(127.5 * (images + 1)), 0, 255).astype(np.uint8)


def subspace_distance(images):
    """Root mean square distance, in units of [0, 1], of images to the range of `linear`."""
    flat = images.reshape(len(images), -1) / 127.5 - 1.0
    return np.sqrt(np.mean((flat - flat @ BASIS.T @ BASIS) ** 2, axis=1)) / 2


def score(real, generate=linear, labels=(None, None), **settings):
    fakes = to_uint8(np.asarray(linear(latents(50, 9), None)))
    fake = Collected(images=Rows.of(fakes), generate=generate, latents=latents, labels=labels[1])
    settings = {"steps": 80, "starts": 1, "learning_rate": 0.2, "batch_size": 32, **settings}
    metric = PolygonPrecisionRecall(distance=subspace_distance, threshold=0.01, **settings)
    return metric(Collected(images=Rows.of(real), labels=labels[0]), fake)


def drawn(number):
    return to_uint8(np.asarray(linear(latents(number, 100), None)))


def test_precision_on_planted_polygons():
    polygons, rng = Polygons(), np.random.default_rng(1)
    inside = polygons.sample(60, rng)
    noise = rng.integers(0, 256, (20, 28, 28, 1)).astype(np.uint8)
    fake = Collected(images=Rows.of(np.concatenate([inside, noise])))
    found = PolygonPrecision(distance=polygons.distance)(Collected(), fake)["polygon_precision"]
    assert found.value == pytest.approx(0.75, abs=2 / 80)  # the search misses a few
    assert found.interval[0] < 0.75 < found.interval[1]


def test_the_threshold_is_the_papers_of_28_pixels():
    image = np.zeros((1, 28, 28))
    image[0, 0, 0] = 0.75
    assert np.sqrt(np.mean(image**2)) == pytest.approx(THRESHOLD)


def test_a_generator_of_the_whole_manifold_has_precision_recall_and_f1_of_1():
    found = score(drawn(40))
    assert {name: s.value for name, s in found.items()} == {
        "polygon_precision": 1.0,
        "polygon_recall": 1.0,
        "polygon_f1": 1.0,
    }


def test_recall_is_the_share_of_reals_that_the_generator_can_draw():
    noise = np.random.default_rng(2).integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    found = score(np.concatenate([drawn(20), noise]))
    assert found["polygon_recall"].value == 0.25
    assert found["polygon_recall"].interval == share(20, 80).interval
    assert found["polygon_f1"].value == pytest.approx(0.4)


def test_a_lost_part_of_the_manifold_lowers_recall_alone():
    def half(z, labels):
        return linear(tf.abs(z), labels)

    found = score(drawn(60), half, steps=60)
    negative = np.any(latents(60, 100) < -0.2, axis=1).mean()
    assert found["polygon_precision"].value == 1.0
    assert found["polygon_recall"].value <= 1 - negative + 0.1


def test_the_labels_of_the_reals_lead_the_search():
    def conditional(z, labels):
        return tf.where(tf.reshape(labels, [-1, 1, 1, 1]) == 1, linear(z, None), 1.0)

    ones = Rows.of(np.ones(20, np.int32))
    mixed = Rows.of((np.arange(20) % 2).astype(np.int32))
    assert score(drawn(20), conditional, (ones, ones))["polygon_recall"].value == 1.0
    assert score(drawn(20), conditional, (mixed, ones))["polygon_recall"].value == 0.5
    with pytest.raises(UndefinedScore, match="none to search under"):
        score(drawn(20), conditional, (None, ones))


def test_the_error_of_f1_follows_from_a_simulation():
    rng = np.random.default_rng(3)
    hits = rng.binomial(400, [0.8, 0.5], (4000, 2)) / 400
    simulated = np.std(2 * hits[:, 0] * hits[:, 1] / hits.sum(axis=1))
    low, high = harmonic_mean(share(320, 400), share(200, 400)).interval
    assert (high - low) / (2 * 1.96) == pytest.approx(simulated, rel=0.05)
    assert harmonic_mean(share(0, 4), share(0, 4)) == Score(0.0)


def test_the_batch_does_not_matter():
    images = np.concatenate([drawn(10), 255 - drawn(10) // 2])
    assert (
        score(images)["polygon_recall"].value == score(images, batch_size=7)["polygon_recall"].value
    )


def test_settings_and_samples_that_have_no_score():
    with pytest.raises(UserError, match="distance is None"):
        PolygonPrecision()(Collected(), Collected(images=Rows.of(drawn(2))))
    with pytest.raises(UserError, match="threshold is 0"):
        PolygonPrecision(threshold=0)
    with pytest.raises(UserError, match=r"Recall.distance is @len: .* gives the shape \(\)"):
        PolygonPrecisionRecall(distance=len)(Collected(), Collected(images=Rows.of(drawn(2))))
    with pytest.raises(UserError, match="PolygonPrecisionRecall.starts is 0"):
        PolygonPrecisionRecall(starts=0)
    with pytest.raises(UndefinedScore, match="there are 0 real images"):
        score(drawn(0))
