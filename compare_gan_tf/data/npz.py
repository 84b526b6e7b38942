"""Arrays of an `.npz` file: read without unpickling, and only once their headers are believed.

What `numpy.savez` writes lies uncompressed in the archive and can be mapped into memory: pages are
read when they are looked at. Compressed arrays are decompressed whole.
"""

import os
import struct
import zipfile
from typing import NamedTuple

import numpy as np

from compare_gan_tf.data.naming import printable, repeated
from compare_gan_tf.data.records import require_file
from compare_gan_tf.errors import DAMAGED_ARRAYS, UserError, as_user_error
from compare_gan_tf.settings import memory

_OBJECTS = (
    "holds Python objects{}, which are never loaded, for loading them may run any code: save arrays"
    " of numbers, all images of one shape"
)
_LOCAL_HEADER = 30  # bytes; then a name and an extra field, whose lengths are its last four


class Header(NamedTuple):
    """What an array says that it is.

    Attributes:
      shape: of it.
      dtype: of it.
      is_fortran: whether its first index runs fastest.
      size: bytes of the header itself.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    is_fortran: bool = False
    size: int = 0

    @property
    def nbytes(self) -> int:
        """That it takes, as a number without an upper bound."""
        number = self.dtype.itemsize
        for length in self.shape:
            number *= length
        return number

    def __str__(self):
        return f"{self.dtype} {list(self.shape)}"


def names(path: str) -> list[str]:
    """Names of all arrays of a file.

    Raises:
      UserError: it is no `.npz` file.
    """
    return _safely(path, _names)


def headers(path: str) -> dict[str, Header]:
    """{name: header} of all arrays of a file.

    Raises:
      UserError: it is no `.npz` file, holds Python objects, or a header does not fit to its array.
    """
    return _safely(path, lambda archive: {name: _header(archive, name) for name in _names(archive)})


def read(
    path: str, names, max_bytes: int | None = None, *, mapped: bool = False
) -> dict[str, np.ndarray]:
    """Those arrays of a file that have one of these names; what else is in it is not read.

    Args:
      path: of the file.
      names: looked for.
      max_bytes: that they may take in memory; None for the memory of the machine.
      mapped: whether arrays that lie uncompressed in the file are mapped, read-only and in their
        own order, instead of read; all others are in C's order.

    Raises:
      UserError: see `headers`, of these arrays; or they take more.
    """

    def arrays(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
        there = set(_names(archive))
        found = {name: _header(archive, name) for name in names if name in there}
        in_place = {name for name in found if mapped and _is_mappable(archive, name, found[name])}
        needed = sum(header.nbytes for name, header in found.items() if name not in in_place)
        cure = "save them uncompressed, by numpy.savez" if mapped else "raise npz.max_bytes"
        most = memory.total() if max_bytes is None else max_bytes
        if needed > most:
            limit = "the memory of this machine" if max_bytes is None else "npz.max_bytes"
            raise UserError(
                f"the arrays of {path} take {needed:,} bytes, more than {limit}, {most:,}:"
                f" save fewer or smaller ones, or {cure}"
            )
        return {
            name: _mapped(archive, name, header) if name in in_place else _array(archive, name)
            for name, header in found.items()
        }

    return _safely(path, arrays)


def _safely(path: str, function):
    path = os.path.expanduser(path)
    with as_user_error(f"{path} cannot be read as .npz", *DAMAGED_ARRAYS):
        require_file(path)
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} {_other_format(path)}")
        with zipfile.ZipFile(path) as archive:
            return function(archive)


def _other_format(path: str) -> str:
    """What a file is that is no zip file."""
    with open(path, "rb") as file:
        begin = file.read(6)
    if begin == b"\x93NUMPY":
        return "is one array: save it by numpy.savez(path, images=...)"
    if begin[:1] == b"\x80":  # as every pickle since Python 2.3
        return _OBJECTS.format("")
    return f"is no .npz file: it is {'no zip file, or is cut off' if begin else 'empty'}"


def _names(archive: zipfile.ZipFile) -> list[str]:
    members = archive.namelist()
    twice = repeated(members)
    if twice is not None:
        raise UserError(f"{archive.filename} holds {printable(twice)!r} twice: save it anew")
    return [name.removesuffix(".npy") for name in members if name.endswith(".npy")]


def _header(archive: zipfile.ZipFile, name: str) -> Header:
    """The header of a member, whose array must have just as many bytes as the member has left."""
    info = archive.getinfo(f"{name}.npy")
    shown = printable(name)
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in readers:
            raise ValueError(f"its array {shown} is in version {version} of numpy's format")
        shape, is_fortran, dtype = readers[version](file)
        begin = file.tell()
    if dtype.hasobject:
        where = f" in {shown}"
        raise UserError(f"{archive.filename} {_OBJECTS.format(where)}")
    header = Header(shape, dtype, is_fortran, begin)
    if min(shape, default=0) < 0 or header.nbytes != info.file_size - begin:
        raise ValueError(
            f"its array {shown} has {info.file_size - begin:,} bytes, and is {header} by its header"
        )
    return header


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    return np.ascontiguousarray(array).reshape(array.shape)


def _is_mappable(archive: zipfile.ZipFile, name: str, header: Header) -> bool:
    info = archive.getinfo(f"{name}.npy")
    is_stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
    return is_stored and header.nbytes > 0


def _mapped(archive: zipfile.ZipFile, name: str, header: Header) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    with open(archive.filename, "rb") as file:
        file.seek(info.header_offset)
        name_length, extra_length = struct.unpack("<HH", file.read(_LOCAL_HEADER)[26:])
    begin = info.header_offset + _LOCAL_HEADER + name_length + extra_length + header.size
    order = "F" if header.is_fortran else "C"
    return np.memmap(archive.filename, header.dtype, "r", begin, header.shape, order)
