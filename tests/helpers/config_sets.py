"""Random data in the place of public sets."""

import numpy as np

from compare_gan_tf.data import Dataset, Split, lsun

BATCH = 4


def _random_set(name: str, shape, num_classes, splits) -> Dataset:
    rng = np.random.default_rng(0)

    def split() -> Split:
        images = rng.integers(0, 256, [2 * BATCH, *shape]).astype(np.uint8)
        labels = rng.integers(0, num_classes, 2 * BATCH).astype(np.int32) if num_classes else None
        return Split(images, labels)

    return Dataset(name, {one: split() for one in splits}, num_classes)


def _splits(settings) -> tuple[str, ...]:
    return ("train", "validation", "test") if settings.hold_out else ("train", "test")


def public_set(name, spec, settings) -> Dataset:
    """In the place of `tfds_reader.load`."""
    assert settings.hold_out or spec.all_train != spec.train, "there is nothing to give back"
    size = settings.image_size or spec.size
    shape = (size, size, settings.channels or spec.channels)
    return _random_set(name, shape, spec.num_classes, _splits(settings))


def lsun_set(name, settings) -> Dataset:
    """In the place of `lsun.load`."""
    size = settings.image_size or lsun.SCENES[name][1]
    return _random_set(name, (size, size, 3), None, _splits(settings))
