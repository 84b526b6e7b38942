import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.inversion import mean_squared_difference
from compare_gan_tf.metrics.reconstruction_error import ReconstructionError

SHAPE = (3, 3, 1)
MATRIX = np.random.default_rng(0).normal(size=(2, 9)).astype(np.float32) / 3


def latents(number, seed):
    return np.random.default_rng(seed).standard_normal((number, 2)).astype(np.float32)


def linear(z, labels=None):
    """The planted generator G(z) = A z."""
    return tf.reshape(tf.matmul(z, MATRIX), [-1, *SHAPE])


def real_side(count, seed, **more):
    found = np.random.default_rng(seed).integers(0, 256, (count, *SHAPE)).astype(np.uint8)
    return Collected(images=Rows.of(found), **more)


def pixels(side):
    return side.images.read().reshape(len(side.images), -1) / 127.5 - 1.0


def score(real, generate=linear, labels=None, **settings):
    fake = Collected(generate=generate, latents=latents, labels=labels)
    return ReconstructionError(**{"starts": 2, "steps": 100, **settings})(real, fake)


def test_of_a_linear_generator_the_squared_error_is_that_of_the_projection():
    real = real_side(20, 1)
    x = pixels(real)
    solution, *_ = np.linalg.lstsq(MATRIX.T.astype(np.float64), x.T, rcond=None)
    expected = np.mean((MATRIX.T @ solution - x.T) ** 2)
    found = score(real, distance=mean_squared_difference, starts=1)["reconstruction_error"]
    assert found.value == pytest.approx(expected, rel=1e-4)


def test_of_a_linear_generator_the_error_is_that_of_least_absolute_deviations():
    real, expected = real_side(12, 2), []
    above = np.block([[MATRIX.T, -np.eye(9)], [-MATRIX.T, -np.eye(9)]])
    for x in pixels(real):  # min sum t with |A z - x| <= t
        found = scipy.optimize.linprog(
            np.r_[np.zeros(2), np.ones(9)], above, np.r_[x, -x], bounds=(None, None)
        )
        expected.append(found.fun / 9)
    found = score(real, steps=300)["reconstruction_error"]
    assert np.mean(expected) <= found.value + 1e-6
    assert found.value == pytest.approx(np.mean(expected), rel=2e-3)
    low, high = found.interval
    half = 1.959964 * np.std(expected, ddof=1) / np.sqrt(12)
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)


def test_images_of_the_generator_have_none_and_it_grows_with_what_is_missing():
    truth = np.random.default_rng(3).standard_normal((30, 2)).astype(np.float32)
    drawn = np.clip(np.asarray(linear(truth / 3)), -1, 1)
    real = Collected(images=Rows.of(np.floor(drawn * 127.5 + 128).astype(np.uint8)))
    values = [
        score(real, generate=lambda z, labels, kept=kept: linear(z * kept))
        for kept in (np.float32([1, 1]), np.float32([1, 0]), np.float32([0, 0]))
    ]
    values = [one["reconstruction_error"].value for one in values]
    assert values[0] < 0.5 / 127.5  # pixels are rounded to half a level
    assert 3 * values[0] < values[1] < values[2]
    assert values[2] == pytest.approx(np.abs(pixels(real)).mean(), rel=1e-5)


def test_the_gap_is_between_held_out_images_and_those_of_training():
    drawn = np.clip(np.asarray(linear(latents(30, 9) / 3)), -1, 1)
    training = np.floor(drawn * 127.5 + 128).astype(np.uint8)
    held_out = real_side(30, 4)
    found = score(Collected(images=Rows.of(training), held_out=held_out))
    names = ["reconstruction_error", "reconstruction_error_held_out", "reconstruction_gap"]
    assert list(found) == names
    error, other, gap = (found[name].value for name in names)
    assert gap == pytest.approx(other - error) and gap > 0.1
    assert found["reconstruction_gap"].interval[0] > 0
    assert other == score(held_out)["reconstruction_error"].value


def test_labels_are_those_of_the_real_images_and_batches_do_not_matter():
    def scaled(z, labels):
        return linear(z) * tf.reshape(tf.cast(labels, tf.float32), [-1, 1, 1, 1])

    some = Rows.of(np.array([0, 1] * 10, np.int32))
    real = real_side(20, 5, labels=some)
    whole = score(real, scaled, labels=some)["reconstruction_error"].value
    parts = score(real, scaled, labels=some, batch_size=7)["reconstruction_error"].value
    assert parts == pytest.approx(whole, rel=1e-4)
    nothing = np.abs(pixels(real)[::2]).mean()  # of label 0 the generator draws grey
    assert whole > nothing / 2
    with pytest.raises(UndefinedScore, match="no labels|none to search under"):
        score(real_side(20, 5), scaled, labels=some)


def test_what_has_no_error():
    with pytest.raises(UndefinedScore, match="there are 1 real images"):
        score(real_side(1, 6))
    with pytest.raises(UndefinedScore, match="4 of 4 values are not finite"):
        score(real_side(4, 6), lambda z, labels: linear(z * np.nan), steps=2)
    with pytest.raises(UserError, match="ReconstructionError.images is 1"):
        ReconstructionError(images=1)
    with pytest.raises(UserError, match="ReconstructionError.learning_rate is 0"):
        ReconstructionError(learning_rate=0.0)


def of_logits(real, fake):
    return tf.reduce_mean(real) - tf.reduce_mean(fake)


def by_numpy(first, second):
    return np.mean(np.abs(first - second), axis=(1, 2, 3))


def of_two_axes(first, second):
    return tf.matmul(first, second)[:, 0, 0] + tf.zeros([5])


@pytest.mark.parametrize(
    ("distance", "message"),
    [
        (of_logits, r"@of_logits: it must be a function of two batches .* gives the shape \(\)"),
        (by_numpy, "@by_numpy, which has no derivative: it must be a function"),
        (of_two_axes, "@of_two_axes: it must be a function of two batches of images"),
    ],
)
def test_a_distance_is_tried_before_the_search(distance, message):
    with pytest.raises(UserError, match=f"ReconstructionError.distance is {message}"):
        score(real_side(4, 6), distance=distance)
