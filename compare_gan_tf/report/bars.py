"""Bars of the leaderboard: where intervals and quartiles lie, in per cent of a cell."""

import math

from compare_gan_tf.comparison.table import Table
from compare_gan_tf.report import theme

_ENDS = (0.0, 100.0)  # of a cell, which an interval reaches that failed runs reach
_KEYS = ("best", "best_low", "best_high", "lower_quartile", "upper_quartile")


def bars(leaderboard: Table) -> list[dict[str, float] | None]:
    """One for each row: {"middle", "low", "high", "left", "right"}; None where no median is known.

    All rows of a data set are on one scale, logarithmic where their values span a decade.
    """
    scales = {
        task: _scale([row[key] for row in leaderboard.where(task=task) for key in _KEYS])
        for task in dict.fromkeys(row["task"] for row in leaderboard.rows)
    }
    return [_bar(row, scales[row["task"]]) for row in leaderboard.rows]


def _scale(values: list[float | None]):
    values = [value for value in values if value is not None]
    if not values:
        return lambda value: 0.0
    turn = math.log if theme.axis_kind(values) == "log" else float
    low, high = turn(min(values)), turn(max(values))
    span = (high - low) or 1.0
    return lambda value: round(2.0 + 96.0 * (turn(value) - low) / span, 2)


def _bar(row: dict, scale) -> dict[str, float] | None:
    middle, low, high, left, right = (row[key] for key in _KEYS)
    if middle is None:
        return None
    span = (middle, middle) if low is None and high is None else (low, high)
    low, high = (
        end if value is None else scale(value) for value, end in zip(span, _ENDS, strict=True)
    )
    box = (None, None) if None in (left, right) else (scale(left), scale(right))
    return {"middle": scale(middle), "low": low, "high": high, "left": box[0], "right": box[1]}
