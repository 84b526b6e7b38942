import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from sklearn.datasets import load_digits

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.untrained import untrained_network, weights

# Of all kernels of seed 0, on any machine.
SHA256 = "5e7a8325ea9552cb29336870c37f1ce18dd89329102b9f2cb0f57272505f1efc"
_PRINT = """
import numpy as np
from compare_gan_tf.metrics.untrained import untrained_network
images = np.arange(2 * 9 * 8 * 3, dtype=np.uint8).reshape(2, 9, 8, 3)
print(untrained_network()(images).features.tobytes().hex()[-4096:])
"""


def test_the_weights_are_the_same_bits_on_every_machine():
    extractor = untrained_network()
    assert extractor.weights_sha256 == SHA256
    assert extractor.name == "untrained-0" and extractor.resize == "none"
    assert untrained_network(1).weights_sha256 != SHA256
    # Philox 4x64-10 of key 0 and counter 1, the known stream of numpy.
    first = int(np.random.Philox(key=0).random_raw()) >> 40
    bound = np.sqrt(6 / 27)
    assert weights(0)[0][0, 0, 0, 0] == np.float32((2 * (first + 0.5) / 2**24 - 1) * bound)


def test_the_weights_have_the_variance_of_he():
    for kernel, fan_in in zip(weights(3), (27, 288, 576), strict=True):
        assert kernel.mean() == pytest.approx(0.0, abs=4 * np.sqrt(2 / fan_in / kernel.size))
        assert kernel.var() == pytest.approx(2 / fan_in, rel=0.1)
        assert np.abs(kernel).max() <= np.sqrt(6 / fan_in)


def test_the_features_are_those_of_scipy():
    images = np.random.default_rng(0).integers(0, 256, [2, 12, 8, 3], np.uint8)
    maps = images / 127.5 - 1.0
    for kernel in np.float64(weights(0)[0]), np.float64(weights(0)[1]), np.float64(weights(0)[2]):
        found = np.zeros((*maps.shape[:3], kernel.shape[3]))
        for n, c, k in np.ndindex(len(maps), kernel.shape[2], kernel.shape[3]):
            found[n, :, :, k] += scipy.signal.correlate2d(
                maps[n, :, :, c], kernel[:, :, c, k], "same"
            )
        maps = np.maximum(found, 0.0)
        height, width = (-(-side // 2) for side in maps.shape[1:3])
        halved = np.empty((len(maps), height, width, maps.shape[3]))
        for i, j in np.ndindex(height, width):
            halved[:, i, j] = maps[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(1, 2))
        maps = halved
    assert maps.shape[1:3] == (2, 1)  # the second axis has one column, which is both halves
    expected = np.concatenate([maps[:, row, 0] for row in (0, 0, 1, 1)], axis=1)
    np.testing.assert_allclose(untrained_network()(images).features, expected, rtol=1e-4, atol=1e-5)


def test_another_process_has_the_same_features():
    done = [
        subprocess.run([sys.executable, "-c", _PRINT], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    images = np.arange(2 * 9 * 8 * 3, dtype=np.uint8).reshape(2, 9, 8, 3)
    here = untrained_network()(images).features.tobytes().hex()[-4096:]
    assert done[0].stdout.strip() == done[1].stdout.strip() == here


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 8), (33, 20)])
def test_it_takes_images_of_any_size_and_grey_ones_as_equal_colours(shape):
    images = np.random.default_rng(0).integers(0, 256, [3, *shape, 1], np.uint8)
    found = untrained_network()(images).features
    assert found.shape == (3, 256)
    np.testing.assert_array_equal(untrained_network()(np.repeat(images, 3, 3)).features, found)


def test_other_samples_are_refused_in_one_line():
    with pytest.raises(UserError, match="untrained-0 takes images of 1 or 3 channels"):
        untrained_network().check((8, 8, 2))
    with pytest.raises(UserError, match="untrained_network.seed is -1"):
        untrained_network(-1)


def test_fid_orders_blurred_and_noised_digits():
    counts, _ = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(counts))
    images = np.floor(counts[order] * (255 / 16) + 0.5).astype(np.uint8).reshape(-1, 8, 8, 1)
    real, good = images[:600], images[600:1_200]
    rng = np.random.default_rng(1)

    def noised(deviation):
        return np.clip(good + rng.normal(0, deviation, good.shape), 0, 255).astype(np.uint8)

    def blurred(pixels):
        return scipy.ndimage.gaussian_filter(good, (0, pixels, pixels, 0))

    def fid(fakes):
        sides = (untrained_network()(side).features for side in (real, fakes))
        metric = Fid(interval=False)
        return metric(*(Collected(features=Rows.of(side)) for side in sides))["fid"].value

    best = fid(good)
    for worse in (noised, blurred):
        little, much = (fid(worse(size)) for size in ((20, 40) if worse is noised else (0.5, 0.8)))
        assert 3 * best < little and 2 * little < much
