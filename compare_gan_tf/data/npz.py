"""Arrays of an `.npz` file: read without unpickling, and only once their headers are believed."""

import collections
import os
import struct
import zipfile
import zlib
from typing import NamedTuple

import numpy as np

from compare_gan_tf.data.naming import printable
from compare_gan_tf.data.records import require_file
from compare_gan_tf.errors import UserError

_RAISED = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, OverflowError, MemoryError),
    *(SyntaxError, NotImplementedError, RuntimeError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
_OBJECTS = (
    "holds Python objects, which are never loaded, for loading them may run any code: save arrays"
    " of numbers, all images of one shape"
)
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Header(NamedTuple):
    """What an array says that it is.

    Attributes:
      shape: of it.
      dtype: of it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """That it takes, as a number without an upper bound."""
        number = self.dtype.itemsize
        for length in self.shape:
            number *= length
        return number

    def __str__(self):
        return f"{self.dtype} {list(self.shape)}"


def headers(path: str) -> dict[str, Header]:
    """{name: header} of all arrays of a file.

    Raises:
      UserError: it is no `.npz` file, holds Python objects, or a header does not fit to its array.
    """
    return _safely(path, lambda archive: {name: _header(archive, name) for name in _names(archive)})


def read(path: str, names, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """Those arrays of a file that have these names, each in C's order.

    Args:
      path: of the file.
      names: of the arrays; all of them are there.
      max_bytes: that they may take; None for the memory of the machine.

    Raises:
      UserError: see `headers`; or they take more.
    """

    def arrays(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
        needed = sum(_header(archive, name).nbytes for name in names)
        most = memory() if max_bytes is None else max_bytes
        if needed > most:
            limit = (
                "the memory of this machine has" if max_bytes is None else "npz.max_bytes allows"
            )
            raise UserError(
                f"the arrays of {path} take {needed:,} bytes, more than the {most:,} that {limit}:"
                " save fewer or smaller ones, or raise npz.max_bytes"
            )
        return {name: _array(archive, name) for name in names}

    return _safely(path, arrays)


def memory() -> int:
    """Bytes of memory that this process can have at most."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUPS:
        try:
            with open(path) as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):  # there is none
            continue
    return min(limits)


def _safely(path: str, function):
    path = os.path.expanduser(path)
    try:
        require_file(path)
        if not zipfile.is_zipfile(path):
            _refuse_no_archive(path)
        with zipfile.ZipFile(path) as archive:
            return function(archive)
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except _RAISED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as .npz: {reason}") from error


def _refuse_no_archive(path: str) -> None:
    with open(path, "rb") as file:
        begin = file.read(6)
    if begin == b"\x93NUMPY":
        raise UserError(f"{path} is one array: save it by numpy.savez(path, images=...)")
    if begin[:1] == b"\x80":  # as every pickle since Python 2.3
        raise UserError(f"{path} {_OBJECTS}")
    raise ValueError("it is no zip file, or is cut off" if begin else "it is empty")


def _names(archive: zipfile.ZipFile) -> list[str]:
    counts = collections.Counter(archive.namelist())
    twice = [name for name, number in counts.items() if number > 1]
    if twice:
        raise UserError(
            f"{archive.filename} holds {printable(twice[0])!r} twice: save it anew by numpy.savez"
        )
    return [name.removesuffix(".npy") for name in counts if name.endswith(".npy")]


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
        shape, _, dtype = readers[version](file)
        begin = file.tell()
    if dtype.hasobject:
        raise UserError(f"{archive.filename} {_OBJECTS} ({shown})")
    header = Header(shape, dtype)
    if min(shape, default=0) < 0 or header.nbytes != info.file_size - begin:
        raise ValueError(
            f"its array {shown} has {info.file_size - begin:,} bytes, and is {header} by its header"
        )
    return header


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    return np.ascontiguousarray(array).reshape(array.shape)
