"""Encoded samples by index, wherever they lie: a few bytes of memory each, and no open files.

Every kind has a length, `read(index) -> bytes` and `name(index) -> str`, and may be read from many
threads at once; `fingerprint() -> str` is another if any content is, and `short_name(index)` is the
same on every machine. Paths may be remote ones;
local files are read without TensorFlow, which is faster.
"""

import dataclasses
import functools
import os
import stat
import zlib

import numpy as np
import tensorflow as tf

from compare_gan_tf.data.cache import file_facts, fingerprint

MOST_BYTES = 2**30  # of one encoded sample; no image within any sensible limit of pixels has more

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_file(path: str) -> int:
    """The length in bytes of a local file; a pipe or a device might be read without end.

    Raises:
      ValueError: it is no regular file.
      OSError: it is not there, or may not be looked at.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise ValueError(f"it is {kind}, not a file")
    return found.st_size


def read_range(path: str, offset: int = 0, length: int = -1) -> bytes:
    """`length` bytes of a file from `offset` on, or all that follow.

    Raises:
      ValueError: it is no regular file, or they are more than `MOST_BYTES`.
      OSError: it cannot be read.
    """
    if "://" in path:
        with tf.io.gfile.GFile(path, "rb") as file:
            file.seek(offset)
            return file.read(length)
    size = require_file(path)
    _check_length(size - offset if length < 0 else length)
    with open(path, "rb", buffering=0) as file:
        if offset:
            file.seek(offset)
        return file.readall() if length < 0 else file.read(length)


def _check_length(length: int) -> None:
    if length > MOST_BYTES:
        raise ValueError(f"it has {length:,} bytes, more than the {MOST_BYTES:,} that are read")


@dataclasses.dataclass(frozen=True)
class Files:
    """One file a sample.

    Attributes:
      root: folder.
      paths: bytes [N], relative to it.
    """

    root: str
    paths: np.ndarray

    def __len__(self):
        return len(self.paths)

    def name(self, index: int) -> str:
        """Path from the root."""
        return os.fsdecode(bytes(self.paths[index]))

    short_name = name

    def read(self, index: int) -> bytes:
        """A file's content."""
        return read_range(os.path.join(self.root, self.name(index)))

    def fingerprint(self) -> str:
        """Of the names, sizes and times of change of all files."""
        facts = [_facts(os.path.join(self.root, self.name(i))) for i in range(len(self))]
        return fingerprint("files", self.root, self.paths, np.array(facts, np.int64))


def _facts(path: str) -> tuple[int, int]:
    """(size, time of change), or zeros of what cannot be looked at."""
    try:
        return file_facts(path)[1:]
    except OSError:
        return 0, 0


@dataclasses.dataclass(frozen=True)
class Extents:
    """Samples inside larger files: N triples of (file, offset, length).

    Attributes:
      files: paths of the files.
      file: int32 [N], which of them.
      offset, length: int64 [N], bytes.
      names: bytes [N], or None: the file and the number of the sample.
    """

    files: tuple[str, ...]
    file: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    names: np.ndarray | None = None

    def __len__(self):
        return len(self.offset)

    def name(self, index: int) -> str:
        """Its own name, or where it lies."""
        if self.names is not None:
            return os.fsdecode(bytes(self.names[index]))
        return f"{self.files[self.file[index]]} at byte {self.offset[index]}"

    def short_name(self, index: int) -> str:
        """Its own name, or that of its file without the folder."""
        return self.name(index) if self.names is not None else self._bases[self.file[index]]

    @functools.cached_property
    def _bases(self) -> list[str]:
        return [os.path.basename(path) for path in self.files]

    def read(self, index: int) -> bytes:
        """The bytes of one extent."""
        path = self.files[self.file[index]]
        return read_range(path, int(self.offset[index]), int(self.length[index]))

    def fingerprint(self) -> str:
        """Of the files' names, sizes and times of change, and of the extents."""
        facts = [file_facts(path) for path in self.files]
        return fingerprint("extents", facts, self.file, self.offset, self.length)


@dataclasses.dataclass(frozen=True)
class ZipMembers:
    """Members of a zip file, stored or deflated, as `Extents` of it.

    Attributes:
      extents: of the compressed bytes, with names.
      deflated: bool [N].
      size: int64 [N], bytes of the content, as the archive says.
      crc: uint32 [N], CRC-32 of the content.
    """

    extents: Extents
    deflated: np.ndarray
    size: np.ndarray
    crc: np.ndarray

    def __len__(self):
        return len(self.extents)

    def name(self, index: int) -> str:
        """Its name in the archive."""
        return self.extents.name(index)

    short_name = name

    def read(self, index: int) -> bytes:
        """A member's content; ValueError if it is damaged, or is longer than it says."""
        size = int(self.size[index])
        _check_length(size)
        content = self.extents.read(index)
        if self.deflated[index]:
            content = inflated(content, size)
        if len(content) != size or zlib.crc32(content) != self.crc[index]:
            has = f"it has {len(content):,} bytes, and its header says {size:,}"
            raise ValueError(f"its checksum is wrong: {has}")
        return content

    def fingerprint(self) -> str:
        """As of `Extents`, with the sizes and checksums."""
        return fingerprint("zip", self.extents.fingerprint(), self.deflated, self.size, self.crc)


def inflated(content: bytes, size: int) -> bytes:
    """Deflated bytes as they were; never more than `size` of them are made.

    Raises:
      ValueError: they are damaged, or more than `size`.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        made = inflater.decompress(content, size + 1)
    except zlib.error as error:
        raise ValueError("its compressed data are damaged") from error
    if len(made) > size:
        raise ValueError(f"it inflates to more than the {size:,} bytes that its header says")
    return made
