"""What verbs print: tables, and one JSON document with --json.

On a terminal, tables are drawn by Rich, which keeps to NO_COLOR. Elsewhere they are lines of plain
text with aligned columns, for pipes and programs. Progress bars are tqdm's everywhere: the parts
below `bin` show them, also in a notebook, and tqdm writes them from the thread that works, where
Rich would start one and take stdout and stderr over.
"""

import json
import sys
from collections.abc import Sequence

from absl import flags

from compare_gan_tf.bin.command import show

Rows = Sequence[Sequence[str]]


def define_json_flag(flag_values: flags.FlagValues, text: str = "Print one JSON object.") -> None:
    """Defines `--json`."""
    flags.DEFINE_bool("json", False, text, flag_values=flag_values)


def show_json(document) -> None:
    """Prints a document of dicts, lists and numbers, also those of numpy; NaN is null."""
    show(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value):
    """The value as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):  # an array or a scalar of numpy
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return None
    return value


def is_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def show_table(header: Sequence[str], rows: Rows, right: Sequence[int] = ()) -> None:
    """Prints a table.

    Args:
      header: a heading for each column; () for none.
      rows: of cells.
      right: indices of the columns that are aligned to the right.
    """
    if is_terminal():
        _draw(header, rows, right)
    else:
        show(as_text([header, *rows] if header else rows, right))


def as_text(rows: Rows, right: Sequence[int] = ()) -> str:
    """Lines with aligned columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [str.rjust if i in right else str.ljust for i in range(len(widths))]
    return "\n".join(
        "  ".join(
            align(cell, width) for align, cell, width in zip(aligned, row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _draw(header: Sequence[str], rows: Rows, right: Sequence[int]) -> None:
    from rich import box, console, table, text

    drawn = table.Table(
        box=box.SIMPLE_HEAD, show_header=bool(header), header_style="bold", pad_edge=False
    )
    for i in range(len(rows[0]) if rows else len(header)):
        justify = "right" if i in right else "left"
        drawn.add_column(header[i] if header else "", justify=justify, overflow="fold")
    for row in rows:
        drawn.add_row(*map(text.Text, row))  # plain: brackets of an interval are no markup
    console.Console().print(drawn)
