"""Reads LSUN's scenes from the lmdb folders of its authors; the package tfds needs is withdrawn.

F. Yu et al., LSUN: Construction of a large-scale image dataset (2015). The folder
`bedroom_train_lmdb` unpacks from bedroom_train_lmdb.zip of http://dl.yf.io/lsun/scenes/.
"""

import functools
import os

import numpy as np

from compare_gan_tf.data import resizing, stand_ins
from compare_gan_tf.data.cache import file_facts, fingerprint
from compare_gan_tf.data.decode import Decoder
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError, as_user_error

# name: (scene, size)
SCENES = {
    "lsun_bedroom": ("bedroom", 128),
    "lsun_bedroom_256": ("bedroom", 256),
    "lsun_church": ("church_outdoor", 128),
    "lsun_church_256": ("church_outdoor", 256),
}
_NOTE = (
    "the ancestor cut the central 128 pixels without resizing (data.load.crop = @central and"
    " central.side = 128), and reported the last 1 % of train"
)


class Values:
    """Values of an lmdb database by the order of their keys.

    Args:
      path: of its folder.
    """

    def __init__(self, path: str):
        self._path = os.path.realpath(path)
        self._environment = _environment(self._path)
        with self._environment.begin() as transaction:
            self._keys = np.array(list(transaction.cursor().iternext(values=False)), dtype="S")

    def __len__(self):
        return len(self._keys)

    def name(self, index: int) -> str:
        """The key."""
        return bytes(self._keys[index]).decode()

    short_name = name

    def read(self, index: int) -> bytes:
        """The value: an encoded image."""
        with self._environment.begin() as transaction:
            return bytes(transaction.get(bytes(self._keys[index])))

    def fingerprint(self) -> str:
        """Of the database's file and its keys."""
        return fingerprint("lmdb", file_facts(os.path.join(self._path, "data.mdb")), self._keys)


@functools.cache  # lmdb allows one of each path in a process
def _environment(path: str):
    cure = "pip install 'compare_gan_tf[data]'"
    with as_user_error("LSUN needs the package lmdb", ImportError, cure=cure):
        import lmdb
    with as_user_error(f"{path} is no lmdb folder", lmdb.Error):
        return lmdb.open(path, readonly=True, lock=False, readahead=False, max_readers=1024)


def load(name: str, settings: Settings) -> Dataset:
    """A scene: 98 % of its training images, 1 % for validation, the last 1 % for test.

    Raises:
      UserError: it is not where it should be; says what to put where.
    """
    scene, size = SCENES[name]
    side, channels = settings.image_size or size, settings.channels or 3
    if stand_ins.are_wanted():
        return stand_ins.outline(name, (side, side, channels), None)
    folder = os.path.expanduser(settings.data_dir or "~/tensorflow_datasets")
    path = os.path.join(folder, "lsun", f"{scene}_train_lmdb")
    if not os.path.isdir(path):
        raise UserError(
            f"{name} is not at {path}: unpack http://dl.yf.io/lsun/scenes/{scene}_train_lmdb.zip"
            f" into {os.path.dirname(path)}, or name another folder by data.load.data_dir"
        )
    decoder = Decoder(
        shape=(side, side),
        channels=channels,
        crop=settings.crop or resizing.middle_square,
        resize=settings.resize or resizing.area,
        min_area=settings.min_crop_area or 1.0,
        max_pixels=settings.max_pixels,
    )
    images = LazyImages(Values(path), decoder)
    number, one = len(images), len(images) // 100
    if not one:
        raise UserError(f"{path} has {number} images: at least 100 are needed for its splits")
    bounds = {
        "train": (0, number - 2 * one),
        "validation": (number - 2 * one, number - one),
        "test": (number - one, number),
    }
    splits = {split: Split(images.subset(np.arange(*span))) for split, span in bounds.items()}
    if not settings.hold_out:
        splits["train"] = Split(images.subset(np.arange(0, number - one)))
        del splits["validation"]
    return Dataset(name, splits, notes=(_NOTE,), source=f"lsun {scene}")
