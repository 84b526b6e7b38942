"""Memory of this machine, or of the container that this process is in; imports no TensorFlow."""

import contextlib
import os

_CGROUP = "/sys/fs/cgroup"
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of version 2, of version 1
_USED = ("memory.current", "memory/memory.usage_in_bytes")
_STATISTICS = ("memory.stat", "memory/memory.stat")
# What the kernel gives back when memory is asked for: files that were read. They count as used.
_CACHED = ("active_file", "inactive_file")


def total() -> int:
    """Bytes that this process can have at most."""
    return min(_physical("SC_PHYS_PAGES"), *map(_of_container, _LIMITS))


def available() -> int:
    """Bytes that are free, or that the system can free, for this process."""
    free = [_physical("SC_AVPHYS_PAGES")]
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
        free = [int(lines["MemAvailable"].split()[0]) * 1024]
    for limit, used, statistics in zip(_LIMITS, _USED, _STATISTICS, strict=True):
        kept = max(0, _of_container(used, 0) - _cached(statistics))
        free.append(_of_container(limit) - kept)
    return max(0, min(free))


def shown(size: float) -> str:
    """A number of bytes, as messages give it: "5.3 GB"."""
    return f"{size / 1e9:,.1f} GB"


def _physical(pages: str) -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf(pages)


def _cached(name: str) -> int:
    """Bytes of files that the container has in memory, by a file of lines "name bytes"."""
    with (
        contextlib.suppress(OSError, ValueError),
        open(f"{_CGROUP}/{name}", encoding="ascii") as file,
    ):
        found = dict(line.split() for line in file)
        return sum(int(found.get(one, 0)) for one in _CACHED)
    return 0


def _of_container(name: str, otherwise: int = 2**63) -> int:
    """What a file of the container says; `otherwise` if there is none, or no limit."""
    try:
        with open(f"{_CGROUP}/{name}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return otherwise
