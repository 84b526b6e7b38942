"""Stand-ins for public data sets, to build networks on machines without the data."""

import contextlib
import contextvars
import math
from collections.abc import Iterator

import numpy as np

from compare_gan_tf.data.split import Dataset, Split

_MOST_BYTES = 2**27  # of the images of a stand-in
_samples = contextvars.ContextVar("samples of a stand-in that is wanted", default=0)


@contextlib.contextmanager
def outlines(samples: int = 10) -> Iterator[None]:
    """Within it, `load` gives public sets of the right shape and classes, with noise as images.

    Args:
      samples: of each split; fewer where they would take more than 128 MiB.
    """
    token = _samples.set(samples)
    try:
        yield
    finally:
        _samples.reset(token)


def are_wanted() -> bool:
    """Whether `outlines` is around this call."""
    return _samples.get() > 0


def outline(name: str, shape: tuple[int, int, int], num_classes: int | None) -> Dataset:
    """The stand-in of a set.

    Args:
      name: of the set.
      shape: (H, W, C).
      num_classes: of its labels, or None.
    """
    number = max(1, min(_samples.get(), _MOST_BYTES // math.prod(shape)))
    images = np.random.default_rng(0).integers(256, size=(number, *shape), dtype=np.uint8)
    labels = None
    if num_classes is not None:
        labels = (np.arange(number) % num_classes).astype(np.int32)
    splits = {split: Split(images, labels) for split in ("train", "validation", "test")}
    return Dataset(name, splits, num_classes)
