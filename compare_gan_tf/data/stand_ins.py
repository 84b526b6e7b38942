"""Stand-ins for public data sets, to build networks on machines without the data."""

import contextlib
import contextvars
from collections.abc import Iterator

import numpy as np

from compare_gan_tf.data.split import Dataset, Split

_SAMPLES = 10
_wanted = contextvars.ContextVar("outlines are wanted", default=False)


@contextlib.contextmanager
def outlines() -> Iterator[None]:
    """Within it, `load` gives public sets of the right shape and classes, with noise as images."""
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


def are_wanted() -> bool:
    """Whether `outlines` is around this call."""
    return _wanted.get()


def outline(name: str, shape: tuple[int, int, int], num_classes: int | None) -> Dataset:
    """The stand-in of a set.

    Args:
      name: of the set.
      shape: (H, W, C).
      num_classes: of its labels, or None.
    """
    images = np.random.default_rng(0).integers(256, size=(_SAMPLES, *shape), dtype=np.uint8)
    labels = None
    if num_classes is not None:
        labels = (np.arange(_SAMPLES) % num_classes).astype(np.int32)
    splits = {split: Split(images, labels) for split in ("train", "validation", "test")}
    return Dataset(name, splits, num_classes)
