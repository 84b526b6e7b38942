"""Tables of a comparison as rows of text, for a terminal."""

from collections.abc import Sequence

from compare_gan_tf.comparison.table import LONG, TEXT, Column, Table, interval_text

# The columns of a leaderboard that tell the most, for a screen of 100 characters.
LEADERBOARD = ("place", "task", "variant", "best", "letters", "seeds", "runs", "failed")


def table(
    found: Table, keys: Sequence[str] = LEADERBOARD
) -> tuple[list[str], list[list[str]], list[int]]:
    """A row of cells for each row; a column that says the same in all is left out, but the score.

    Args:
      found: of a comparison.
      keys: of its columns, in order.

    Returns:
      The headings, the rows, and the indices of the columns that are aligned to the right.
    """
    chosen = {column.key: column for column in found.columns}
    columns = [chosen[key] for key in keys if key in chosen]
    cells = [[_cell(row, column) for row in found.rows] for column in columns]
    shown = [
        (column, one)
        for column, one in zip(columns, cells, strict=True)
        if column.interval or column.kind not in (TEXT, LONG) or len(set(one)) > 1
    ]
    headings = [column.heading for column, _ in shown]
    rows = [list(row) for row in zip(*(one for _, one in shown), strict=True)]
    of_numbers = [
        i
        for i, (column, _) in enumerate(shown)
        if column.kind not in (TEXT, LONG) and not column.interval
    ]
    return headings, rows, of_numbers


def _cell(row: dict, column: Column) -> str:
    value = row[column.key]
    if value is None:
        return "failed" if column.interval else ""
    if column.interval:
        return interval_text(row, column.key, 3)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
