"""`zip:/path`: a zip file of images, laid out like a folder; it is never unpacked."""

import os
import struct
import zipfile

import gin
import numpy as np

from compare_gan_tf.data import layout
from compare_gan_tf.data.naming import printable
from compare_gan_tf.data.own_images import Found
from compare_gan_tf.data.records import Extents, ZipMembers, require_file
from compare_gan_tf.errors import UserError

_LOCAL_HEADER = 30  # bytes; then the name and an extra field, whose lengths are its last four
_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 1


@gin.configurable("zip", module="data", denylist=["path"])
def find(
    path: str,
    class_folders: bool | None = None,
    label_file: str | bool | None = None,
    label_column: str | None = None,
) -> Found:
    """Finds the images in a zip file; see `folders.find` for splits, classes and label files.

    Raises:
      UserError: it is no zip file, a name in it leads out of it, a member is encrypted or
        compressed by another method than deflate, members overlap, or the layout is not clear.
    """
    where = f"the zip file {printable(path)}"
    path = os.path.expanduser(path)
    try:
        size = require_file(path)
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            for info in members:
                _check(info, where)
            members.sort(key=lambda info: info.filename)
            offsets = [_data_offset(archive, info) for info in members]
    except FileNotFoundError as error:
        raise UserError(f"there is no {where[4:]}") from error
    except (zipfile.BadZipFile, struct.error, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{where} cannot be read: {error}") from error
    _check_names(members, where)
    every = _records(path, members, offsets)
    _check_extents(every, members, size, where)
    names = [info.filename for info in members]
    images = [place for place, name in enumerate(names) if layout.is_image(name)]
    places = {name: place for place, name in enumerate(names)}
    tree = layout.Tree(
        where=where,
        kind="zip",
        images=[names[place] for place in images],
        others=[name for name in names if not layout.is_image(name)],
        read=lambda name: every.read(places[name]),
    )
    records = _records(path, [members[i] for i in images], [offsets[i] for i in images])
    return layout.found(tree, records, class_folders, label_file, label_column)


def _records(path: str, members: list[zipfile.ZipInfo], offsets: list[int]) -> ZipMembers:
    extents = Extents(
        files=(path,),
        file=np.zeros(len(members), np.int32),
        offset=np.array(offsets, np.int64),
        length=np.array([info.compress_size for info in members], np.int64),
        names=layout.encoded([info.filename for info in members]),
    )
    return ZipMembers(
        extents,
        deflated=np.array([info.compress_type == zipfile.ZIP_DEFLATED for info in members], bool),
        size=np.array([info.file_size for info in members], np.int64),
        crc=np.array([info.CRC for info in members], np.uint32),
    )


# --- What an honest archive of images does not have --------------------------------------------


def _check(info: zipfile.ZipInfo, where: str) -> None:
    name = info.filename
    shown = f"{where} holds {printable(name)!r}"
    if (
        name.startswith(("/", "\\"))
        or ".." in name.replace("\\", "/").split("/")
        or ":" in name[:2]
    ):
        raise UserError(f"{shown}, a name which leads out of it: it is refused")
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        raise UserError(f"{shown}, a symbolic link: put the file itself there")
    if info.flag_bits & _ENCRYPTED:
        raise UserError(f"{shown}, which is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"{shown}, compressed by method {info.compress_type}: only stored and deflated members"
            " can be read"
        )
    if max(info.file_size, info.compress_size) >= 2**63:
        raise UserError(f"{shown} of {info.file_size:,} bytes, which cannot be: it is damaged")


def _check_names(members: list[zipfile.ZipInfo], where: str) -> None:
    """Refuses two members of one name: programs differ in which of them they mean."""
    for before, after in zip(members, members[1:], strict=False):
        if before.filename == after.filename:
            name = printable(before.filename)
            raise UserError(f"{where} holds {name!r} twice: remove or rename one")


def _check_extents(every: ZipMembers, members, size: int, where: str) -> None:
    """Refuses members that end behind the file, or share bytes: a small file that inflates far."""
    if not len(every):
        return
    starts = np.array([info.header_offset for info in members], np.int64)
    stops = every.extents.offset + every.extents.length
    late = np.flatnonzero(stops > size)
    if len(late):
        raise UserError(
            f"{where} cannot be read: {printable(every.name(int(late[0])))!r} ends at byte"
            f" {stops[late[0]]:,} of {size:,}; copy it again"
        )
    order = np.argsort(starts, kind="stable")
    shared = np.flatnonzero(stops[order[:-1]] > starts[order[1:]])
    if len(shared):
        pair = [printable(every.name(int(order[shared[0] + i]))) for i in (0, 1)]
        raise UserError(
            f"{where} is refused: its members {pair[0]!r} and {pair[1]!r} share the same bytes"
        )


def _data_offset(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Where the member's data begin: after its local header."""
    archive.fp.seek(info.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    if header[:4] != _SIGNATURE:
        raise zipfile.BadZipFile(f"{printable(info.filename)!r} does not lie where it should")
    name_length, extra_length = struct.unpack("<HH", header[26:])
    return info.header_offset + _LOCAL_HEADER + name_length + extra_length
