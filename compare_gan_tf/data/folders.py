"""`folder:/path`: a folder of images, flat or with one folder for each class."""

import os

import gin
import numpy as np

from compare_gan_tf.data.own_images import SPLIT_NAMES, Found
from compare_gan_tf.data.records import Files
from compare_gan_tf.errors import UserError

EXTENSIONS = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


@gin.configurable("folder", module="data", denylist=["path"])
def find(path: str, class_folders: bool | None = None) -> Found:
    """Finds the images of a folder and of all folders in it, by their extensions.

    Folders named train, validation (val, valid) and test at the top are the splits. Below them, or
    at the top if there are none, a folder is a class and its name the class's; folders in it are
    read too. Files and folders whose names begin with a dot are passed over.

    Args:
      path: of the folder.
      class_folders: whether the folders are classes; None if there are several and no images
        beside them.

    Raises:
      UserError: there is no such folder, a link leads out of it, or images lie beside folders.
    """
    root = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(root):
        raise UserError(f"there is no folder {path} (data.load.name = 'folder:{path}')")
    paths = sorted(_walk(root, root))
    return found(f"the folder {path}", Files(root, encoded(paths)), paths, class_folders)


def encoded(names: list[str]) -> np.ndarray:
    """bytes [N] of names, the form in which records keep them."""
    return np.array([os.fsencode(name) for name in names], dtype="S")


def is_image(name: str) -> bool:
    """Whether a path says that it is an image, and none that is hidden."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    return not hidden and os.path.splitext(name)[1].lower() in EXTENSIONS


def _walk(folder: str, root: str):
    """Paths of images relative to `root`."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                _check_link(entry.path, root)
            if entry.is_dir():
                if not entry.is_symlink():  # what it leads to is in the folder already
                    yield from _walk(entry.path, root)
            elif is_image(entry.name):
                yield os.path.relpath(entry.path, root)


def _check_link(path: str, root: str) -> None:
    target = os.path.realpath(path)
    if os.path.commonpath([target, root]) != root:
        raise UserError(
            f"{path} is a link out of the folder, to {target}: put the file itself there"
        )


def found(where: str, records, paths: list[str], class_folders: bool | None) -> Found:
    """Reads splits and classes off the paths of the images.

    Args:
      where: they lie, for messages.
      records: of the images.
      paths: of the same images.
      class_folders: see `find`.
    """
    parts = [path.split("/") for path in paths]
    split = None
    if parts and all(len(p) > 1 and p[0].lower() in SPLIT_NAMES for p in parts):
        split = np.array([SPLIT_NAMES[p[0].lower()] for p in parts], dtype="<U10")
        parts = [p[1:] for p in parts]
    beside = sum(len(p) == 1 for p in parts)
    folders = sorted({p[0] for p in parts if len(p) > 1})
    if class_folders is None:
        if beside and len(folders) > 1 and split is None:
            raise UserError(
                f"{where} has {beside} images beside {len(folders)} folders with images, so that it"
                " is not clear whether folders are classes: set folder.class_folders to True or"
                " False"
            )
        class_folders = len(folders) > 1
    if not class_folders:
        return Found(where, records, split=split)
    numbers = {folder: number for number, folder in enumerate(folders)}
    labels = np.array([numbers[p[0]] if len(p) > 1 else -1 for p in parts], np.int32)
    return Found(where, records, labels, len(folders), split)
