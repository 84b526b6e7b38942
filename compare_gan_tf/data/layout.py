"""What the paths of images say: splits, classes, and what is passed over; of folders and zips."""

import collections
import dataclasses
import os
import re
from collections.abc import Callable

import numpy as np

from compare_gan_tf.data import label_files
from compare_gan_tf.data.naming import natural_key, printable, some_of
from compare_gan_tf.data.own_images import Found, split_of
from compare_gan_tf.errors import UserError

EXTENSIONS = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()
)
_LITTER = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|__MACOSX(/.*)?|Thumbs\.db|desktop\.ini)$", re.I)
_MOST_NAMES = 2**30  # bytes that all names may take, each as long as the longest


@dataclasses.dataclass(frozen=True)
class Tree:
    """The files of a folder or an archive, as paths with slashes from its top.

    Attributes:
      where: it lies, for messages.
      kind: "folder" or "zip", under which gin has its settings.
      images: paths of the images, sorted.
      others: paths of what is no image, sorted.
      read: gives the content of one of the others.
    """

    where: str
    kind: str
    images: list[str]
    others: list[str]
    read: Callable[[str], bytes]


def encoded(names: list[str]) -> np.ndarray:
    """bytes [N] of names, the form in which records keep them."""
    names = [os.fsencode(name) for name in names]
    longest = max(map(len, names), default=0)
    if longest * len(names) > _MOST_NAMES:
        raise UserError(
            f"there are {len(names):,} names and one of them has {longest:,} bytes: shorten it"
        )
    return np.array(names, dtype="S")


def is_hidden(name: str) -> bool:
    """Whether a part of the path begins with a dot, or is what a Mac adds to archives."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def is_image(name: str) -> bool:
    """Whether a path says that it is an image, and none that is hidden."""
    return not is_hidden(name) and os.path.splitext(name)[1].lower() in EXTENSIONS


def found(
    tree: Tree,
    records,
    class_folders: bool | None,
    label_file: str | bool | None,
    label_column: str | None,
) -> Found:
    """Reads splits and labels off the paths of the images and the label files; see `folders.find`.

    Args:
      tree: the paths.
      records: of its images, in the same order.
      class_folders, label_file, label_column: see `folders.find`.
    """
    top = _top(tree.images)
    parts = [path[len(top) :].split("/") for path in tree.images]
    names = _split_folders(tree, parts, class_folders)
    split = None
    if names is not None:
        split = np.array([names[p[0]] for p in parts], dtype="<U10")
        parts = [p[1:] for p in parts]
    is_classes = class_folders
    if is_classes is None:
        is_classes = len({p[0] for p in parts if len(p) > 1}) > 1
    places = _above(tree.images)
    for name in names or ():
        places |= _above([path for path in tree.images if path.startswith(f"{top}{name}/")])
    table = label_files.Labels()
    if tree.images:  # without any, each text would be about as many images as there are
        table = label_files.find(tree, places, label_file, label_column, class_folders, is_classes)
    notes = [f"all images lie in {printable(top)}"] if top else []
    if table.files:
        labels, num_classes, class_names = table.labels, table.num_classes, table.class_names
    else:
        labels, num_classes, class_names, remarks = _of_folders(
            tree, parts, class_folders, is_classes, split is not None
        )
        notes += remarks
    notes += [*_of_splits(names), *table.notes, *_passed_over(tree.others, table.files)]
    return Found(
        tree.where, records, labels, num_classes, split, class_names=class_names, notes=tuple(notes)
    )


def _top(images: list[str]) -> str:
    """The folder, such as "photos/", that alone holds folders with all images; "" if none does.

    It ends before the folder of a split, and is none if images lie in it.
    """
    if not images:
        return ""
    common = _common(images)
    names = common.split("/") if common else []
    for number, name in enumerate(names):
        if split_of(name):
            return "".join(f"{each}/" for each in names[:number])
    is_flat = any(path.rpartition("/")[0] == common for path in images)
    return "" if is_flat or not common else f"{common}/"


def _common(images: list[str]) -> str:
    """The innermost folder with all images, which are sorted; "" for the top."""
    return os.path.commonprefix([images[0], images[-1]]).rpartition("/")[0] if images else ""


def _above(images: list[str]) -> set[str]:
    """The folders that hold all of the images, each "" or ending with a slash."""
    common = _common(images)
    names = common.split("/") if common else []
    return {"".join(f"{each}/" for each in names[:number]) for number in range(len(names) + 1)}


# --- Splits --------------------------------------------------------------------------------------


def _split_folders(tree: Tree, parts, class_folders: bool | None) -> dict[str, str] | None:
    """{folder at the top: its split}; None if they are no splits."""
    names = {p[0]: split_of(p[0]) if len(p) > 1 else None for p in parts}
    if names and all(names.values()):
        return names
    if any(names.values()) and class_folders is None:
        mine = some_of(name for name in names if names[name])
        alone = sum(len(p) == 1 for p in parts)
        others = sorted({p[0] for p in parts if len(p) > 1 and not names[p[0]]})
        others = some_of([*others, f"{alone} images"] if alone else others)
        raise UserError(
            f"{tree.where} has {mine} beside {others}, so that it is not clear whether these are"
            f" splits: take {others} away, or set {tree.kind}.class_folders = True if all are"
            " classes, or False to read all as one set without labels"
        )
    return None


def _of_splits(names: dict[str, str] | None) -> list[str]:
    """A note for each split that is read from several folders."""
    merged = collections.defaultdict(list)
    for name, split in sorted((names or {}).items()):
        merged[split].append(name)
    return [
        f"the folders {some_of(folders)} are one split, {split}"
        for split, folders in merged.items()
        if len(folders) > 1
    ]


# --- Classes -------------------------------------------------------------------------------------


def _of_folders(tree: Tree, parts, asked: bool | None, is_classes: bool, has_splits: bool):
    """(labels, number of classes, their names, notes), by folders if they are classes."""
    folders = sorted({p[0] for p in parts if len(p) > 1}, key=natural_key)
    beside = sum(len(p) == 1 for p in parts)
    if asked is None and beside and len(folders) > 1 and not has_splits:
        raise UserError(
            f"{tree.where} has {beside} images beside {len(folders)} folders with images, so that"
            f" it is not clear whether folders are classes: set {tree.kind}.class_folders to True"
            f" or False, as by --gin_bindings='{tree.kind}.class_folders = True'"
        )
    if not is_classes:
        alone = asked is None and len(folders) == 1
        note = f"the one folder of images, {some_of(folders)}, is taken for no class"
        notes = [f"{note} ({tree.kind}.class_folders = True makes it one)"] if alone else []
        return None, None, None, notes
    if not folders:
        raise UserError(
            f"{tree.kind}.class_folders is True, and {tree.where} has no folders: remove the"
            " setting, or put each class into a folder"
        )
    numbers = {folder: number for number, folder in enumerate(folders)}
    labels = np.array([numbers[p[0]] if len(p) > 1 else -1 for p in parts], np.int32)
    notes = [f"{beside} images beside the folders of classes have no label"] if beside else []
    deeper = ["/".join(p) for p in parts if len(p) > 2]
    if deeper:
        folder = printable(deeper[0].rpartition("/")[0])
        notes.append(
            f"{len(deeper)} images lie deeper than the folder of their class, as in {folder}: only"
            " the uppermost counts"
        )
    return labels, len(folders), tuple(map(printable, folders)), notes


# --- What is passed over -------------------------------------------------------------------------


def _passed_over(others: list[str], used: tuple[str, ...]) -> list[str]:
    left = [name for name in others if name not in used and not _LITTER.search(name)]
    hidden = [name for name in left if is_hidden(name)]
    kinds = collections.Counter(_kind(name) for name in left if not is_hidden(name))
    notes = []
    if kinds:
        counted = [f"{number:,} {kind}" for kind, number in kinds.most_common()]
        notes.append(f"files passed over, for they are no images: {some_of(counted, 8)}")
    if hidden:
        notes.append(f"hidden files and folders passed over: {some_of(hidden)}")
    return notes


def _kind(name: str) -> str:
    """The ending of a file, or its name if it has none."""
    base = name.rpartition("/")[2]
    return os.path.splitext(base)[1].lower() or base
