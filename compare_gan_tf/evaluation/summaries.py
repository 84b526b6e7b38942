"""What a run has come to: its best and its last checkpoint, and what real samples would score."""

from compare_gan_tf.evaluation.scores import number
from compare_gan_tf.metrics import floor_notes
from compare_gan_tf.runs import results


def summary(rows: list[results.Row], kept: dict | None, floors=()) -> list[str]:
    """A line for the best checkpoint, one for the last, and one for real samples in their place;
    one more where fakes score better than those, see `floor_notes`.

    Args:
      rows: of scores.
      kept: what `best.json` says, or None.
      floors: rows of real samples in place of fakes, see `floors`.
    """
    titles = {"best": "best", "last": "last"}
    if kept is not None:
        titles["best"] = f"best by {kept['metric']} on {kept['split']}"
    lines, named, shown = [], {}, []
    for name, found in results.best_and_last(rows, kept and kept["step"]).items():
        if found:
            values = ", ".join(_in_words(row) for row in found)
            lines.append(f"{titles[name]}, step {found[0]['step']}: {values}")
            shown += found
            for row in found:
                if (floor := results.floor_of(row, floors)) is not None:
                    named[row["metric"], row["split"], row["protocol_id"]] = floor
    if named:
        values = ", ".join(_in_words(floor) for floor in named.values())
        lines.append(f"floor, real samples in place of fakes: {values}")
        lines += floor_notes.notes(shown, list(floors))
    return lines


def _in_words(row: results.Row) -> str:
    name = f"{row['metric']} {row['split']}"
    if row["value"] is None:
        return f"{name} none"
    interval = row["interval"]
    bounds = f" [{', '.join(map(number, interval))}]" if interval else ""
    return f"{name} {number(row['value'])}{bounds}"
