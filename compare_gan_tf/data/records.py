"""Encoded samples by index, wherever they lie: a few bytes of memory each, and no open files.

Every kind has a length, `read(index) -> bytes` and `name(index) -> str`, and may be read from many
threads at once; `fingerprint() -> str` is another if any content is. Paths may be remote ones;
local files are read without TensorFlow, which is faster.
"""

import dataclasses
import os
import zlib

import numpy as np
import tensorflow as tf

from compare_gan_tf.data.cache import file_facts, fingerprint


def read_range(path: str, offset: int = 0, length: int = -1) -> bytes:
    """`length` bytes of a file from `offset` on, or all that follow."""
    if "://" in path:
        with tf.io.gfile.GFile(path, "rb") as file:
            file.seek(offset)
            return file.read(length)
    with open(path, "rb", buffering=0) as file:
        if offset:
            file.seek(offset)
        return file.readall() if length < 0 else file.read(length)


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

    def read(self, index: int) -> bytes:
        """A file's content."""
        return read_range(os.path.join(self.root, self.name(index)))

    def fingerprint(self) -> str:
        """Of the names, sizes and times of change of all files."""
        facts = [file_facts(os.path.join(self.root, self.name(i)))[1:] for i in range(len(self))]
        return fingerprint("files", self.root, self.paths, np.array(facts, np.int64))


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
      crc: uint32 [N], CRC-32 of the content.
    """

    extents: Extents
    deflated: np.ndarray
    crc: np.ndarray

    def __len__(self):
        return len(self.extents)

    def name(self, index: int) -> str:
        """Its name in the archive."""
        return self.extents.name(index)

    def read(self, index: int) -> bytes:
        """A member's content; ValueError if it is damaged."""
        content = self.extents.read(index)
        if self.deflated[index]:
            try:
                content = zlib.decompress(content, -zlib.MAX_WBITS)
            except zlib.error as error:
                raise ValueError("its compressed data are damaged") from error
        if zlib.crc32(content) != self.crc[index]:
            raise ValueError("its checksum is wrong")
        return content

    def fingerprint(self) -> str:
        """As of `Extents`, with the checksums."""
        return fingerprint("zip", self.extents.fingerprint(), self.deflated, self.crc)
