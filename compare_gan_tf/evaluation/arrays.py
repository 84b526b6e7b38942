"""Arrays of an `.npz` or `.npy` file, without unpickling and, where the file allows it, unread.

What `numpy.savez` writes lies uncompressed in the archive and is mapped into memory: pages are read
when they are looked at. Compressed arrays are decompressed whole.
"""

import struct
import zipfile

import numpy as np

from compare_gan_tf.errors import UserError

_LOCAL_HEADER = 30  # bytes; then a name and an extra field, whose lengths are its last four


def read(path: str, names) -> dict[str, np.ndarray]:
    """Those arrays of an archive that have one of these names; read-only where they are mapped.

    Args:
      path: of a local `.npz` file.
      names: looked for; what else is in the archive is not read.

    Raises:
      UserError: the file is not there, is no such archive, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            found = [name for name in names if name in members]
            return {name: _array(path, archive, members[name]) for name in found}
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, struct.error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} cannot be read as .npz: {error}") from error


def names(path: str) -> list[str]:
    """Names of all arrays in an archive.

    Raises:
      UserError: the file is not there or is no such archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as .npz: {error}") from error


def _array(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        shape, is_fortran, dtype = _header(file)
        _refuse_objects(path, info.filename, dtype)
        header = file.tell()
        if info.compress_type != zipfile.ZIP_STORED or not np.prod(shape, dtype=np.int64):
            values = np.frombuffer(file.read(), dtype)
            return values.reshape(shape, order="F" if is_fortran else "C")
    offset = _data_offset(archive, info) + header
    needed = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if info.file_size < header + needed:
        raise ValueError(f"its array {info.filename} is cut off")
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
