"""Which file systems other machines may use at the same time."""

import contextlib
import os
import re

TABLE = "/proc/self/mountinfo"  # of Linux: see proc(5)
# Those that machines share over a network, or a virtual machine with its host.
_SHARED = frozenset(
    "9p afs beegfs ceph cifs coda fuse gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs"
    " panfs prl_fs pvfs2 smb3 smbfs vboxsf virtiofs vmhgfs wekafs".split()
)


def shared(path: str) -> str | None:
    """The type of a path's file system, such as "nfs4", if other machines may have it, too.

    Any file system of FUSE counts, such as "fuse.sshfs": what is behind it is not known.

    Args:
      path: of a file or folder, which need not exist.

    Returns:
      None for a file system of this machine alone, and where the machine has no table of them.
    """
    kind = _kind(os.path.realpath(path))
    return kind if kind and kind.partition(".")[0] in _SHARED else None


def _kind(path: str) -> str | None:
    """The type of the file system that is mounted at the longest part of a path, the last one."""
    longest, kind = -1, None
    for place, one in _mounts():
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= longest:
            longest, kind = len(place), one
    return kind


def _mounts() -> list[tuple[str, str]]:
    """(where, type) of each mount, in the order in which they were made."""
    found = []
    with contextlib.suppress(OSError), open(TABLE, encoding="utf-8", errors="replace") as table:
        for line in table:
            fields, _, rest = line.partition(" - ")
            place, kind = fields.split()[4:5], rest.split()[:1]
            if place and kind:
                found.append((_unescaped(place[0]), kind[0]))
    return found


def _unescaped(text: str) -> str:
    """A path of the table, in which blanks are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
