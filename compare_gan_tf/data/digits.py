"""The 1,797 handwritten digits of 8x8 pixels that ship inside scikit-learn.

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998): the test part.
"""

import importlib.util
import os

import numpy as np

NUM_CLASSES = 10
SIZES = {"train": 1197, "validation": 300, "test": 300}
_LEVELS = 16  # pixels are counts in 0..16


def splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns {split: (uint8 [N, 8, 8, 1], int32 [N])}.

    The source orders the digits by writer, so a fixed permutation makes the splits alike.
    """
    counts, labels = _read()
    images = np.floor(counts * (255 / _LEVELS) + 0.5).astype(np.uint8).reshape(-1, 8, 8, 1)
    order = np.random.RandomState(0).permutation(len(images))
    bounds = np.cumsum(list(SIZES.values()))[:-1]
    parts = np.split(order, bounds)
    return {
        name: (images[part], labels[part].astype(np.int32))
        for name, part in zip(SIZES, parts, strict=True)
    }


def _read() -> tuple[np.ndarray, np.ndarray]:
    """(counts float64 [1797, 64], labels [1797]): the file alone, for `import sklearn` is slow."""
    (package,) = importlib.util.find_spec("sklearn").submodule_search_locations
    path = os.path.join(package, "datasets", "data", "digits.csv.gz")
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1], table[:, -1]
