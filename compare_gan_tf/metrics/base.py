"""What every metric shares: what it may look at, what it returns, and why it may have no score.

Numpy only. Rows of features and images lie in a temporary file as soon as they are many, so that
memory does not grow with the number of samples.
"""

import dataclasses
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from compare_gan_tf.settings.signatures import Number, check_fields

MEMORY = 32 << 20  # bytes of one side's rows that are kept out of the file
CHUNK = 1024
TwoOrMore = Annotated[int, Number(least=2, whole=True)]
ThreeOrMore = Annotated[int, Number(least=3, whole=True)]


class UndefinedScore(ValueError):
    """The samples have no such score; the message is the reason a row of scores records."""


class Rows:
    """Rows [n, ...] of one dtype that arrive in batches and are read in chunks.

    The first `MEMORY` bytes stay in memory; what comes after goes to a file without a name, which
    is gone with the object, or with the process however it ends.

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collected:
    """What a metric may look at of one side, the real samples or the fakes; None: not there.

    Attributes:
      features: float32 [n, d].
      logits: float32 [n, K], of the extractor's last layer, with its bias.
      logit_bias: [K], the bias of that layer.
      images: uint8 [n, H, W, C] at the size of the data.
      labels: int32 [n].
      statistics: a GaussianStatistics, imported or cached, in place of the features.
      generate: (z [n, d] float32, labels int32 [n] or None) -> float32 images [n, H, W, C] in
        [-1, 1], a differentiable TensorFlow function.
      latents: (n, seed) -> z float32 [n, d].
      discriminate: of the fakes, (uint8 images [n, H, W, C], labels int32 [n] or None) -> D's
        logits [n].
      kernels: of D, {name: array [..., out]}, rank 2 or more.
      held_out: of the real side, what is collected of real samples that no model was trained on.
    """

    features: Rows | None = None
    logits: Rows | None = None
    logit_bias: np.ndarray | None = None
    images: Rows | None = None
    labels: Rows | None = None
    statistics: Any = None
    generate: Callable | None = None
    latents: Callable | None = None
    held_out: "Collected | None" = None
    discriminate: Callable | None = None
    kernels: dict[str, np.ndarray] | None = None


class Score(NamedTuple):
    """A score and its interval of 95 % confidence, if it has one."""

    value: float
    interval: tuple[float, float] | None = None


class Metric:
    """Compares fakes with real samples.

    A metric is a frozen dataclass whose fields are its settings; they go into the protocol. Their
    types say what they may be.

    Attributes:
      name: of the metric, as `--metrics` has it.
      needs: {"real": names of fields of Collected, "fake": likewise}.
      takes_statistics: whether `statistics` of a side will do in place of its features.
      wants: fields that it also looks at, in the form of `needs`, where a side has them.
      scores: {name of a score it returns: whether higher is better; None: neither}.
      even_labels: whether fakes are to have all labels alike, whatever the reals have: where it
        looks at each class for itself.
      covariances: whether it takes covariances of features, singular of no more samples.
      of_training: whether the real side is meant to be what models were trained on.
      enough: {"real" or "fake": samples below which scores mislead, see docs/evaluation.md}.
    """

    name: ClassVar[str]
    needs: ClassVar[dict[str, tuple[str, ...]]]
    takes_statistics: ClassVar[bool] = False
    wants: ClassVar[dict[str, tuple[str, ...]]] = {}
    scores: ClassVar[dict[str, bool | None]]
    even_labels: ClassVar[bool] = False
    covariances: ClassVar[bool] = False
    of_training: ClassVar[bool] = False
    enough: ClassVar[dict[str, int]] = {}

    def __post_init__(self):
        check_fields(self)

    def numbers(self, real: Collected, fake: Collected) -> dict[str, tuple[int | None, int]]:
        """{"real" and "fake": (samples, how many are enough)}; None where that is not known."""
        sides = {"real": real, "fake": fake}
        return {name: (count(side), self.enough.get(name, 0)) for name, side in sides.items()}

    def __call__(self, real: Collected, fake: Collected) -> dict[str, Score]:
        """One Score for each name of `scores`.

        Raises:
          UndefinedScore: the samples have no such scores.
        """
        raise NotImplementedError


def count(side: Collected) -> int | None:
    """Samples of a side; None where it has none, or statistics do not tell of how many they are."""
    kept = (len(rows) for rows in (side.features, side.logits, side.images) if rows is not None)
    return next(kept, None if side.statistics is None else side.statistics.count)


def check_rows(rows: Rows, *, least: int, what: str) -> None:
    """Raises an UndefinedScore unless there are enough rows, all finite.

    Args:
      rows: [n, ...].
      least: how many there must be.
      what: what they are, for the message: "features of the real samples".
    """
    if len(rows) < least:
        raise UndefinedScore(f"there are {len(rows)} {what}, at least {least} are needed")
    bad = 0
    for chunk in rows.chunks():
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        bad += int(np.count_nonzero(~finite))
    if bad:
        raise UndefinedScore(f"{bad} of {len(rows)} {what} are not finite")


def check_features(real: Collected, fake: Collected, *, least: int) -> None:
    """Raises an UndefinedScore unless both sides have `least` features, finite and of one kind."""
    check_rows(real.features, least=least, what="features of the real samples")
    check_rows(fake.features, least=least, what="features of the fakes")
    one, other = real.features.shape[1:], fake.features.shape[1:]
    if one != other:
        raise UndefinedScore(
            f"real samples have features of shape {one}, fakes of {other}: they must come from the"
            " same extractor"
        )
