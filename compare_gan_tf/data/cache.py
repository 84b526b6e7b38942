"""A folder that keeps between runs what is slow to make; it may be removed at any time.

Indices of TFRecords, and the sizes and checksums of a folder's images, are `.npz` files in it;
decoded images are `.uint8` files, see `decoded_cache`. A file's name has a hash of all that its
content depends on, so that none is ever out of date. Files appear whole or not at all.
"""

import dataclasses
import hashlib
import os
from typing import Annotated

import numpy as np
import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import DAMAGED_ARRAYS
from compare_gan_tf.settings.signatures import Made

DISK_BUDGET = 2**34  # bytes: 16 GiB
LocalFolder = Annotated[
    str, Made(lambda path: "://" not in path, like="a folder on a disk of this machine")
]


def default_folder() -> str:
    """`compare_gan_tf` in the user's folder of caches, by the XDG rule."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(caches, "compare_gan_tf")


def fingerprint(*parts) -> str:
    """A hash of arrays, and of whatever else by its `repr`."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            part = np.ascontiguousarray(part)
            digest.update(f"{part.dtype} {part.shape} ".encode())
            digest.update(part.view(np.uint8).data)
        else:
            digest.update(f"{part!r} ".encode())
    return digest.hexdigest()[:32]


def file_facts(path: str) -> tuple[str, int, int]:
    """(path, size in bytes, time of the last change in ns): they change when the content does."""
    if "://" in path:
        found = tf.io.gfile.stat(path)
        return path, found.length, found.mtime_nsec
    found = os.stat(path)
    return os.path.realpath(path), found.st_size, found.st_mtime_ns


@dataclasses.dataclass(frozen=True)
class Cache:
    """Where to keep things, and how much of them.

    Attributes:
      folder: local; None for `default_folder()`.
      budget: bytes that decoded images may take in it; with 0 nothing at all is kept.
    """

    folder: str | None = None
    budget: int = 0

    def path(self, name: str) -> str:
        """Of a file in it."""
        return os.path.join(os.path.expanduser(self.folder or default_folder()), name)

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays that were written by this name; None if they are not there or damaged."""
        if not self.budget:
            return None
        try:
            with np.load(self.path(f"{name}.npz"), allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except FileNotFoundError:
            return None
        except DAMAGED_ARRAYS as error:
            logging.warning("%s is damaged and made anew: %s", self.path(f"{name}.npz"), error)
            return None

    def write(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keeps small arrays; where that fails, they are only made again by the next run."""
        if not self.budget:
            return
        path = self.path(f"{name}.npz")
        partial = f"{path}.{os.getpid()}.partial"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(partial, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            logging.warning("cannot keep %s (data.load.cache_folder): %s", path, error)
            if os.path.exists(partial):
                os.remove(partial)
