"""Nearest neighbours among many points, and which pairs of points are closer than given radii.

Distances are squared. They come by matrix products in float32, tile by tile, with a bound on their
error: for points x and y of d coordinates about their common centre it is

    |found - squared distance| <= (d + 16) 2^-24 (|x|^2 + |y|^2)

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). The few undecided cases
are computed in float64 from the differences of the points. So all decisions are those of float64,
equal distances compare as equal, results do not depend on the sizes of the tiles, and memory does
not grow with the number of pairs.

Numpy only.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from compare_gan_tf.metrics.rows import CHUNK, Rows

_PAIRS = 1024  # pairs whose differences are in memory at once


class Points:
    """Rows in coordinates that all sides share: (row - centre) / scale.

    Attributes:
      rows: [n, d].
      centre: [d].
      scale: a power of 2, so that the largest coordinate is near 1.
      norms: squared norms in these coordinates, float64 [n].
    """

    def __init__(self, rows: Rows, centre: np.ndarray, scale: float):
        self.rows = rows
        self.centre = centre
        self.scale = scale
        norms = [np.einsum("nd,nd->n", c, c, dtype=np.float64) for _, c in self.chunks()]
        self.norms = np.concatenate(norms)
        self._relative_error = (rows.shape[1] + 16) * 2.0**-24

    def __len__(self) -> int:
        return len(self.rows)

    def chunks(self, start: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
        """(slice of the rows, float32 [<= CHUNK, d]) from row `start` on."""
        for first in range(start, len(self), CHUNK):
            last = min(first + CHUNK, len(self))
            chunk = (self.rows.between(first, last) - self.centre) / self.scale
            yield slice(first, last), chunk.astype(np.float32, copy=False)

    def error(self, norms: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The bound on the error of squared distances between points of these squared norms."""
        return self._relative_error * (norms + other)


def share_space(*sides: Rows) -> list[Points]:
    """The points of all sides, with the mean of the first side, which is not empty, as centre."""
    total = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in sides[0].chunks())
    centre = (total / len(sides[0])).astype(sides[0].dtype)
    largest = max(
        float(np.abs(chunk - centre).max(initial=0.0)) for side in sides for chunk in side.chunks()
    )
    scale = 2.0 ** np.ceil(np.log2(largest)) if largest else 1.0
    scale = np.asarray(scale, centre.dtype)[()]
    shared = {id(side): Points(side, centre, scale) for side in sides}
    return [shared[id(side)] for side in sides]


def tiles(first: Points, second: Points) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """(rows of first, rows of second, float32 squared distances [a, b]) of all pairs.

    If both are the same points, only tiles on and above the diagonal come, and the distance of a
    point to itself is infinite.
    """
    same = first is second
    for rows, x in first.chunks():
        for columns, y in second.chunks(rows.start if same else 0):
            is_diagonal = same and rows == columns
            found = x @ (x if is_diagonal else y).T
            found *= -2.0
            found += first.norms[rows, None].astype(np.float32)
            found += second.norms[None, columns].astype(np.float32)
            if is_diagonal:
                np.fill_diagonal(found, np.inf)
            yield rows, columns, found


def squared_distances(first: Points, i: np.ndarray, second: Points, j: np.ndarray) -> np.ndarray:
    """Float64 [p] between first[i] and second[j], by their differences."""
    found = np.empty(len(i))
    for start in range(0, len(i), _PAIRS):
        part = slice(start, start + _PAIRS)
        difference = first.rows.take(i[part]).astype(np.float64)
        difference -= second.rows.take(j[part])
        difference /= first.scale
        found[part] = np.einsum("nd,nd->n", difference, difference)
    return found


class Neighbours(NamedTuple):
    """The k-th nearest point of each query, and its m nearest points.

    Attributes:
      squared: squared distances of the k-th nearest points, float64 [n].
      index: their indices, int64 [n]; one of several at the same distance.
      near: approximate squared distances of the m nearest points, ascending, float32 [n, m].
      near_index: their indices, int64 [n, m].
    """

    squared: np.ndarray
    index: np.ndarray
    near: np.ndarray
    near_index: np.ndarray


def neighbours(queries: Points, points: Points, k: int) -> Neighbours:
    """The k-th nearest of `points` to each query; a query itself does not count.

    Args:
      queries: n of them.
      points: more than k.
      k: 1 for the nearest.
    """
    others = len(points) - (queries is points)
    near, near_index = _candidates(queries, points, min(2 * k + 10, others))
    squared, index = np.empty(len(queries)), np.empty(len(queries), np.int64)
    for start in range(0, len(queries), CHUNK):
        part = slice(start, start + CHUNK)
        squared[part], index[part], is_open = _decide(
            queries, points, k, np.arange(len(queries))[part], near[part], near_index[part]
        )
        if near.shape[1] < others:
            for query in start + np.flatnonzero(is_open):
                squared[query], index[query] = _search(queries, points, query, k)
    return Neighbours(squared, index, near, near_index)


def _decide(queries: Points, points: Points, k: int, which, near, near_index) -> tuple:
    """The k-th nearest of the candidates [a, m] of the queries `which` [a].

    Returns (squared, index, is_open); a query is open if a point that is no candidate may be as
    near.
    """
    norms = queries.norms[which]
    error = points.error(norms[:, None], points.norms[near_index])
    lower, upper = near - error, near + error
    least = np.partition(lower, k - 1, axis=1)[:, k - 1]
    most = np.partition(upper, k - 1, axis=1)[:, k - 1]
    below = upper < least[:, None]
    row, place = np.nonzero(~below & (lower <= most[:, None]))
    exact = np.where(below, -np.inf, np.inf)
    exact[row, place] = squared_distances(queries, which[row], points, near_index[row, place])
    chosen = np.argsort(exact, axis=1, kind="stable")[:, k - 1, None]
    squared = np.take_along_axis(exact, chosen, axis=1)[:, 0]
    index = np.take_along_axis(near_index, chosen, axis=1)[:, 0]
    return squared, index, near[:, -1] - points.error(norms, points.norms.max()) <= most


def _candidates(queries: Points, points: Points, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` nearest points of each query in float32: ascending distances, and indices."""
    near = np.full((len(queries), count), np.inf, np.float32)
    near_index = np.zeros((len(queries), count), np.int64)

    def merge(rows: slice, columns: slice, found: np.ndarray) -> None:
        nearer, which = _padded(found, near[rows, -1:])
        all_near = np.concatenate([near[rows], nearer], axis=1)
        all_index = np.concatenate([near_index[rows], which + columns.start], axis=1)
        best = np.argpartition(all_near, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(all_near, best, axis=1)
        order = np.argsort(values, axis=1)
        near[rows] = np.take_along_axis(values, order, axis=1)
        best = np.take_along_axis(best, order, axis=1)
        near_index[rows] = np.take_along_axis(all_index, best, axis=1)

    for rows, columns, found in tiles(queries, points):
        merge(rows, columns, found)
        if queries is points and rows != columns:
            merge(columns, rows, found.T)
    return near, near_index


def _padded(found: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All entries of each row of [a, b] below its limit [a, 1], and their columns.

    Rows are filled up with inf, or with other entries.
    """
    is_below = found < limit
    if 4 * np.count_nonzero(is_below) > found.size:  # to pick entries would cost more
        return found, np.broadcast_to(np.arange(found.shape[1]), found.shape)
    row, column = np.nonzero(is_below)
    counts = np.bincount(row, minlength=len(found))
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    values = np.full((len(found), counts.max(initial=0)), np.inf, np.float32)
    columns = np.zeros(values.shape, np.int64)
    values[row, place], columns[row, place] = found[row, column], column
    return values, columns


def _search(queries: Points, points: Points, query: int, k: int) -> tuple[float, int]:
    """The k-th nearest to one query in float64, if the candidates do not decide it."""
    found = np.concatenate(
        [
            squared_distances(queries, np.full(last - first, query), points, np.arange(first, last))
            for first in range(0, len(points), CHUNK)
            for last in (min(first + CHUNK, len(points)),)
        ]
    )
    if queries is points:
        found[query] = np.inf
    index = int(np.argsort(found, kind="stable")[k - 1])
    return float(found[index]), index


class Pairs(NamedTuple):
    """The pairs of a query i and a point j in one tile that may be closer than a radius."""

    i: np.ndarray  # int64 [p]
    j: np.ndarray  # int64 [p]
    squared: np.ndarray  # float32 [p], as found


def pairs_within(found: np.ndarray, rows: slice, columns: slice, reach: np.ndarray) -> Pairs:
    """Pairs of a tile whose squared distance is at most `reach` [a, 1] or [1, b]."""
    i, j = np.nonzero(found <= reach)
    return Pairs(i + rows.start, j + columns.start, found[i, j])


def are_inside(
    first: Points, second: Points, pairs: Pairs, squared_radii: np.ndarray, strict: bool
) -> np.ndarray:
    """Bool [p]: whether each pair is closer than its radius, decided as in float64.

    Args:
      first: the points with index i.
      second: the points with index j.
      pairs: p of them.
      squared_radii: float64 [p].
      strict: whether a pair at exactly the radius is outside.
    """
    error = first.error(first.norms[pairs.i], second.norms[pairs.j])
    squared = pairs.squared.astype(np.float64)
    near = np.abs(squared - squared_radii) <= error
    squared[near] = squared_distances(first, pairs.i[near], second, pairs.j[near])
    return squared < squared_radii if strict else squared <= squared_radii
