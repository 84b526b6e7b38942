"""A table of facts, for a page, a spreadsheet and a program."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Iterable
from typing import Any

TEXT, NUMBER, WHOLE, SHARE, LONG = "text", "number", "whole", "share", "long"


@dataclasses.dataclass(frozen=True)
class Column:
    """What one field of the rows is.

    Attributes:
      key: of the field.
      heading: in words.
      kind: TEXT, LONG (text of many words), NUMBER, WHOLE or SHARE (in [0, 1]).
      interval: whether the fields `<key>_low` and `<key>_high` bound it.
    """

    key: str
    heading: str
    kind: str = NUMBER
    interval: bool = False

    def keys(self) -> list[str]:
        """Of the field and of its bounds."""
        return [self.key, *(f"{self.key}_{end}" for end in ("low", "high") if self.interval)]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of plain values; None where nothing is known, or where failed runs reach.

    Attributes:
      name: of files.
      title: in words.
      note: what the numbers are and how they were made.
      columns: in order.
      rows: {key: value} of every column.
    """

    name: str
    title: str
    note: str
    columns: list[Column]
    rows: list[dict[str, Any]]

    def keys(self) -> list[str]:
        """Of all fields, bounds of intervals too."""
        return [key for column in self.columns for key in column.keys()]

    def csv(self) -> str:
        """RFC 4180: a row of keys, then the rows; what is not known is empty."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(self.keys())
        writer.writerows([row[key] for key in self.keys()] for row in self.rows)
        return file.getvalue()

    def json(self) -> str:
        """An object with name, title, note, columns {key: heading} and rows."""
        rows = [{key: row[key] for key in self.keys()} for row in self.rows]
        columns = {column.key: column.heading for column in self.columns}
        value = {"name": self.name, "title": self.title, "note": self.note}
        return json.dumps(value | {"columns": columns, "rows": rows}, allow_nan=False, indent=1)

    def where(self, **wanted) -> list[dict[str, Any]]:
        """The rows whose fields have these values."""
        return [row for row in self.rows if all(row[key] == one for key, one in wanted.items())]


def known(value) -> float | None:
    """A finite number, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


def bounded(key: str, interval: Iterable) -> dict[str, float | None]:
    """The fields of a column with an interval (value, low, high)."""
    return dict(zip(Column(key, "", interval=True).keys(), map(known, interval), strict=True))


def interval_text(row: dict, key: str, digits: int = 4) -> str:
    """As in 12.3 [11, 14]; a bound that is not finite, since failed runs reach it, is "failed"."""
    ends = [row[f"{key}_{end}"] for end in ("low", "high")]
    value = f"{row[key]:.{digits}g}"
    if ends == [None, None]:
        return value
    low, high = ("failed" if one is None else f"{one:.{digits}g}" for one in ends)
    return f"{value} [{low}, {high}]"


def metric_title(metric: str) -> str:
    """FID, Kid full: what is short is an abbreviation."""
    return metric.upper() if len(metric) <= 3 else metric.replace("_", " ").capitalize()


def metric_name(metric: str) -> str:
    """FID, kid full: `metric_title` within a sentence."""
    return metric.upper() if len(metric) <= 3 else metric.replace("_", " ")
