"""The forms of label files, as pairs of an image's name and its label.

* .json: StyleGAN's {"labels": [["a/1.png", 3], ...]} or {"labels": null}; {"a/1.png": 3, ...}; a
  list of such pairs or of records {"file_name": "a/1.png", "label": 3}.
* .jsonl: a record a line, as Hugging Face's metadata.jsonl.
* .csv, .tsv, .txt: a name and a label a line, separated by commas, semicolons, tabs or, in .txt,
  spaces; with or without a line of headings, and with one also more columns.
"""

import csv
import io
import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from compare_gan_tf.data.naming import printable, repeated, some_of
from compare_gan_tf.errors import UserError, as_user_error

_NAME_COLUMNS = (
    *("file_name", "filename", "file", "filepath", "file_path", "path", "fname"),
    *("image", "image_name", "image_path", "image_id", "img", "img_name", "img_path", "name", "id"),
)
_LABEL_COLUMNS = (
    *("label", "labels", "class", "class_id", "class_name", "classname"),
    *("category", "category_id", "target", "y"),
)
_NO_LABELS = ("text", "caption", "description", "prompt", "url", "split")


class Rows(NamedTuple):
    """What a label file says.

    Attributes:
      pairs: of a name and a label; None if it says that there are no labels.
      folders_are_shards: whether folders are no classes in this form.
      notes: a line each.
    """

    pairs: list[tuple[str, Any]] | None
    folders_are_shards: bool = False
    notes: tuple[str, ...] = ()


def read(
    where: str, name: str, content: bytes, column: str | None, setting: str
) -> Rows | list[str]:
    """Reads a label file; gives the columns that it has if none of them is that of the labels.

    Args:
      where: it lies, for messages.
      name: of the file, for its ending.
      content: of it.
      column: that of the labels, or None for the one named label, class or the like.
      setting: that names the column, for messages.

    Raises:
      UserError: it has another form.
    """
    with as_user_error(f"{where} is not in UTF-8", UnicodeDecodeError, cure="save it as UTF-8"):
        text = content.decode("utf-8-sig")
    ending = os.path.splitext(name)[1].lower()
    if ending == ".json":
        return _of_json(where, _parsed(where, text), column, setting)
    if ending == ".jsonl":
        lines = [line for line in text.splitlines() if line.strip()]
        records = [_parsed(f"line {i} of {where}", line) for i, line in enumerate(lines, 1)]
        return _of_records(where, records, column, setting)
    return _of_table(where, text, ending, column, setting)


# --- JSON ----------------------------------------------------------------------------------------


def _parsed(where: str, text: str):
    with as_user_error(f"{where} is no JSON", ValueError, RecursionError):
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(where, pairs))


def _unique(where: str, pairs: list[tuple]) -> dict:
    """The object that these pairs make, which JSON allows to have one name twice."""
    twice = repeated(name for name, _ in pairs)
    if twice is not None:
        raise UserError(f"{where} has {printable(twice)!r} twice: take one away")
    return dict(pairs)


def _of_json(where: str, found, column: str | None, setting: str) -> Rows | list[str]:
    is_stylegans, notes = False, ()
    if isinstance(found, dict) and isinstance(found.get("labels", 0), list | dict | None):
        is_stylegans = True
        others = [key for key in found if key != "labels"]
        notes = (f"{where} has also {some_of(others)}, which is not used",) if others else ()
        found = found["labels"]
        if found is None:
            return Rows(None, is_stylegans, notes)
    if isinstance(found, list) and found and all(isinstance(each, dict) for each in found):
        return _of_records(where, found, column, setting)
    if isinstance(found, dict):
        found = [list(pair) for pair in found.items()]
    bad = found if not isinstance(found, list) else [each for each in found if not _is_pair(each)]
    if bad or bad is found:
        raise UserError(
            f'{where} is neither {{"labels": [["name", class], ...]}} nor {{"name": class, ...}}:'
            f" it has {printable(repr(bad)[:60])}"
        )
    return Rows([tuple(pair) for pair in found], is_stylegans, notes)


def _is_pair(each) -> bool:
    return isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)


def _of_records(where: str, records: list, column: str | None, setting: str) -> Rows | list[str]:
    if not all(isinstance(record, dict) for record in records):
        raise UserError(f'{where} is not {{"file_name": "name", "label": class}} in every line')
    header = list(dict.fromkeys(key for record in records for key in record))
    chosen = _columns(where, header, column, setting)
    if chosen is None:
        return header
    name, label = chosen
    for number, record in enumerate(records, 1):
        if not isinstance(record.get(name), str):
            raise UserError(f"record {number} of {where} has no text as its {printable(name)!r}")
    pairs = [(record[name], record.get(label)) for record in records]
    return Rows(pairs, notes=_unused(where, header, chosen))


# --- Tables --------------------------------------------------------------------------------------


def _of_table(
    where: str, text: str, ending: str, column: str | None, setting: str
) -> Rows | list[str]:
    rows = _cells(where, text, ending)
    if not rows:
        kind = setting.partition(".")[0]
        raise UserError(f"{where} is empty: set {kind}.label_file = False to use no label file")
    header = [f"{number}" for number in range(1, len(rows[0]) + 1)]
    first = 1
    if _is_header(rows, column):
        header, rows, first = rows[0], rows[1:], 2
    for number, row in enumerate(rows, first):
        if len(row) != len(header):
            raise UserError(
                f"row {number} of {where} has {len(row)} cells and the first {len(header)}: mend it"
            )
    chosen = _columns(where, header, column, setting)
    if chosen is None:
        return header
    name, label = map(header.index, chosen)
    notes = _unused(where, header, chosen) if first == 2 else ()
    return Rows([(row[name], row[label] or None) for row in rows], notes=notes)


def _cells(where: str, text: str, ending: str) -> list[list[str]]:
    line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = "\t" if ending == ".tsv" else max(",;\t", key=line.count)
    if ending == ".txt" and delimiter not in line:
        rows: Iterable[list[str]] = (line.rsplit(None, 1) for line in text.splitlines())
        return [row for row in rows if row]
    with as_user_error(f"{where} is no table of names and labels", csv.Error):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    rows = [[cell.strip() for cell in row] for row in rows]
    return [row for row in rows if any(row)]


def _is_header(rows: list[list[str]], column: str | None) -> bool:
    """Whether the first row names the columns."""
    known = {*_NAME_COLUMNS, *_LABEL_COLUMNS, column}
    if column in rows[0] or any(cell.lower() in known for cell in rows[0][:1] + rows[0][1:]):
        return not any(_is_file(cell) for cell in rows[0])
    return len(rows) > 1 and not any(map(_is_file, rows[0])) and any(map(_is_file, rows[1]))


def _is_file(cell: str) -> bool:
    return os.path.splitext(cell)[1][1:].isalnum()


# --- Columns -------------------------------------------------------------------------------------


def _columns(
    where: str, header: list[str], column: str | None, setting: str
) -> tuple[str, str] | None:
    """Those of the names and of the labels; None if it is not clear which has the labels."""
    lower = {name.lower(): name for name in header}
    labels = [lower[name] for name in _LABEL_COLUMNS if name in lower]
    if column is not None:
        if column not in header:
            raise UserError(f"{setting} = {column!r}: {where} has {some_of(header)}")
        labels = [column]
    names = [lower[name] for name in _NAME_COLUMNS if name in lower and lower[name] not in labels]
    names = names or [name for name in header if name not in labels[:1]]
    if not names:
        raise UserError(f"{where} has only the column {some_of(header)}: a name and a label belong")
    if not labels:
        labels = [name for name in header if name != names[0]]
        if len(labels) != 1 or labels[0].lower() in _NO_LABELS:
            return None
    if len(labels) > 1:
        raise UserError(f"{where} has {some_of(labels)}: say which has the labels by {setting}")
    return names[0], labels[0]


def _unused(where: str, header: list[str], chosen: tuple[str, str]) -> tuple[str, ...]:
    others = [name for name in header if name not in chosen]
    return (f"the columns {some_of(others)} of {where} are not used",) if others else ()
