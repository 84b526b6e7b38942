"""What a run has come to: its best and its last checkpoint, side by side."""

from compare_gan_tf import results
from compare_gan_tf.evaluation.scores import number


def summary(rows: list[results.Row], kept: dict | None) -> list[str]:
    """A line for the best checkpoint and one for the last, with all scores that they have.

    Args:
      rows: of scores.
      kept: what `best.json` says, or None.
    """
    titles = {"best": "best", "last": "last"}
    if kept is not None:
        titles["best"] = f"best by {kept['metric']} on {kept['split']}"
    lines = []
    for name, found in results.best_and_last(rows, kept and kept["step"]).items():
        if found:
            values = ", ".join(_in_words(row) for row in found)
            lines.append(f"{titles[name]}, step {found[0]['step']}: {values}")
    return lines


def _in_words(row: results.Row) -> str:
    name = f"{row['metric']} {row['split']}"
    if row["value"] is None:
        return f"{name} none"
    interval = row["interval"]
    bounds = f" [{', '.join(map(number, interval))}]" if interval else ""
    return f"{name} {number(row['value'])}{bounds}"
