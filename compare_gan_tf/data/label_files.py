"""Which file beside the images has their labels, and the label of each image.

The forms are in `label_forms`. A file must name every image and no others: by its path from the
file's folder or from the top, by the file's name alone where that is unique, or either without the
ending.
"""

import dataclasses
import os
import re
import unicodedata

import numpy as np

from compare_gan_tf.data import label_forms, label_values
from compare_gan_tf.data.naming import printable, some_of
from compare_gan_tf.data.records import read_range
from compare_gan_tf.errors import UserError, as_user_error

_TABLES = (".csv", ".json", ".jsonl", ".tsv", ".txt")
_KNOWN = re.compile(r"(dataset\.json|(labels?|metadata)\.(csv|json|jsonl|tsv|txt))", re.I)
_MOST_BYTES = 2**28  # of a label file
_GLANCE, _GLANCES = 2**16, 20  # bytes that tell whether a file names images; files looked at


@dataclasses.dataclass(frozen=True)
class Labels:
    """What the label files say; without any, `files` is empty.

    Attributes:
      files: paths of those that are used.
      labels: int32 [N] or float32 [N, K], or None if they give none.
      num_classes, class_names: or None.
      notes: a line each.
    """

    files: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def find(
    tree,
    places: set[str],
    asked: str | bool | None,
    column: str | None,
    class_folders: bool | None,
    is_classes: bool,
) -> Labels:
    """Reads the labels that a folder's or archive's label files give to its images.

    Args:
      tree: see `layout.Tree`.
      places: folders where label files may lie, each "" or ending with a slash.
      asked, column, class_folders: the settings label_file, label_column and class_folders.
      is_classes: whether, without a label file, folders are the classes.

    Raises:
      UserError: it is not clear which file has the labels, or it does not fit to the images.
    """
    if asked is False:
        return Labels()
    files = _named(tree, places, asked) if asked else _known(tree, places)
    if files and not asked and class_folders:
        return Labels(notes=(_not_used(tree, files),))
    read = {file: _rows(tree, file, column, strict=bool(asked)) for file in files}
    without = [file for file in files if read[file] is None]
    notes = [f"{printable(file)} has no column of labels" for file in without]
    files = [file for file in files if read[file] is not None]
    if not files:
        if column is not None:
            raise UserError(
                f"{tree.kind}.label_column = {column!r}: {tree.where} has no label file; set"
                f" {tree.kind}.label_file"
            )
        hint = None if asked or is_classes else _table_with_names(tree, places, without)
        if hint:
            raise UserError(
                f"{tree.where} has no labels, but {printable(hint)} names images of it:"
                f" {_cures(tree, [hint])}"
            )
        return Labels(notes=tuple(notes))
    if is_classes and asked is None and class_folders is None:
        if not all(read[file].folders_are_shards for file in files):
            raise UserError(
                f"{tree.where} has folders of classes and {some_of(files)}: {_cures(tree, files)}"
            )
    notes += [note for file in files for note in read[file].notes]
    return _labels(tree, files, read, notes)


# --- Which file ----------------------------------------------------------------------------------


def _known(tree, places) -> list[str]:
    """The files that are label files by their names."""
    lying = [name for name in tree.others if _place_of(name) in places]
    known = [name for name in lying if _KNOWN.fullmatch(name.rpartition("/")[2])]
    bases = {name.rpartition("/")[2].lower() for name in known}
    above = [name for name in known for other in known if _is_above(name, other)]
    if len(bases) > 1 or above:
        raise UserError(f"{tree.where} has {some_of(known)}: {_cures(tree, known)}")
    return known


def _place_of(name: str) -> str:
    folder, slash, _ = name.rpartition("/")
    return folder + slash


def _is_above(name: str, other: str) -> bool:
    """Whether a file's folder holds that of another file, or is the same."""
    return name != other and _place_of(other).startswith(_place_of(name))


def _named(tree, places, asked: str) -> list[str]:
    """The file that a setting names: one, or one in each folder of a split."""
    others = set(tree.others)
    if asked in others or os.path.isabs(asked):
        return [asked]
    files = [place + asked for place in sorted(places) if place + asked in others]
    if not files:
        tables = [name for name in tree.others if name.lower().endswith(_TABLES)]
        there = f"; there are {some_of(tables)}" if tables else ""
        raise UserError(
            f"{tree.kind}.label_file = {asked!r}: there is no such file in {tree.where}{there}"
        )
    return files


def _not_used(tree, files) -> str:
    return (
        f"{some_of(files)} is not used, for {tree.kind}.class_folders is True"
        f" ({tree.kind}.label_file names it to use it)"
    )


def _cures(tree, files) -> str:
    name = files[0].rpartition("/")[2]
    return (
        f"set {tree.kind}.label_file = {name!r} to take the labels from it, or"
        f" {tree.kind}.label_file = False to use no label file"
    )


def _table_with_names(tree, places, without: list[str]) -> str | None:
    """A table beside the images that names some of them, so that it may have their labels."""
    tables = [
        name
        for name in tree.others
        if _place_of(name) in places and name.lower().endswith(_TABLES) and name not in without
    ]
    images = {path.rpartition("/")[2] for path in tree.images}
    for name in tables[:_GLANCES]:
        text = _content(tree, name)[:_GLANCE].decode(errors="replace")
        cells = re.split(r'[\s,;"\'/\\|\[\]{}]+', text)
        if len(images.intersection(cells)) >= min(2, len(images)):
            return name
        # A .csv may leave out the endings; then most of its first column are names.
        first = [re.split(r"[,;\t]", line)[0].strip('" ') for line in text.splitlines()[1:21]]
        stems = {_stem(image) for image in images} if name.endswith(".csv") else ()
        if first and sum(cell in stems for cell in first) > len(first) / 2:
            return name
    return None


# --- The labels ----------------------------------------------------------------------------------


def _content(tree, file: str) -> bytes:
    with as_user_error(f"the label file {printable(file)} cannot be read", OSError, ValueError):
        content = read_range(file) if os.path.isabs(file) else tree.read(file)
    if len(content) > _MOST_BYTES:
        raise UserError(
            f"the label file {printable(file)} has {len(content):,} bytes, more than the"
            f" {_MOST_BYTES:,} that are read: set {tree.kind}.label_file = False, or shorten it"
        )
    return content


def _rows(tree, file: str, column: str | None, strict: bool) -> label_forms.Rows | None:
    """What a file says; None if it has no column of labels, and none is asked of it."""
    where = f"the label file {printable(file)}"
    setting = f"{tree.kind}.label_column"
    rows = label_forms.read(where, file, _content(tree, file), column, setting)
    may_lack = re.match("metadata", file.rpartition("/")[2], re.I) and not strict
    if isinstance(rows, label_forms.Rows):
        return rows
    if may_lack and column is None:
        return None
    raise UserError(
        f"{where} has the columns {some_of(rows)}: say which has the labels by {setting}, or set"
        f" {tree.kind}.label_file = False"
    )


def _labels(tree, files, read, notes) -> Labels:
    """Joins the files, and gives each image the value that its name has."""
    values = [_MISSING] * len(tree.images)
    for file in files:
        place = "" if os.path.isabs(file) else _place_of(file)
        inside = [i for i, path in enumerate(tree.images) if path.startswith(place)]
        paths = [tree.images[i][len(place) :] for i in inside]
        rows = read[file]
        if rows.pairs is None:
            notes.append(f"{printable(file)} says that there are no labels")
            continue
        found = _matched(f"{tree.where}, {printable(file)}", paths, rows.pairs, tree.kind)
        for i, value in zip(inside, found, strict=True):
            values[i] = value
    known = [value is not _MISSING for value in values]
    if not any(known):
        return Labels(files=tuple(files), notes=tuple(notes))
    if not all(known):
        missing = tree.images[known.index(False)]
        raise UserError(
            f"{some_of(files)} of {tree.where} has no label for {known.count(False)} of"
            f" {len(known)} images, such as {printable(missing)}: add them, with an empty label or"
            f" null if they have none, or set {tree.kind}.label_file = False"
        )
    labels, num_classes, names = label_values.numbered(values, tree.images, some_of(files))
    if labels is None:
        notes.append(f"{some_of(files)} has a label for no image")
    return Labels(tuple(files), labels, num_classes, names, tuple(notes))


_MISSING = object()


def _matched(where: str, paths: list[str], pairs: list[tuple], kind: str) -> list:
    """The value of each path, or `_MISSING`."""
    table = {}
    for name, value in pairs:
        name = _plain(name)
        if name in table and table[name] != value:
            raise UserError(f"{where} has two labels for {printable(name)}: mend one")
        table[name] = value
    paths = [_plain(path) for path in paths]
    for of_path, of_name in _WAYS:
        keys = [of_path(path) for path in paths]
        named = {of_name(name): value for name, value in table.items()}
        unique = len(set(keys)) == len(keys) and len(named) == len(table)
        if unique and not named.keys().isdisjoint(keys):
            break
    else:
        raise UserError(
            f"{where} names none of the images, such as {printable(paths[0]) if paths else 'none'},"
            f" but {some_of(table, 1) or 'nothing'}: mend it, or set {kind}.label_file = False"
        )
    unknown = sorted(named.keys() - set(keys))
    if unknown:
        raise UserError(
            f"{where} names {len(unknown)} images that are not there: {some_of(unknown)}; take"
            f" these lines away, or set {kind}.label_file = False"
        )
    return [named.get(key, _MISSING) for key in keys]


def _plain(name: str) -> str:
    """A path as all systems write it."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    return name.removeprefix("./")


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]


# How a path and a name in the table may meet, the strictest first.
_WAYS = (
    (str, str),
    (_stem, str),
    (os.path.basename, os.path.basename),
    (lambda path: _stem(os.path.basename(path)), os.path.basename),
)
