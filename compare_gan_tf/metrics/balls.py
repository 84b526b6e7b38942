"""Balls that reach to the k-th nearest neighbour, of all samples and without each block of them.

The blocks are those of `intervals`. Numpy only.
"""

from collections.abc import Iterator

import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.nearest import Neighbours, Pairs, Points


def kept(count: int) -> np.ndarray:
    """Bool [B + 1, count]: which samples are there without each block, and last all."""
    blocks = intervals.block_of(np.arange(count))
    return np.arange(intervals.BLOCKS + 1)[:, None] != blocks


def radii(found: Neighbours, k: int) -> np.ndarray:
    """Float32 [B, n]: squared distances to the k-th neighbour outside each block.

    Those are looked for among the nearest that are known, the last of which stands in for one
    that is not among them.
    """
    blocks = intervals.block_of(found.near_index)
    found_radii = np.empty((intervals.BLOCKS, len(found.near)), np.float32)
    for block, row in enumerate(found_radii):
        place = np.argmax(np.cumsum(blocks != block, axis=1) >= k, axis=1)
        missing = np.count_nonzero(blocks != block, axis=1) < k
        place[missing] = found.near.shape[1] - 1
        row[:] = np.take_along_axis(found.near, place[:, None], axis=1)[:, 0]
    return np.maximum(found_radii, 0.0)  # as found, that of a copy may be below


def reach(points: Points, others: Points, squared_radii: np.ndarray) -> np.ndarray:
    """Float32 [n]: what no squared distance is above, as found, if it is within any radius."""
    error = points.error(points.norms, others.norms.max())
    return (squared_radii.max(axis=0) + 2.0 * error).astype(np.float32)


def without_blocks(
    pairs: Pairs, inside: np.ndarray, squared_radii: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """(which block is left out, bool [p]: pairs that are within a ball then), and last all."""
    real_blocks, fake_blocks = intervals.block_of(pairs.i), intervals.block_of(pairs.j)
    for block in range(intervals.BLOCKS):
        others = (real_blocks != block) & (fake_blocks != block)
        yield block, others & (pairs.squared <= squared_radii[block])
    yield intervals.BLOCKS, inside
