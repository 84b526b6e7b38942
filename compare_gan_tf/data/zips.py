"""`zip:/path`: a zip file of images, laid out like a folder; it is never unpacked."""

import itertools
import os
import stat
import struct
import zipfile

import gin
import numpy as np

from compare_gan_tf.data import layout
from compare_gan_tf.data.naming import NameOrFalse, printable, repeated
from compare_gan_tf.data.own_images import Found
from compare_gan_tf.data.records import Extents, ZipMembers, require_file
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import checked

_LOCAL_HEADER = 30  # bytes; then the name and an extra field, whose lengths are its last four
_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 1
_RAISED = (zipfile.BadZipFile, struct.error, OSError, ValueError, NotImplementedError)


@gin.configurable("zip", module="data", denylist=["path"])
@checked(name="zip")
def find(
    path: str,
    class_folders: bool | None = None,
    label_file: NameOrFalse | None = None,
    label_column: str | None = None,
) -> Found:
    """Finds the images in a zip file; see `folders.find` for splits, classes and label files.

    Raises:
      UserError: it is no zip file, a name in it leads out of it, a member is encrypted or
        compressed by another method than deflate, members overlap, or the layout is not clear.
    """
    where = f"the zip file {printable(path)}"
    path = os.path.expanduser(path)
    with as_user_error(f"{where} cannot be read", *_RAISED):
        size = require_file(path)
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _refuse_odd_members(members, where)
            members.sort(key=lambda info: info.filename)
            offsets = [_data_offset(archive, info) for info in members]
    every = _records(path, members, offsets)
    _refuse_overlaps(every, members, size, where)
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


def _leads_out(info: zipfile.ZipInfo) -> bool:
    name = info.filename.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or ":" in name[:2]


# What a member may be that is not read, and what is said of it.
_ODD = (
    (_leads_out, "a name which leads out of it: rename it"),
    (lambda info: stat.S_ISLNK(info.external_attr >> 16), "a symbolic link: put the file there"),
    (lambda info: info.flag_bits & _ENCRYPTED, "which is encrypted: save it without a password"),
    (
        lambda info: info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
        "compressed by another method than deflate: save it with that, or uncompressed",
    ),
    (
        lambda info: max(info.file_size, info.compress_size) >= 2**63,
        "of more bytes than can be: it is damaged, copy it again",
    ),
)


def _refuse_odd_members(members: list[zipfile.ZipInfo], where: str) -> None:
    """Refuses `_ODD` members, and two of one name: programs differ in which of them they mean."""
    for info, (is_so, what) in itertools.product(members, _ODD):
        if is_so(info):
            raise UserError(f"{where} holds {printable(info.filename)!r}, {what}")
    twice = repeated(info.filename for info in members)
    if twice is not None:
        raise UserError(f"{where} holds {printable(twice)!r} twice: remove or rename one")


def _refuse_overlaps(every: ZipMembers, members, size: int, where: str) -> None:
    """Refuses members that end behind the file, or share bytes: a small file that inflates far."""
    starts = np.array([info.header_offset for info in members], np.int64)
    stops = every.extents.offset + every.extents.length
    order = np.argsort(starts, kind="stable")
    limits = np.append(starts[order[1:]], size)  # where the next one begins, or the file ends
    for place in np.flatnonzero(stops[order] > limits[: len(order)])[:1]:
        name = printable(every.name(int(order[place])))
        raise UserError(
            f"{where} is refused: its member {name!r} ends at byte {stops[order[place]]:,}, behind"
            f" byte {limits[place]:,}, where the next one begins or the file ends: copy it again"
        )


def _data_offset(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Where the member's data begin: after its local header."""
    archive.fp.seek(info.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    if header[:4] != _SIGNATURE:
        raise zipfile.BadZipFile(f"{printable(info.filename)!r} does not lie where it should")
    name_length, extra_length = struct.unpack("<HH", header[26:])
    return info.header_offset + _LOCAL_HEADER + name_length + extra_length
