"""Names of files and classes: their natural order, and how a message of one line shows them."""

import collections
import re
from collections.abc import Iterable
from typing import Annotated

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Made

_LIKE_LABELS = re.compile(r"label|target|class|categor|(^|[_/])y([_/]|$)|^arr_1$", re.I)
NameOrFalse = Annotated[
    str | bool,
    Made(lambda value: value is not True, like="a name in quotes, or False for no labels"),
]


def natural_key(name: str):
    """Sorts "class10" after "class2": numbers in a name count as numbers."""
    parts = re.split("([0-9]+)", name)
    for place in range(1, len(parts), 2):  # the digits; of any length, so they are no `int`
        digits = parts[place].lstrip("0")
        parts[place] = (len(digits), digits)
    return parts, name


def printable(name: str) -> str:
    """The name with what would break or garble a line escaped: newlines, bytes out of no UTF-8."""
    return name if name.isprintable() else repr(name)[1:-1]


def repeated(names: Iterable[str]) -> str | None:
    """The first name that is there more than once, or None."""
    return next((name for name, n in collections.Counter(names).items() if n > 1), None)


def some_of(names: Iterable[str], most: int = 5) -> str:
    """The names in one line; of many, the first."""
    names = list(names)
    shown = ", ".join(printable(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def refuse_lost_labels(
    others: Iterable[str],
    where: str,
    setting: str | None,
    asked: str | bool | None,
    has_labels: bool,
) -> None:
    """Refuses data whose labels may be lost, for their name is not understood.

    Args:
      others: names of what is neither images nor labels: arrays, or features of records.
      where: they lie, for messages.
      setting: that names the labels; None if there is none.
      asked: its value; None for the rule.
      has_labels: whether labels are found.

    Raises:
      UserError: nothing has the name that is asked for; or, where none is asked for, one of the
        others sounds like labels.
    """
    others = list(others)
    if asked and not has_labels:
        raise UserError(f"{setting} = {asked!r}: {where} has {some_of(others)}")
    like = [name for name in others if _LIKE_LABELS.search(name)]
    if like and asked is None:
        right = "the one that is used" if has_labels else "False for no labels"
        cure = f"set {setting} to the name of the labels, or to {right}"
        raise UserError(
            f"{where} has {some_of(like)}, which may be the labels:"
            f" {cure if setting else 'call the labels labels, and leave out what is none'}"
        )
