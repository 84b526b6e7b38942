import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.laplacian_pyramid import laplacian_pyramid, patches
from compare_gan_tf.metrics.sliced_wasserstein import (
    FeatureSlicedWasserstein,
    Mind,
    SlicedWasserstein,
    directions,
    sliced_wasserstein,
)

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def of_features(real, fake, **settings):
    sides = [Collected(features=Rows.of(x.astype(np.float32))) for x in (real, fake)]
    return FeatureSlicedWasserstein(**settings)(*sides)["feature_swd"]


def of_images(real, fake, **settings):
    settings = {"projections": 32, "patches": 16} | settings
    sides = [Collected(images=Rows.of(x)) for x in (real, fake)]
    return SlicedWasserstein(**settings)(*sides)


def test_of_features_agrees_with_scipy():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(300, 5)), rng.normal(0.3, 1.5, size=(300, 5))
    axes = directions(64, 5, 7)
    expected = np.mean([scipy.stats.wasserstein_distance(real @ a, fake @ a) for a in axes])
    assert of_features(real, fake, projections=64, seed=7).value == pytest.approx(expected, 1e-6)


def test_of_a_shift_is_its_mean_length_along_a_random_direction():
    real = np.random.default_rng(1).normal(size=(50, 3))
    # A coordinate of a uniform direction in R^3 is uniform on [-1, 1]: the mean of |.| is 1/2.
    found = of_features(real, real + [4.0, 0, 0], projections=20_000)
    assert found.value == pytest.approx(2.0, abs=4 * 4 / np.sqrt(12 * 20_000))


def test_the_blocks_of_the_jackknife_are_left_out_of_both_sides():
    rng = np.random.default_rng(2)
    real, fake = (rng.normal(size=(80, 4)).astype(np.float32) for _ in range(2))
    axes = directions(8, 4, 0)
    found = sliced_wasserstein(Rows.of(real), Rows.of(fake), axes)
    keep = np.arange(80) % 20 != 3
    without = sliced_wasserstein(Rows.of(real[keep]), Rows.of(fake[keep]), axes)
    assert found.left_out[3] == pytest.approx(without.value, rel=1e-6)


def test_the_pyramid_is_that_of_scipy_and_loses_nothing():
    images = np.random.default_rng(3).random((2, 32, 64, 3)).astype(np.float32)
    finest, rest = laplacian_pyramid(images)
    smaller = scipy.ndimage.convolve(images, KERNEL[None, :, :, None], mode="mirror")[:, ::2, ::2]
    np.testing.assert_allclose(rest, smaller, atol=1e-6)
    spread = np.zeros_like(images)
    spread[:, ::2, ::2] = smaller
    larger = scipy.ndimage.convolve(spread, 4 * KERNEL[None, :, :, None], mode="mirror")
    np.testing.assert_allclose(finest, images - larger, atol=1e-6)


@pytest.mark.parametrize(
    ("side", "sides"), [(64, [64, 32, 16]), (28, [28]), (8, [8]), (48, [48, 24]), (33, [33])]
)
def test_sides_are_halved_down_to_16(side, sides):
    assert [x.shape[1] for x in laplacian_pyramid(np.zeros((1, side, side, 1)))] == sides


def test_patches_are_windows_of_their_image():
    images = np.arange(2 * 9 * 11 * 2, dtype=np.float32).reshape(2, 9, 11, 2)
    found = patches(images, 200, np.random.default_rng(0))
    assert found.shape == (400, 7, 7, 2)
    places = {
        tuple(images[i, y : y + 7, x : x + 7].ravel()): (i, y, x)
        for i in range(2)
        for y in range(3)
        for x in range(5)
    }
    origins = [places[tuple(patch.ravel())] for patch in found]
    assert {i for i, _, _ in origins[:200]} == {0} and {i for i, _, _ in origins[200:]} == {1}
    assert len(set(origins)) == 30  # every place is drawn


def textures(rng, number, smooth):
    noise = rng.normal(size=(number, 32, 32, 3))
    images = scipy.ndimage.gaussian_filter(noise, (0, smooth, smooth, 0))
    return np.clip(128 + 50 * images / images.std(), 0, 255).astype(np.uint8)


def test_blur_shows_in_the_finest_scale_and_noise_too():
    rng = np.random.default_rng(4)
    real, other = textures(rng, 120, 1.0), textures(rng, 120, 1.0)
    same, blurred = (of_images(real, x, patches=100) for x in (other, textures(rng, 120, 2.0)))
    noise = rng.normal(0, 40, other.shape)
    noisy = np.clip(other + noise, 0, 255).astype(np.uint8)
    noisy = of_images(real, noisy, patches=100)
    for worse in (blurred, noisy):
        assert worse["swd_finest"].interval[0] > same["swd_finest"].interval[1]
    assert noisy["swd_coarsest"].value < same["swd_coarsest"].interval[1]
    assert same["swd"].value == pytest.approx(
        (same["swd_finest"].value + same["swd_coarsest"].value) / 2
    )


def test_brightness_and_contrast_of_a_side_do_not_count():
    real = textures(np.random.default_rng(5), 60, 1.0)
    darker = (real // 2).astype(np.uint8)
    exact = (2 * darker).astype(np.uint8)
    assert of_images(exact, darker)["swd"].value < 1e-3
    assert of_images(real, real)["swd"].value == 0


def test_it_is_the_same_for_a_seed_and_however_images_are_chunked(monkeypatch):
    rng = np.random.default_rng(6)
    real, fake = textures(rng, 50, 1.0), textures(rng, 45, 1.5)
    first = of_images(real, fake)
    monkeypatch.setattr("compare_gan_tf.metrics.sliced_wasserstein._IMAGES", 7)
    monkeypatch.setattr("compare_gan_tf.metrics.sliced_wasserstein._BYTES", 1)
    again = of_images(real, fake)
    for name, score in first.items():
        assert again[name].value == pytest.approx(score.value, rel=1e-6)
        assert again[name].interval == pytest.approx(score.interval, rel=1e-4)
    assert of_images(real, fake, seed=1)["swd"].value != first["swd"].value


def test_what_has_no_score():
    zeros = np.zeros((30, 32, 32, 1), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, zeros.shape).astype(np.uint8)
    with pytest.raises(UndefinedScore, match="without variance"):
        of_images(noise, zeros)
    with pytest.raises(UndefinedScore, match="no patches"):
        of_images(noise[:, :6, :6], zeros[:, :6, :6])
    with pytest.raises(UndefinedScore, match="real images are"):
        of_images(noise, zeros[:, :16, :16])
    with pytest.raises(UndefinedScore, match="not finite"):
        of_features(np.zeros((3, 2)), np.full((3, 2), np.nan))
    with pytest.raises(UndefinedScore, match="needs samples"):
        of_features(np.zeros((3, 2)), np.zeros((0, 2)))
    with pytest.raises(UserError, match="SlicedWasserstein.projections is 0"):
        SlicedWasserstein(projections=0)


def mind(real, fake, **settings):
    sides = [Collected(features=Rows.of(x.astype(np.float32))) for x in (real, fake)]
    return Mind(**settings)(*sides)["mind"]


def test_mind_is_its_definition():
    # Berthet et al., 2026: alpha / (n M) sum |sort(u.x) - sort(u.y)|^2 with alpha = 3 d.
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(90, 7)), rng.normal(0.3, 1.5, size=(90, 7))
    axes = directions(40, 7, 3)
    differences = np.sort(real @ axes.T, axis=0) - np.sort(fake @ axes.T, axis=0)
    expected = 3 * 7 * np.mean(differences**2)
    assert mind(real, fake, projections=40, seed=3).value == pytest.approx(expected, rel=1e-5)


def test_mind_of_a_shift_is_three_times_its_square():
    real = np.random.default_rng(1).normal(size=(60, 4))
    shift = np.array([1.0, -2.0, 0.0, 0.5])
    found = mind(real, real + shift, projections=20_000).value
    # u.s squared has the mean |s|^2 / d, and a deviation below twice that.
    assert found == pytest.approx(3 * shift @ shift, rel=4 * 2 / np.sqrt(20_000))


def test_mind_is_0_for_the_same_samples_and_takes_the_first_of_more():
    real = np.random.default_rng(2).normal(size=(80, 3))
    assert mind(real, real).value == 0.0
    assert mind(real, real[:50], projections=8).value == 0.0
    assert mind(real, 2 * real).interval[0] > 0.0
    with pytest.raises(UndefinedScore, match="not finite"):
        mind(real, np.full((80, 3), np.nan))
