"""Images that are not in memory: references of a few bytes each, decoded when asked for."""

import concurrent.futures
import dataclasses
import functools
import os

import numpy as np

from compare_gan_tf.data.decode import BrokenImage, Decoder
from compare_gan_tf.data.naming import printable
from compare_gan_tf.errors import UserError, as_user_error

_CHUNK = 8  # images that a thread decodes before it looks for more


def workers() -> int:
    """Threads that decode: as many as the process has CPUs."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@functools.cache
def pool() -> concurrent.futures.ThreadPoolExecutor:
    """The threads that decode, shared by all sets; PIL holds no lock while it decodes."""
    return concurrent.futures.ThreadPoolExecutor(workers(), thread_name_prefix="decode")


def decoded(records, decoder: Decoder, chosen: np.ndarray, draws=None) -> np.ndarray:
    """uint8 [n, H, W, C] of the records `chosen` int [n], decoded in parallel.

    Args:
      records: see `records`.
      decoder: makes samples of one shape.
      chosen: of the records.
      draws: float [n, 3] for random crops, or None for the rule's own.

    Raises:
      UserError: one of them cannot be read; names it.
    """
    images = np.empty((len(chosen), *decoder.sample_shape), np.uint8)
    fill = functools.partial(_fill, images, records, decoder, chosen, draws)
    list(pool().map(fill, range(0, len(chosen), _CHUNK)))
    return images


def _fill(images, records, decoder, chosen, draws, start: int) -> None:
    for row in range(start, min(start + _CHUNK, len(chosen))):
        record = int(chosen[row])
        what = f"cannot read the image {printable(records.name(record))}"
        with as_user_error(what, ValueError, OSError, cure="repair or remove it"):
            pixels = decoder(records.read(record), None if draws is None else draws[row])
            if pixels.shape != images.shape[1:]:
                raise BrokenImage(f"its shape is {pixels.shape}, not {images.shape[1:]}")
        images[row] = pixels


@dataclasses.dataclass(frozen=True)
class Contents:
    """What tells the contents of N records apart without reading them again.

    Attributes:
      length: int64 [N], bytes.
      crc: uint32 [N], CRC-32.
    """

    length: np.ndarray
    crc: np.ndarray


class LazyImages:
    """Indexed like an array uint8 [N, H, W, C] along its first axis.

    Each access decodes, unless all is kept decoded, in memory or on a disk.

    Args:
      records: see `records`.
      decoder: makes samples of one shape.
      chosen: int64 [N], which of the records these are; None for all, in order.
      keep: whether `in_memory` may hold all of them decoded.
      stored: rows on a disk that these are among, see `DecodedImages`; None for none.
      view: a function uint8 [n, H, W, C] -> the same shape, applied to what is decoded, or None.
      contents: of all records, or None where they were never read whole.
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        records,
        decoder: Decoder,
        chosen=None,
        *,
        keep: bool = False,
        stored=None,
        view=None,
        contents: Contents | None = None,
    ):
        self.records = records
        self.decoder = decoder
        self.chosen = np.arange(len(records)) if chosen is None else np.asarray(chosen, np.int64)
        self.keep = keep
        self.stored = stored
        self.view = view
        self.contents = contents
        self.failure: UserError | None = None  # what ended a read in another thread
        self._decoded = None

    def __len__(self):
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""
        return (len(self), *self.decoder.sample_shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all of them would take decoded."""
        return int(np.prod(self.shape, dtype=np.int64))

    def name(self, index: int) -> str:
        """What its file or record is called."""
        return self.records.name(int(self.chosen[index]))

    def subset(self, indices) -> "LazyImages":
        """Those at `indices`, in that order."""
        return self._replaced(chosen=self.chosen[indices])

    def with_view(self, view) -> "LazyImages":
        """The same through one more view."""
        before = self.view
        return self._replaced(view=view if before is None else lambda x: view(before(x)))

    def with_keep(self, keep: bool) -> "LazyImages":
        """The same, decoded once and for all or at each access."""
        return self._replaced(keep=keep)

    def with_stored(self, stored) -> "LazyImages":
        """The same, read from a file of decoded images."""
        return self._replaced(stored=stored)

    def _replaced(self, **changes) -> "LazyImages":
        kept = ("chosen", "keep", "stored", "view", "contents")
        settings = {name: getattr(self, name) for name in kept}
        settings |= changes
        return LazyImages(self.records, self.decoder, settings.pop("chosen"), **settings)

    def __getitem__(self, index):
        indices = np.arange(len(self))[index]
        images = self.read(np.atleast_1d(indices))
        return images if np.ndim(indices) else images[0]

    def read(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        """uint8 [n, H, W, C] of those at `indices` int [n].

        Args:
          indices: of the images.
          draws: float [n, 3] for random crops, or None for the rule's own.

        Raises:
          UserError: one of them cannot be read; names it.
        """
        if self._decoded is not None and draws is None:
            return self._decoded[indices]
        chosen, images = self.chosen[indices], None
        try:
            if self.stored is not None and draws is None:
                images = self.stored.read(chosen)
            if images is None:
                images = decoded(self.records, self.decoder, chosen, draws)
        except UserError as error:
            self.failure = error
            raise
        return images if self.view is None else self.view(images)

    def prepare(self) -> None:
        """Makes all quick to read that will be kept, in memory or on a disk: it decodes all.

        Raises:
          UserError: an image cannot be read, or there is no room on the disk.
        """
        if self.in_memory() is None and self.stored is not None:
            self.stored.make()

    def in_memory(self) -> np.ndarray | None:
        """All of them decoded, uint8 [N, H, W, C], once; None if `keep` is False."""
        if self.keep and self._decoded is None:
            self._decoded = self.read(np.arange(len(self)))
        return self._decoded

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype)
