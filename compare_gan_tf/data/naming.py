"""Names of files and classes: their natural order, and how a message of one line shows them."""

import re
from collections.abc import Iterable


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


def some_of(names: Iterable[str], most: int = 5) -> str:
    """The names in one line; of many, the first."""
    names = list(names)
    shown = ", ".join(printable(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
