"""`zip:/path`: a zip file of images, laid out like a folder; it is never unpacked."""

import os
import struct
import zipfile

import gin
import numpy as np

from compare_gan_tf.data import folders
from compare_gan_tf.data.own_images import Found
from compare_gan_tf.data.records import Extents, ZipMembers
from compare_gan_tf.errors import UserError

_LOCAL_HEADER = 30  # bytes; then the name and an extra field, whose lengths are its last four
_ENCRYPTED = 1


@gin.configurable("zip", module="data", denylist=["path"])
def find(path: str, class_folders: bool | None = None) -> Found:
    """Finds the images in a zip file; see `folders.find` for splits and classes.

    Raises:
      UserError: it is no zip file, a name in it leads out of it, or a member is encrypted or
        compressed by another method than deflate.
    """
    where = f"the zip file {path}"
    path = os.path.expanduser(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            for info in members:
                _check(info, where)
            images = [info for info in members if folders.is_image(info.filename)]
            images.sort(key=lambda info: info.filename)
            offsets = [_data_offset(archive, info) for info in images]
    except (zipfile.BadZipFile, struct.error) as error:
        raise UserError(f"{where} cannot be read: {error}") from error
    except FileNotFoundError as error:
        raise UserError(f"there is no {where[4:]}") from error
    names = [info.filename for info in images]
    extents = Extents(
        files=(path,),
        file=np.zeros(len(images), np.int32),
        offset=np.array(offsets, np.int64),
        length=np.array([info.compress_size for info in images], np.int64),
        names=folders.encoded(names),
    )
    deflated = np.array([info.compress_type == zipfile.ZIP_DEFLATED for info in images], bool)
    crc = np.array([info.CRC for info in images], np.uint32)
    return folders.found(where, ZipMembers(extents, deflated, crc), names, class_folders)


def _check(info: zipfile.ZipInfo, where: str) -> None:
    """Refuses what an honest archive of images does not have."""
    name = info.filename
    if (
        name.startswith(("/", "\\"))
        or ".." in name.replace("\\", "/").split("/")
        or ":" in name[:2]
    ):
        raise UserError(f"{where} holds the name {name!r}, which leads out of it: it is refused")
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        raise UserError(f"{where} holds {name!r}, a symbolic link: put the file itself there")
    if info.flag_bits & _ENCRYPTED:
        raise UserError(f"{where} holds {name!r}, which is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"{where} holds {name!r}, compressed by method {info.compress_type}: only stored and"
            " deflated members can be read"
        )


def _data_offset(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Where the member's data begin: after its local header."""
    archive.fp.seek(info.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    name_length, extra_length = struct.unpack("<HH", header[26:])
    return info.header_offset + _LOCAL_HEADER + name_length + extra_length
