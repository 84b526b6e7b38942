"""Arrays of an `.npz` or `.npy` file, without unpickling and, where the file allows it, unread.

What `numpy.savez` writes lies uncompressed in the archive and is mapped into memory: pages are read
when they are looked at. Compressed arrays are decompressed whole.
"""

import math
import os
import struct
import zipfile
import zlib

import numpy as np

from compare_gan_tf.errors import UserError

# What files that are damaged, encrypted or made to deceive raise.
_BROKEN = (
    OSError, ValueError, EOFError, RuntimeError, MemoryError, SyntaxError, OverflowError,
    TypeError, zipfile.BadZipFile, struct.error, zlib.error,
)  # fmt: skip
_LOCAL_HEADER = 30  # bytes; then a name and an extra field, whose lengths are its last four


def read(path: str, names) -> dict[str, np.ndarray]:
    """Those arrays of an archive that have one of these names; read-only where they are mapped.

    Args:
      path: of a local `.npz` file.
      names: looked for; what else is in the archive is not read.

    Raises:
      UserError: the file is not there, is no such archive, or holds Python objects.
    """
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            found = [name for name in names if name in members]
            return {name: _array(path, archive, members[name]) for name in found}
    except UserError:
        raise
    except _BROKEN as error:
        raise UserError(f"{path} cannot be read as .npz: {error}") from error


def names(path: str) -> list[str]:
    """Names of all arrays in an archive.

    Raises:
      UserError: the file is not there or is no such archive.
    """
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except _BROKEN as error:
        raise UserError(f"{path} cannot be read as .npz: {error}") from error


def _require_file(path: str) -> None:
    """Refuses what is not there, and pipes, which would be waited for."""
    if not os.path.exists(path):
        raise UserError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise UserError(f"{path} is no regular file: give an .npz")


def _array(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        shape, is_fortran, dtype = _header(file)
        _refuse_objects(path, info.filename, dtype)
        header, needed = file.tell(), math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or info.file_size < header + needed:
            raise ValueError(f"its array {info.filename} is cut off, or not of the shape it names")
        if info.compress_type != zipfile.ZIP_STORED or not needed:
            values = np.frombuffer(file.read(needed), dtype)
            return values.reshape(shape, order="F" if is_fortran else "C")
    offset = _data_offset(archive, info) + header
    order = "F" if is_fortran else "C"
    return np.memmap(path, dtype, mode="r", offset=offset, shape=shape, order=order)


def _header(file) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether in Fortran's order, dtype) of an array in numpy's format."""
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"its arrays are in version {version} of numpy's format")
    return readers[version](file)


def _refuse_objects(path: str, name: str, dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise UserError(
            f"{path} holds Python objects in {name}, which are never loaded, for loading them may"
            " run any code: save arrays of numbers"
        )


def _data_offset(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Where the member's data begin: after its local header."""
    with open(archive.filename, "rb") as file:
        file.seek(info.header_offset)
        name_length, extra_length = struct.unpack("<HH", file.read(_LOCAL_HEADER)[26:])
    return info.header_offset + _LOCAL_HEADER + name_length + extra_length
