"""Samples of each kind, and a way to write them."""

import numpy as np

from compare_gan_tf import sampling


def images(shape=(64, 64, 1), **settings):
    """A source whose images have one grey level, that of their number and label."""

    def make(number, seed, truncation, labels):
        level = np.arange(number) + 64 * seed[0]
        level = level if labels is None else 100 * np.asarray(labels) + level // 3
        return np.broadcast_to(level.astype(np.uint8)[:, None, None, None], (number, *shape))

    return sampling.Source("the test", make, shape, "images", **settings)


def points(dim=2):
    def make(number, seed, truncation, labels):
        return np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)

    return sampling.Source("the test", make, (dim,), "points")


def text(vocabulary=("a", "b", "é", " ")):
    def make(number, seed, truncation, labels):
        return np.random.default_rng(seed).integers(0, 4, (number, 5)).astype(np.int32)

    return sampling.Source("the test", make, (5,), "text", vocabulary=vocabulary)


def write(source, output, number=10, classes=None, **options):
    format_ = sampling.format_of(str(output), options.pop("format_", None))
    wanted = sampling.wanted(source, number, classes=classes)
    return sampling.write(source, wanted, str(output), format_, **options)
