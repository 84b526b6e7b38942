"""Patches at every scale of a Laplacian pyramid, for the sliced Wasserstein distance.

Burt and Adelson, The Laplacian pyramid as a compact image code, 1983; the patches are those of
Karras et al., Progressive growing of GANs, 2018, section 5. Numpy only.
"""

import numpy as np

PATCH = 7  # pixels
COARSEST = 16  # pixels, the smallest side of the coarsest level
_KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16


def _blur(images: np.ndarray) -> np.ndarray:
    """The binomial filter of 5x5 pixels on [n, H, W, C], mirrored at the border's pixels."""
    for axis in (1, 2):
        padding = [(2, 2) if a == axis else (0, 0) for a in range(4)]
        padded = np.moveaxis(np.pad(images, padding, mode="reflect"), axis, 0)
        size = len(padded) - 4
        blurred = sum(weight * padded[i : i + size] for i, weight in enumerate(_KERNEL))
        images = np.moveaxis(blurred, 0, axis)
    return images


def _double(images: np.ndarray) -> np.ndarray:
    n, h, w, c = images.shape
    spread = np.zeros((n, 2 * h, 2 * w, c), images.dtype)
    spread[:, ::2, ::2] = 4 * images
    return _blur(spread)


def laplacian_pyramid(images: np.ndarray) -> list[np.ndarray]:
    """Images [n, H, W, C] -> the details that each halving loses, finest first, and the rest.

    Sides are halved while they are even and their half has at least 16 pixels.
    """
    levels, current = [], images.astype(np.float32)
    while all(side % 2 == 0 and side // 2 >= COARSEST for side in current.shape[1:3]):
        smaller = _blur(current)[:, ::2, ::2]
        levels.append(current - _double(smaller))
        current = smaller
    return [*levels, current]


def patches(images: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Patches at random places, float32 [n * number, 7, 7, C]; those of an image are adjacent."""
    n, h, w, _ = images.shape
    corner = rng.random((n, number, 2)) * [h - PATCH + 1, w - PATCH + 1]
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    top, left = corner.astype(np.int64).transpose(2, 0, 1)
    found = windows[np.arange(n)[:, None], top, left]  # [n, number, C, 7, 7]
    return np.moveaxis(found, 2, -1).reshape(n * number, PATCH, PATCH, -1)
