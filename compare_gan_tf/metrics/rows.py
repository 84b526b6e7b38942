"""Rows of features or images; many rows go to a temporary file, so that memory does not grow."""

import tempfile
import weakref
from collections.abc import Iterator

import numpy as np

MEMORY = 32 << 20  # bytes of one side's rows that are kept out of the file
CHUNK = 1024


def subset(total: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """`number` of the indices 0, ..., total - 1, ascending, drawn without repetition."""
    return np.sort(rng.permutation(total)[:number])


def of_length_1(rows: np.ndarray) -> np.ndarray:
    """Rows [n, d] over their Euclidean lengths, float64; rows of zeros as they are."""
    rows = np.asarray(rows, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0.0, lengths, 1.0)


class Rows:
    """Rows [n, ...] of one dtype that arrive in batches and are read in chunks.

    The first `MEMORY` bytes stay in memory; the rest goes to an unnamed file, which disappears with
    the object or at the end of the process.

    Attributes:
      dtype: of the first batch, None before it.
    """

    def __init__(self, folder=None):
        """Takes a local path of the folder to spill to; None: the system's temporary folder."""
        self._folder = folder
        self._file = None
        self._in_memory = []  # batches, of equal row shape
        self._bytes = 0  # in memory
        self._before_file = 0  # rows in memory once there is a file
        self._row_shape = None
        self._count = 0
        self.dtype = None

    @classmethod
    def of(cls, array) -> "Rows":
        """Wraps an array [n, ...] that is in memory, without a copy."""
        rows = cls()
        array = np.asarray(array)
        rows.dtype, rows._row_shape = array.dtype, array.shape[1:]
        rows._in_memory, rows._count = [array], len(array)
        return rows

    def append(self, rows: np.ndarray) -> None:
        """Adds rows [m, ...], m >= 0.

        Raises:
          ValueError: their dtype or shape is not that of the first ones.
        """
        rows = np.ascontiguousarray(rows)
        if self.dtype is None:
            self.dtype, self._row_shape = rows.dtype, rows.shape[1:]
        if rows.dtype != self.dtype or rows.shape[1:] != self._row_shape:
            raise ValueError(
                f"rows of {rows.dtype} {rows.shape[1:]} do not fit to those of {self.dtype} "
                f"{self._row_shape}"
            )
        if self._file is None and self._bytes + rows.nbytes > MEMORY:
            self._file = tempfile.TemporaryFile(dir=self._folder)
            weakref.finalize(self, self._file.close)
            self._before_file = self._count
        if self._file is None:
            self._in_memory.append(rows.copy())
            self._bytes += rows.nbytes
        elif rows.size:
            self._file.seek(0, 2)
            self._file.write(rows.data)
        self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, ...]:
        """[n, ...]; [0] before the first batch."""
        return (self._count, *(self._row_shape or ()))

    def chunks(self, size: int = CHUNK) -> Iterator[np.ndarray]:
        """Consecutive rows [<= size, ...]; all but the last have `size` of them."""
        for start in range(0, self._count, size):
            yield self.between(start, start + size)

    def between(self, start: int, stop: int) -> np.ndarray:
        """Rows start, ..., stop - 1, as far as there are so many."""
        stop = min(stop, self._count)
        self._join()
        edge = self._before_file if self._file is not None else self._count
        parts = [self._in_memory[0][start : min(stop, edge)]] if start < edge else []
        if stop > edge:
            parts.append(self._from_file(max(start, edge) - edge, stop - edge))
        return parts[0] if len(parts) == 1 else np.concatenate(parts or [self._empty()])

    def take(self, indices) -> np.ndarray:
        """Rows of these indices [m] >= 0, in their order."""
        indices = np.asarray(indices, np.int64)
        if self._file is None:
            self._join()
            return self._in_memory[0][indices]
        found = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if not len(indices):
            return found
        order = np.argsort(indices, kind="stable")
        gaps = np.flatnonzero(np.diff(indices[order]) > 1) + 1
        for places in np.split(order, gaps):  # runs of neighbours, each read at once
            first = indices[places[0]]
            found[places] = self.between(first, indices[places[-1]] + 1)[indices[places] - first]
        return found

    def picked(self, indices) -> "Rows":
        """Rows of these indices [m] as Rows of their own, copied in chunks."""
        found = Rows(self._folder)
        for start in range(0, max(len(indices), 1), CHUNK):
            found.append(self.take(indices[start : start + CHUNK]))
        return found

    def read(self) -> np.ndarray:
        """All rows [n, ...]."""
        return self.between(0, self._count)

    def _empty(self) -> np.ndarray:
        return np.empty((0, *(self._row_shape or ())), self.dtype)

    def _join(self) -> None:
        """Makes one array of the batches in memory."""
        if len(self._in_memory) != 1:
            self._in_memory = [np.concatenate(self._in_memory or [self._empty()])]

    def _from_file(self, start: int, stop: int) -> np.ndarray:
        found = np.empty((stop - start, *self._row_shape), self.dtype)
        if found.size:
            self._file.seek(start * (found.nbytes // len(found)))
            self._file.readinto(found.data.cast("B"))
        return found

    def close(self) -> None:
        """Removes the file and forgets the rows."""
        if self._file is not None:
            self._file.close()
        self._file, self._in_memory, self._count, self._bytes = None, [], 0, 0

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *error) -> None:
        self.close()
