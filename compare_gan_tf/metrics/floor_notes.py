"""Notes on scores of fakes that are better than the floor, the score of real samples."""

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import registry
from compare_gan_tf.runs import results

_WITHIN = "better than the floor, but within its interval: chance, real samples score so too"
_BEYOND = (
    "better than the floor, beyond its interval: fakes that repeat real samples, or vary less than"
    " the data, score so"
)


def notes(rows, floors: list[results.Row]) -> list[str]:
    """Up to two lines: scores within the floor's interval, and scores beyond it.

    Args:
      rows: rows of scores.
      floors: rows of scores of real samples in place of fakes.
    """
    found: dict[str, dict] = {}
    for row in rows:
        floor = results.floor_of(row, floors)
        if floor is not None and _is_better(row, floor["value"]):
            bounds = floor["interval"] or [floor["value"]]
            meaning = _WITHIN if min(bounds) <= row["value"] <= max(bounds) else _BEYOND
            name = f"{row['metric']} {row['split']}, step {row['step']:,}"
            found.setdefault(meaning, {})[name] = None
    return [f"{meaning} ({'; '.join(names)})" for meaning, names in found.items()]


def _is_better(row: results.Row, floor: float) -> bool:
    """Whether a score is better than the floor; False without a value or a direction."""
    try:
        metric = registry.find(row["protocol"].get("metric", row["metric"]))
        higher = metric.scores.get(row["metric"])
    except (UserError, TypeError):  # of another version, or made up
        return False
    if higher is None or row["value"] is None:
        return False
    return row["value"] > floor if higher else row["value"] < floor
