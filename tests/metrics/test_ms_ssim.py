import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.ms_ssim import MsSsim, MsSsimReal, ms_ssim, num_scales


def blobs(rng, number, side, channels=3, smooth=3.0):
    noise = rng.normal(size=(number, side, side, channels))
    images = scipy.ndimage.gaussian_filter(noise, (0, smooth, smooth, 0))
    return np.clip(128 + 60 * images / images.std(), 0, 255).astype(np.uint8)


def score(images, **settings):
    return MsSsim(**settings)(Collected(), Collected(images=Rows.of(images)))["ms_ssim"]


def test_goldens_of_compare_gan(golden):
    expected = golden("sample_metrics")["ms_ssim"]
    images = np.ones((3, 64, 64, 3)) * np.reshape(expected["values"], (3, 1, 1, 1))
    found = ms_ssim(images[[0, 0, 1]], images[[1, 2, 2]])
    np.testing.assert_allclose(found, expected["pairs"], atol=3e-6)  # theirs are float32
    assert found.mean() == pytest.approx(expected["mean"], abs=expected["mean_tolerance"])


@pytest.mark.parametrize(("side", "shrink_window"), [(161, True), (170, False)])
def test_agrees_with_tensorflow(side, shrink_window):
    rng = np.random.default_rng(side)
    first = blobs(rng, 3, side)
    second = np.clip(first + rng.normal(0, 25, first.shape), 0, 255).astype(np.uint8)
    images = [tf.constant(x, tf.float32) for x in (first, second)]
    expected = tf.image.ssim_multiscale(*images, max_val=255.0)
    found = ms_ssim(first, second, shrink_window=shrink_window)
    np.testing.assert_allclose(found, expected, atol=1e-4)  # variances in float32 lose digits


def test_constant_images_differ_by_the_luminance_of_the_coarsest_scale_alone():
    first, second = np.full((1, 32, 32, 1), 40.0), np.full((1, 32, 32, 1), 90.0)
    c1 = 2.55**2
    luminance = (2 * 40 * 90 + c1) / (40**2 + 90**2 + c1)
    assert ms_ssim(first, second)[0] == pytest.approx(luminance**0.1333, rel=1e-9)


def test_small_images_have_fewer_scales_whose_weights_sum_to_that_of_all():
    assert [num_scales(side, True) for side in (1, 2, 8, 17, 128)] == [0, 1, 3, 5, 5]
    assert [num_scales(side, False) for side in (10, 11, 28, 32, 160, 161)] == [0, 1, 2, 2, 4, 5]
    first, second = np.full((1, 32, 32, 1), 40.0), np.full((1, 32, 32, 1), 90.0)
    luminance = (2 * 40 * 90 + 2.55**2) / (40**2 + 90**2 + 2.55**2)
    weight = 1.0001 * 0.2856 / (0.0448 + 0.2856)
    found = ms_ssim(first, second, shrink_window=False)
    assert found[0] == pytest.approx(luminance**weight, rel=1e-9)
    with pytest.raises(UndefinedScore, match="at least 11 pixels, not 8"):
        ms_ssim(first[:, :8, :8], second[:, :8, :8], shrink_window=False)


def test_equal_images_have_similarity_1_and_it_is_symmetric():
    images = blobs(np.random.default_rng(0), 4, 32)
    np.testing.assert_allclose(ms_ssim(images, images), 1.0, rtol=1e-12)
    np.testing.assert_allclose(ms_ssim(images[:2], images[2:]), ms_ssim(images[2:], images[:2]))


def test_blur_and_collapse_raise_it_and_noise_lowers_it():
    rng = np.random.default_rng(1)
    images = blobs(rng, 200, 16, smooth=1.0)
    plain = score(images).value
    blurred = scipy.ndimage.gaussian_filter(images, (0, 2, 2, 0))
    noisy = np.clip(images + rng.normal(0, 60, images.shape), 0, 255).astype(np.uint8)
    collapsed = images[rng.integers(3, size=200)]
    assert score(collapsed).value > plain + 0.2
    assert score(blurred).value > plain
    assert score(noisy).value < plain


def test_it_is_the_same_for_a_seed_and_however_images_are_batched(monkeypatch):
    images = blobs(np.random.default_rng(2), 60, 16)
    first = score(images, seed=3)
    monkeypatch.setattr("compare_gan_tf.metrics.ms_ssim._BYTES", 20_000)
    again = score(images, seed=3)
    assert again.value == pytest.approx(first.value, rel=1e-12)
    assert score(images, seed=4).value != first.value
    low, high = first.interval
    assert low < first.value < high


def test_the_reals_have_their_own_score():
    images = blobs(np.random.default_rng(2), 20, 16)
    found = MsSsimReal()(Collected(images=Rows.of(images)), Collected())
    assert found["ms_ssim_real"] == score(images)


def test_too_few_images_have_no_score():
    with pytest.raises(UndefinedScore, match="at least 4 images, not 3"):
        score(np.zeros((3, 16, 16, 1), np.uint8))
    with pytest.raises(UserError, match="MsSsim.pairs is 0"):
        MsSsim(pairs=0)
