"""Prints the most memory, in MiB, that comparing N fakes takes; run by test_memory.py."""

import sys

import high_water
import numpy as np

from compare_gan_tf.evaluation import pairs
from compare_gan_tf.evaluation.sides import EXTRACTED, Batch, Side
from compare_gan_tf.metrics.ms_ssim import MsSsim

SHAPE, FEATURES, REALS = (16, 16, 3), 512, 5_000


class Noise(Side):
    """Images of noise, as many as are asked for."""

    name = where = "noise"
    available = None
    offers = EXTRACTED | {"images"}
    sample_shape = SHAPE
    is_images = True

    def batches(self, number, size, seed):
        rng = np.random.default_rng(seed)
        for start in range(0, number, size):
            count = min(size, number - start)
            yield Batch(rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8), None)


def features(images):
    """The first of the pixels."""
    return images.reshape(len(images), -1)[:, :FEATURES].astype(np.float32)


def main():
    sides = Noise(), Noise()
    metrics = ["fid", MsSsim(pairs=50)]
    found = pairs.evaluate(
        *sides, metrics=metrics, extractor=features, num_real=REALS, num_samples=int(sys.argv[1])
    )
    assert found["fid"] >= 0 and found["ms_ssim"] >= 0
    print(high_water.mebibytes())


if __name__ == "__main__":
    main()
