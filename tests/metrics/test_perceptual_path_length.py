import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.perceptual_path_length import (
    PerceptualPathLength,
    SquaredFeatures,
    lerp,
    slerp,
    trimmed_mean,
)

MATRIX = np.random.default_rng(0).normal(size=(6, 4 * 4 * 3)).astype(np.float32)


def latents(number, seed):
    return np.random.default_rng(seed).standard_normal((number, 6)).astype(np.float32)


def linear(z, labels):
    return (0.1 * z @ MATRIX).reshape(-1, 4, 4, 3)


def score(generate=linear, labels=None, **settings):
    fake = Collected(generate=generate, latents=latents, labels=labels)
    return PerceptualPathLength(**{"paths": 400, **settings})(Collected(), fake)["ppl"]


def test_of_a_linear_generator_is_the_mean_square_of_what_paths_span():
    ends = latents(800, 5)
    spans = 0.1 * (ends[400:] - ends[:400]) @ MATRIX
    expected = np.mean(spans.astype(np.float64) ** 2)
    assert score(trim=0.0, seed=5).value == pytest.approx(expected, rel=2e-3)  # of float32 steps


def test_it_does_not_depend_on_a_small_epsilon_but_rounding_images_ruins_it():
    def rounded(z, labels):
        return np.round(127.5 * linear(z, labels)) / 127.5

    floats = score().value
    assert score(epsilon=1e-3).value == pytest.approx(floats, rel=1e-2)
    assert score(rounded, trim=0.0).value > 5 * floats  # rare jumps of 1 / 127.5 over eps^2


def test_slerp_stays_on_the_sphere_and_halves_the_angle():
    first, second = np.array([[2.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0]])
    found = slerp(first, second, np.full((2, 1), 0.5))
    np.testing.assert_allclose(found, [[2**0.5, 2**0.5], [2.0, 0.0]], atol=1e-12)
    quarter = slerp(first[:1], second[:1], np.array([[0.25]]))
    np.testing.assert_allclose(quarter, [[2 * np.cos(np.pi / 8), 2 * np.sin(np.pi / 8)]])
    np.testing.assert_allclose(lerp(first, second, np.full((2, 1), 0.5)), [[1, 1], [2, 0]])


def test_extremes_are_left_out_as_in_the_reference():
    values = np.arange(100.0)  # the 1 % quantiles lie between 0 and 1, 98 and 99
    assert trimmed_mean(np.append(values, 1e9), 0.01) == pytest.approx(np.arange(1, 100).mean())
    assert trimmed_mean(values, 0.0) == values.mean()


def test_a_rougher_generator_has_longer_paths_and_a_constant_one_none():
    smooth = score(lambda z, labels: np.sin(linear(z, labels))).value
    rough = score(lambda z, labels: np.sin(5 * linear(z, labels))).value
    assert rough > 10 * smooth
    assert score(lambda z, labels: np.zeros((len(z), 4, 4, 3))).value == 0


def test_both_ends_of_a_path_have_one_label_of_those_of_the_fakes():
    seen = []

    def labelled(z, labels):
        seen.append(labels)
        return linear(z, labels)

    score(labelled, labels=Rows.of(np.array([3, 5, 7], np.int32)), paths=60)
    assert all((a == b).all() for a, b in zip(seen[::2], seen[1::2], strict=True))
    assert set(np.concatenate(seen)) == {3, 5, 7}


def test_distances_of_features():
    distance = SquaredFeatures(lambda images: 2 * images.reshape(len(images), -1)[:, :3])
    found = distance(np.ones((2, 2, 2, 1)), np.zeros((2, 2, 2, 1)))
    np.testing.assert_allclose(found, [12.0, 12.0])
    assert score(distance=distance).value > 0


def test_it_is_the_same_for_a_seed_and_any_batch():
    first = score()
    again = score(batch_size=7)
    assert again.value == pytest.approx(first.value, rel=1e-3)  # matmul in float32 over eps
    assert score() == first
    assert score(seed=1).value != first.value
    low, high = first.interval
    assert low < first.value < high


def test_what_has_no_score():
    with pytest.raises(UndefinedScore, match="not finite"):
        score(lambda z, labels: np.full((len(z), 4, 4, 3), np.nan))
    with pytest.raises(UserError, match="epsilon is 0"):
        PerceptualPathLength(epsilon=0)
    with pytest.raises(UserError, match="trim is 0.5"):
        PerceptualPathLength(trim=0.5)
    with pytest.raises(
        UserError, match="distance is @mean_difference: .* gives the shape .. where"
    ):
        score(distance=mean_difference)
    with pytest.raises(UserError, match="interpolate is @middle: .* gives the shape .2,. where"):
        PerceptualPathLength(interpolate=middle)


def mean_difference(first, second):
    return np.mean(first - second)


def middle(first, second, share):
    return np.mean(first + second, 1)
