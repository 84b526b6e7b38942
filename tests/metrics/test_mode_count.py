import numpy as np
import pytest

from compare_gan_tf.data.toy import gaussian_grid, gaussian_ring
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.features import mnist_classifier
from compare_gan_tf.metrics.mode_count import GaussianModes, StackedModes, divergence


def brightness(images):
    """A classifier whose class is the level of the first pixel."""
    return np.eye(10)[images[:, 0, 0, 0]]


def spelt(numbers, digits=3):
    """uint8 images [n, 2, 2, digits] whose channels show the digits of numbers."""
    places = 10 ** np.arange(digits)[::-1]
    shown = np.asarray(numbers)[:, None] // places % 10
    return np.broadcast_to(shown[:, None, None], (len(numbers), 2, 2, digits)).astype(np.uint8)


def stacked(numbers, labels=None, **settings):
    real = Collected(labels=None if labels is None else Rows.of(np.asarray(labels, np.int32)))
    fake = Collected(images=Rows.of(spelt(numbers)))
    return StackedModes(**{"classifier": brightness, **settings})(real, fake)


def gaussian(points, mixture, **settings):
    fake = Collected(features=Rows.of(np.asarray(points, np.float32)))
    return GaussianModes(mixture=mixture, **settings)(Collected(), fake)


def two_classes(images):
    return np.eye(2)[images[:, 0, 0, 0]]


def test_goldens_by_hand(golden):
    for case in golden("sample_metrics")["modes"]:
        modes = np.repeat(np.arange(8), case["counts"])
        shown = modes[:, None] // [4, 2, 1] % 2  # three channels of two classes
        images = np.broadcast_to(shown[:, None, None], (len(modes), 2, 2, 3)).astype(np.uint8)
        metric = StackedModes(classifier=two_classes, classes=2)
        found = metric(Collected(), Collected(images=Rows.of(images)))
        assert found["stacked_modes"].value == case["modes"]
        assert found["stacked_modes_kl"].value == pytest.approx(case["kl"], abs=1e-7)


def test_all_modes_evenly():
    found = stacked(np.tile(np.arange(1000), 3))
    assert found["stacked_modes"].value == 1000
    assert found["stacked_modes_kl"].value == pytest.approx(0.0, abs=1e-12)


def test_the_divergence_of_a_sample_is_about_its_degrees_of_freedom_over_twice_its_size():
    numbers = np.random.default_rng(0).integers(1000, size=26_000)
    found = stacked(numbers)
    assert found["stacked_modes_kl"].value == pytest.approx(999 / 52_000, rel=0.15)


def test_against_the_histogram_of_the_data():
    labels = [1, 1, 1, 2]
    assert stacked([1, 1, 1, 2], labels, uniform=False)["stacked_modes_kl"].value == 0
    found = stacked([1, 2], labels, uniform=False)["stacked_modes_kl"]
    expected = 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25)
    assert found.value == pytest.approx(expected, rel=1e-12)
    with pytest.raises(UndefinedScore, match="no samples"):
        stacked([3], labels, uniform=False)
    with pytest.raises(UndefinedScore, match="no labels"):
        stacked([3], uniform=False)
    with pytest.raises(UndefinedScore, match="not all in"):
        stacked([3], [-1], uniform=False)


def test_dropped_modes_lower_the_count_and_raise_the_divergence():
    numbers = np.random.default_rng(1).integers(1000, size=20_000)
    full, fewer = stacked(numbers), stacked(numbers[numbers < 500])
    assert full["stacked_modes"].value == 1000 and fewer["stacked_modes"].value == 500
    change = fewer["stacked_modes_kl"].value - full["stacked_modes_kl"].value
    assert change == pytest.approx(np.log(2), abs=0.02)


def test_the_default_classifier_is_that_of_mnist():
    images = np.random.default_rng(7).integers(0, 256, (5, 28, 28, 3)).astype(np.uint8)
    found = StackedModes()(Collected(), Collected(images=Rows.of(images)))
    classes = [mnist_classifier().classify(images[..., i : i + 1]).argmax(1) for i in range(3)]
    expected = len(set(zip(*classes, strict=True)))
    assert found["stacked_modes"].value == expected


def test_a_mode_may_need_several_samples():
    assert stacked([1, 1, 1, 2, 2, 3], min_samples=2)["stacked_modes"].value == 2


def test_the_interval_is_that_of_leaving_out_one_sample_at_a_time():
    counts = np.array([5, 3, 1, 0])
    numbers = np.repeat(np.arange(4), counts)
    uniform = np.ones(1000)
    histogram = np.bincount(numbers, minlength=1000)
    value = divergence(histogram, uniform)
    without = np.array([divergence(histogram - np.eye(1000)[n], uniform) for n in numbers])
    error = np.sqrt(8 / 9 * np.sum((without - without.mean()) ** 2))
    found = stacked(numbers)["stacked_modes_kl"]
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.interval == pytest.approx((value - 1.959964 * error, value + 1.959964 * error))


@pytest.mark.parametrize("mixture", [gaussian_ring(), gaussian_grid()], ids=["ring", "grid"])
def test_exact_samples_of_gaussians(mixture, golden):
    points, _ = mixture.sample(20_000, np.random.default_rng(2))
    found = gaussian(points, mixture)
    expected = golden("sample_metrics")["high_quality_in_the_plane"]
    assert found["gaussian_modes"].value == mixture.num_modes
    assert found["high_quality"].value == pytest.approx(expected, abs=4 * 0.105 / 20_000**0.5)
    assert found["gaussian_modes_kl"].value < mixture.num_modes / 20_000


def test_dropped_modes_and_blur_of_gaussians():
    mixture = gaussian_ring()
    points, component = mixture.sample(4000, np.random.default_rng(3))
    half = gaussian(points[component < 4], mixture)
    assert half["gaussian_modes"].value == 4
    assert half["gaussian_modes_kl"].value == pytest.approx(np.log(2), abs=0.01)
    wide = points + np.random.default_rng(4).normal(0, 0.1, points.shape)
    assert gaussian(wide, mixture)["high_quality"].value < 0.3
    one = gaussian([[2.0, 0.05], [2.0, 0.07]], mixture)  # deviations are 0.02
    assert (one["gaussian_modes"].value, one["high_quality"].value) == (1, 0.5)


def test_chunks_and_order_do_not_matter(monkeypatch):
    mixture = gaussian_grid()
    points, _ = mixture.sample(500, np.random.default_rng(5))
    numbers = np.random.default_rng(6).integers(1000, size=300)
    expected = gaussian(points, mixture), stacked(numbers)
    monkeypatch.setattr("compare_gan_tf.metrics.mode_count._CHUNK", 17)
    found = gaussian(points[::-1], mixture), stacked(numbers[::-1])
    for metric, again in zip(expected, found, strict=True):
        for name, score in metric.items():
            assert again[name].value == pytest.approx(score.value, rel=1e-12)
            assert again[name].interval == pytest.approx(score.interval, rel=1e-9)


def test_what_has_no_score():
    with pytest.raises(UserError, match="takes channels of 28x28 pixels, not .2, 2."):
        stacked([1], classifier=StackedModes().classifier)
    with pytest.raises(UserError, match="mixture is None"):
        gaussian([[0.0, 0.0]], None)
    with pytest.raises(UndefinedScore, match="no fake is within 3.0"):
        gaussian([[0.0, 0.0]], gaussian_ring())
    with pytest.raises(UndefinedScore, match="not in the space"):
        gaussian([[0.0, 0.0, 0.0]], gaussian_ring())
    with pytest.raises(UndefinedScore, match="there are 0 images"):
        stacked([])
    with pytest.raises(UserError, match="classifier is @labels: .* gives the shape .1,. where"):
        stacked([1], classifier=labels)


def labels(images):
    return np.zeros(len(images))


def test_a_metric_of_our_mixtures_is_a_key_as_the_evaluation_of_runs_needs():
    metric = GaussianModes(mixture=gaussian_ring())
    assert {metric: 1}[metric] == 1
    assert metric != GaussianModes(mixture=gaussian_ring(num_modes=3))
