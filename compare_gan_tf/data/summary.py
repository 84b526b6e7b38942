"""What a data set holds, in numbers and in a picture."""

import dataclasses
import time

import numpy as np

from compare_gan_tf.data import pipeline
from compare_gan_tf.data.images import encode_png, image_grid
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.split import Dataset, Split

_SAMPLES = 2_000  # of a split that its range and mean are taken over
_BATCH = 64
_SEED = 20140610
_HIGH = 64  # pixels that an image of the grid should have at least


@dataclasses.dataclass(frozen=True)
class SplitSummary:
    """One split in numbers.

    Attributes:
      number: of samples.
      looked_at: how many of them, spread evenly, the values below are of.
      low, high: least and largest value.
      mean: of each channel or coordinate, of images in [0, 1].
      classes: int [num_classes], samples of each class; None without labels, or if they are soft.
      unlabelled: samples whose label is -1.
    """

    number: int
    looked_at: int
    low: float
    high: float
    mean: np.ndarray
    classes: np.ndarray | None
    unlabelled: int


def of_split(dataset: Dataset, split: Split, most: int = _SAMPLES) -> SplitSummary:
    """Summarises a split; see `SplitSummary`."""
    chosen = np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).astype(np.int64))
    values = split.images[chosen]
    scale = 255 if dataset.is_images else 1
    classes, unlabelled = None, 0
    if split.labels is not None and split.labels.ndim == 1:
        known = split.labels[split.labels >= 0]
        classes = np.bincount(known, minlength=dataset.num_classes or 0)
        unlabelled = len(split) - len(known)
    return SplitSummary(
        number=len(split),
        looked_at=len(chosen),
        low=float(values.min()),
        high=float(values.max()),
        mean=values.mean(axis=tuple(range(values.ndim - 1))) / scale,
        classes=classes,
        unlabelled=unlabelled,
    )


def kept(split: Split) -> str:
    """Where training reads the samples from."""
    if not isinstance(split.images, LazyImages):
        return "held in memory"
    if split.augmentation.crops:
        return "decoded anew each time, for random crops"
    if split.images.keep:
        return "decoded once and held in memory"
    if split.images.stored is not None:
        return f"decoded once, then read from {split.images.stored.path}"
    return "decoded anew each time"


def rate(split: Split, seconds: float = 2.0) -> float:
    """Samples a second that training would get, measured over about `seconds`."""
    steps = 10**6
    batches = pipeline.batches(
        split, key=_SEED, batch_size=_BATCH, slices=1, start=0, stop=steps
    ).as_numpy_iterator()
    next(batches)  # decodes what is held in memory
    start, number = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        next(batches)
        number += _BATCH
    return number / (time.perf_counter() - start)


def grid_png(dataset: Dataset, rows: int = 8, columns: int = 8) -> bytes:
    """PNG of training images as a GAN sees them, flips and crops included; a fixed choice."""
    split = dataset.splits["train"]
    (batch,) = pipeline.batches(
        split, key=_SEED, batch_size=rows * columns, slices=1, start=0, stop=1
    ).as_numpy_iterator()
    images = (batch if split.labels is None else batch[0])[:, 0]
    return encode_png(image_grid(images, columns=columns, scale=max(1, _HIGH // images.shape[1])))
