"""What a data set is, and the table of those we know."""

import dataclasses
import difflib
from collections.abc import Callable

import gin
import numpy as np

from compare_gan_tf.data import digits, toy
from compare_gan_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Split:
    """One split, in memory and in a fixed order, so that a sample is named by its index.

    Attributes:
      images: uint8 [N, H, W, C], or float32 points [N, D] for the toy sets.
      labels: int32 [N] in [0, num_classes), or None.
    """

    images: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.images)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Named splits of one kind of sample.

    Attributes:
      name: the name `load` knows it by.
      splits: "train" and "test"; "validation" selects checkpoints, "test" is only reported.
      num_classes: number of labels, or None.
      density: for the toy sets, the exact density they are drawn from.
    """

    name: str
    splits: dict[str, Split]
    num_classes: int | None = None
    density: toy.Density | None = None

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(H, W, C) of an image or (D,) of a point."""
        return self.splits["train"].images.shape[1:]

    @property
    def is_images(self) -> bool:
        return self.splits["train"].images.dtype == np.uint8


def _digits() -> Dataset:
    splits = {name: Split(*arrays) for name, arrays in digits.splits().items()}
    return Dataset("digits", splits, num_classes=digits.NUM_CLASSES)


def _toy(name: str, density: toy.Density) -> Dataset:
    splits = {
        split: Split(*density.sample(size, np.random.default_rng([seed, 20140610])))
        for seed, (split, size) in enumerate(toy.SIZES.items())
    }
    return Dataset(name, splits, num_classes=density.num_modes, density=density)


_DATASETS: dict[str, Callable[[], Dataset]] = {
    "digits": _digits,
    "gaussian_ring": lambda: _toy("gaussian_ring", toy.gaussian_ring()),
    "gaussian_grid": lambda: _toy("gaussian_grid", toy.gaussian_grid()),
    "gaussian_mixture": lambda: _toy("gaussian_mixture", toy.gaussian_mixture()),
    "swiss_roll": lambda: _toy("swiss_roll", toy.swiss_roll()),
}


def names() -> list[str]:
    """The names `load` accepts."""
    return sorted(_DATASETS)


@gin.configurable(module="data")
def load(name: str = "digits") -> Dataset:
    """Loads a data set by name.

    Raises:
      UserError: no data set has that name; the message lists the nearest ones.
    """
    if name not in _DATASETS:
        nearest = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.4) or names()
        raise UserError(
            f"unknown data set {name!r}: the nearest names are {', '.join(nearest)} "
            "(set data.load.name)"
        )
    return _DATASETS[name]()
