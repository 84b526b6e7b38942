"""What a data set is like, before it is loaded: how many images, of which sizes, with what labels.

`data.load` needs one size for all images; a survey says which sizes there are.
"""

import dataclasses
import difflib
import os

import numpy as np

from compare_gan_tf.data import broken_files, own_images
from compare_gan_tf.data.dataset import load, names
from compare_gan_tf.data.split import Dataset
from compare_gan_tf.data.table import DATASETS, KINDS
from compare_gan_tf.errors import UserError

# Endings of files whose kind is plain.
_ENDINGS = {".zip": "zip", ".npz": "npz", ".tfrecord": "tfrecord"}


@dataclasses.dataclass(frozen=True)
class Survey:
    """Facts about images that can be used.

    Attributes:
      name: for `data.load.name`.
      sizes: int [N, 2], height and width of each image, pixels.
      grey: number of grey images.
      class_counts: int [K], images of each class; None without labels.
      broken: the images that cannot be read, which are not among the N.
      resizable: whether `data.load` can crop and resize them.
      notes: what was passed over.
    """

    name: str
    sizes: np.ndarray
    grey: int
    class_counts: np.ndarray | None = None
    broken: tuple[broken_files.Problem, ...] = ()
    resizable: bool = True
    notes: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Of images."""
        return len(self.sizes)

    @property
    def channels(self) -> int:
        """3 if any image is in colour, else 1."""
        return 1 if self.grey == self.number else 3

    @property
    def sides(self) -> np.ndarray:
        """int [N], the shorter side of each image."""
        return self.sizes.min(axis=1)


def full_name(text: str) -> str:
    """The name for `data.load` of what a user may write: a path, "kind:path", or a public name.

    Local paths become absolute, so that later commands find the data from any folder.

    Raises:
      UserError: nothing has that name, or a path leads nowhere.
    """
    kind, colon, path = text.partition(":")
    if not colon or kind not in KINDS:
        if text.replace("-", "_") in names():
            return text
        kind, path = _kind_of(text), text
    if not path:
        raise UserError(f"--data={text} says no place: write where it lies, as in {kind}:/path")
    return f"{kind}:{path if '://' in path else os.path.abspath(os.path.expanduser(path))}"


def _kind_of(path: str) -> str:
    """The kind of what lies at a path."""
    there = os.path.expanduser(path)
    if os.path.isdir(there):
        return "folder"
    ending = os.path.splitext(path)[1].lower()
    if os.path.isfile(there) and ending in _ENDINGS:
        return _ENDINGS[ending]
    if os.path.isfile(there):
        raise UserError(
            f"--data={path} is one file: name a folder of images, a .zip or an .npz, or write what"
            f" it is, as in {', '.join(f'{kind}:{path}' for kind in sorted(KINDS))}"
        )
    nearest = difflib.get_close_matches(path, [*_beside(there), *names()], n=3, cutoff=0.6)
    there = f"; the nearest names are {', '.join(nearest)}" if nearest else ""
    raise UserError(
        f"--data={path}: there is no such folder or file, and no data set of that name{there}: name"
        " a folder of images, a .zip or an .npz"
    )


def _beside(path: str) -> list[str]:
    """The paths in the folder in which `path` would lie."""
    folder = os.path.dirname(path.rstrip("/"))
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder or ".")]
    except OSError:
        return []


def survey(name: str, settings: own_images.Settings) -> Survey:
    """Looks at all images of a data set.

    Args:
      name: as `full_name` makes it.
      settings: of `data.load`, as far as they are bound.

    Raises:
      UserError: there are no images, or none can be read; see `data.load`.
    """
    kind, _, path = name.partition(":")
    find = KINDS[kind].find if kind in KINDS else None
    if find is not None:
        return _of_files(name, find(path, settings), settings)
    return _of_dataset(name, load(name))


def _of_files(name: str, found: own_images.Found, settings: own_images.Settings) -> Survey:
    own_images.require_images(found)
    look = own_images.look_at(found.records, settings)
    usable = look.channels > 0
    if not usable.any():
        raise UserError(
            f"no image in {found.where} can be used: {broken_files.listing(look.problems)}"
        )
    counts = None
    if found.labels is not None and found.num_classes:
        counts = _counted(found.labels[usable], found.num_classes)
    return Survey(
        name,
        look.sizes[usable],
        int((look.channels == 1).sum()),
        counts,
        tuple(look.problems),
        notes=found.notes,
    )


def _of_dataset(name: str, dataset: Dataset) -> Survey:
    if not dataset.is_images:
        raise UserError(f"--data={name} has no images: recipes are for images; take --gin_config")
    number = sum(map(len, dataset.splits.values()))
    height, width, channels = dataset.sample_shape
    counts = None
    if dataset.num_classes:
        labels = [split.labels for split in dataset.splits.values() if split.labels is not None]
        counts = np.sum([_counted(each, dataset.num_classes) for each in labels], axis=0)
    sizes = np.tile(np.array([[height, width]], np.int32), (number, 1))
    row = DATASETS.get(name.replace("-", "_"))
    resizable = row is not None and "image_size" in row.heeds
    grey = number if channels == 1 else 0
    return Survey(name, sizes, grey, counts, (), resizable, dataset.notes)


def _counted(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """int [K]; of probabilities the sum, rounded."""
    if labels.ndim == 2:
        return labels.sum(axis=0).round().astype(int)
    return np.bincount(labels[labels >= 0], minlength=num_classes)
