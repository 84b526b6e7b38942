"""Decoded images of a set in one file of raw uint8, made once and then read row by row.

For sets that do not fit in memory: reading a row takes a few microseconds where decoding its file
takes hundreds. Rows are read by `pread` and not mapped, so that memory does not grow with the file.
"""

import contextlib
import errno
import fcntl
import math
import os
import re
import shutil
import threading
import weakref

import numpy as np
from absl import logging

from compare_gan_tf.data import lazy_images
from compare_gan_tf.data.cache import Cache, fingerprint
from compare_gan_tf.data.decode import Decoder
from compare_gan_tf.errors import UserError

_NAME = r"decoded-\d+x\d+x\d+-[0-9a-f]{32}\.uint8(\.partial)?"  # of files that make way
_BLOCK = 2**25  # bytes that are decoded and written at a time
_CHECKED = 16  # rows that are compared with their images whenever a file is opened
_CURES = (
    "make room, name another folder by data.load.cache_folder, or set data.load.disk_budget = 0,"
    " with which images are decoded anew each time"
)


class DecodedImages:
    """Rows of a file, each a decoded image; nothing is read or made before it is asked for.

    The file's name has a hash of the sources (their names, sizes and times of change), of the rows,
    and of what the decoder makes of some test images: whatever changes one of these, the version of
    Pillow for one, leads to another file.

    Args:
      cache: where it lies.
      records: see `records`.
      decoder: makes samples of one shape.
      chosen: int64 [N], sorted, which of the records are rows.
    """

    def __init__(self, cache: Cache, records, decoder: Decoder, chosen: np.ndarray):
        self._cache, self._records, self._decoder = cache, records, decoder
        self._chosen = chosen
        self._row_bytes = math.prod(decoder.sample_shape)
        self._lock = threading.Lock()
        self._path = None
        self._file = None
        self._looked = False

    @property
    def nbytes(self) -> int:
        """Size of the file."""
        return len(self._chosen) * self._row_bytes

    @property
    def path(self) -> str:
        """Of the file, whether it is there or not."""
        if self._path is None:
            key = fingerprint(
                self._records.fingerprint(), self._decoder.fingerprint(), self._chosen
            )
            shape = "x".join(map(str, self._decoder.sample_shape))
            self._path = self._cache.path(f"decoded-{shape}-{key}.uint8")
        return self._path

    def read(self, chosen: np.ndarray) -> np.ndarray | None:
        """uint8 [n, H, W, C] of records int64 [n]; None if the file is not there yet."""
        if not self._is_open():
            return None
        rows = np.searchsorted(self._chosen, chosen)
        images = np.empty((len(rows), self._row_bytes), np.uint8)
        for image, row in zip(images, rows.tolist(), strict=True):
            content = os.pread(self._file, self._row_bytes, row * self._row_bytes)
            if len(content) < self._row_bytes:
                raise UserError(f"{self.path} ends early: remove it, and it is made anew")
            image[:] = np.frombuffer(content, np.uint8)
        return images.reshape(-1, *self._decoder.sample_shape)

    def make(self) -> None:
        """Decodes all rows into the file, unless it is there; goes on where a killed run ended.

        Raises:
          UserError: there is no room, or no right to write; an image cannot be read.
        """
        if self._is_open():
            return
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with self._sole_maker():
                self._looked = False
                if not self._is_open():  # another process may have made it meanwhile
                    self._write()
                    self._looked = False
        except OSError as error:
            with contextlib.suppress(OSError):
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    os.remove(self._partial)
            raise UserError(
                f"cannot keep {_size(self.nbytes)} of decoded images in {self.path}:"
                f" {error.strerror}; {_CURES}"
            ) from error
        if not self._is_open():
            raise UserError(f"{self.path} was removed while it was made: start again")

    @property
    def _partial(self) -> str:
        return f"{self.path}.partial"

    def _is_open(self) -> bool:
        with self._lock:
            if not self._looked:
                self._looked = True
                self._file = self._opened()
            return self._file is not None

    def _opened(self) -> int | None:
        """A descriptor of the file, if it is there and right."""
        try:
            file = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        rows = np.unique(np.linspace(0, len(self._chosen) - 1, _CHECKED).astype(np.int64))
        anew = lazy_images.decoded(self._records, self._decoder, self._chosen[rows])
        kept = [os.pread(file, self._row_bytes, row * self._row_bytes) for row in rows.tolist()]
        if os.fstat(file).st_size == self.nbytes and anew.tobytes() == b"".join(kept):
            with contextlib.suppress(OSError):
                os.utime(self.path)  # the time of last use, see `_make_room`
            weakref.finalize(self, os.close, file)
            return file
        logging.warning("%s does not hold what it should, and is made anew", self.path)
        os.close(file)
        return None

    @contextlib.contextmanager
    def _sole_maker(self):
        """Waits until no other process makes the same file; the lock ends with the process."""
        with open(f"{self.path}.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self) -> None:
        rows_each = max(1, _BLOCK // self._row_bytes)
        with open(self._partial, "ab") as file:
            # What a machine that went down wrote last may not have reached the disk.
            blocks = max(0, file.tell() // (rows_each * self._row_bytes) - 1)
            file.truncate(blocks * rows_each * self._row_bytes)
            missing = self.nbytes - blocks * rows_each * self._row_bytes
            self._make_room(missing)
            logging.warning(
                "decoding %d images once, for all runs to come: %s in %s",
                len(self._chosen) - blocks * rows_each,
                _size(missing),
                self.path,
            )
            for start in range(blocks * rows_each, len(self._chosen), rows_each):
                chosen = self._chosen[start : start + rows_each]
                file.write(lazy_images.decoded(self._records, self._decoder, chosen).data)
                file.flush()
                os.fsync(file.fileno())
        os.replace(self._partial, self.path)

    def _make_room(self, missing: int) -> None:
        """Removes the files that were not used for longest, until all fit in the budget."""
        folder = os.path.dirname(self.path)
        others = []
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            ours = re.fullmatch(_NAME, name) and not os.path.islink(path)
            if ours and path not in (self.path, self._partial):
                with contextlib.suppress(FileNotFoundError):
                    found = os.stat(path)
                    others.append((found.st_mtime_ns, found.st_size, path))
        taken = self.nbytes + sum(size for _, size, _ in others)
        for _, size, path in sorted(others):
            if taken <= self._cache.budget:
                break
            logging.warning("removing %s, longest unused, to make room", path)
            os.remove(path)
            taken -= size
        free = shutil.disk_usage(folder).free
        if free < missing:
            raise UserError(
                f"decoded images of the data set need {_size(missing)} in {folder}, where"
                f" {_size(free)} are free: {_CURES}"
            )


def _size(number: int) -> str:
    return f"{number / 2**30:.2f} GiB" if number >= 2**30 else f"{number / 2**20:.1f} MiB"
