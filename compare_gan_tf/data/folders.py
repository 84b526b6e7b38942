"""`folder:/path`: a folder of images, flat or with one folder for each class."""

import os

import gin

from compare_gan_tf.data import layout
from compare_gan_tf.data.naming import NameOrFalse, printable
from compare_gan_tf.data.own_images import Found
from compare_gan_tf.data.records import Files, read_range
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import checked


@gin.configurable("folder", module="data", denylist=["path"])
@checked(name="folder")
def find(
    path: str,
    class_folders: bool | None = None,
    label_file: NameOrFalse | None = None,
    label_column: str | None = None,
) -> Found:
    """Finds the images of a folder and of all folders in it, by their extensions.

    Folders at the top whose names say train, validation (val, valid, dev, eval) or test are the
    splits, if all are. Below them, or at the top if there are none, a folder is a class and its
    name the class's, in natural order; folders in it are read too. A folder that alone holds all
    these is looked into. What is passed over is in `Dataset.notes`, and so are hidden files.

    A label file beside the images, or in each folder of a split, is one named `dataset.json`, or
    `labels` or `metadata` with the ending .csv, .tsv, .txt, .json or .jsonl: see `label_files` for
    its forms. It must name every image, and no others.

    Args:
      path: of the folder.
      class_folders: whether the folders are classes; None if there are several and no images
        beside them.
      label_file: a path from the folder, or an absolute one, of the file with the labels; False if
        none is to be used; None for the rule above.
      label_column: of the label file; None for the one named label, class, target or the like.

    Raises:
      UserError: there is no such folder, a link leads out of it, images lie beside folders, folders
        of splits beside others, or it is not clear whether a file has the labels.
    """
    root = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(root):
        raise UserError(f"there is no folder {path} (data.load.name = 'folder:{path}')")
    images, others = _walked(root)
    tree = layout.Tree(
        where=f"the folder {printable(path)}",
        kind="folder",
        images=images,
        others=others,
        read=lambda name: read_range(os.path.join(root, name)),
    )
    records = Files(root, layout.encoded(images))
    return layout.found(tree, records, class_folders, label_file, label_column)


def _walked(root: str) -> tuple[list[str], list[str]]:
    """Paths of the images relative to `root`, and of all that is passed over, both sorted.

    What has the name of an image and is no file, such as a pipe, is among the images: it is broken.
    """
    images, others, pending = [], [], [""]
    while pending:
        folder = pending.pop()
        for entry in _entries(root, folder):
            path = folder + entry.name
            if layout.is_hidden(entry.name):
                others.append(path)
                continue
            if entry.is_symlink():
                _refuse_link_out(entry.path, root)
            if _is_folder(entry):
                if not entry.is_symlink():  # what it leads to is in the folder already
                    pending.append(f"{path}/")
            else:
                (images if layout.is_image(entry.name) else others).append(path)
    return sorted(images), sorted(others)


def _entries(root: str, folder: str) -> list[os.DirEntry]:
    where, cure = os.path.join(root, folder), "mend its permissions or take it away"
    with as_user_error(f"the folder {printable(where)} cannot be read", OSError, cure=cure):
        with os.scandir(where) as entries:
            return list(entries)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _refuse_link_out(path: str, root: str) -> None:
    target = os.path.realpath(path)
    if os.path.commonpath([target, root]) != root:
        raise UserError(
            f"{printable(path)} is a link out of the folder, to {printable(target)}: put the file"
            " itself there"
        )
