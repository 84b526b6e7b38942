"""Tables of a comparison as lines of text, for a terminal."""

from collections.abc import Sequence

from compare_gan_tf.comparison.table import LONG, TEXT, Column, Table, interval_text

# The columns of a leaderboard that tell the most, for a screen of 100 characters.
LEADERBOARD = ("place", "task", "variant", "best", "letters", "seeds", "runs", "failed")


def text(table: Table, keys: Sequence[str] = LEADERBOARD) -> str:
    """A line for each row; a column that says the same in all rows is left out, but for the score.

    Args:
      table: of a comparison.
      keys: of its columns, in order.
    """
    chosen = {column.key: column for column in table.columns}
    columns = [chosen[key] for key in keys if key in chosen]
    rows = [[_cell(row, column) for column in columns] for row in table.rows]
    several = [
        column.interval
        or column.kind in (TEXT, LONG)
        and len({row[i] for row in rows}) > 1
        or column.kind not in (TEXT, LONG)
        for i, column in enumerate(columns)
    ]
    lines = [[column.heading for column in columns], *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            _pad(one, width, column)
            for one, width, column, shown in zip(line, widths, columns, several, strict=True)
            if shown
        ).rstrip()
        for line in lines
    )


def _cell(row: dict, column: Column) -> str:
    value = row[column.key]
    if value is None:
        return "failed" if column.interval else ""
    if column.interval:
        return interval_text(row, column.key, 3)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _pad(one: str, width: int, column: Column) -> str:
    return one.ljust(width) if column.kind in (TEXT, LONG) or column.interval else one.rjust(width)
