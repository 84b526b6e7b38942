"""Prints scores: those of a run's checkpoints, or of two sides."""

from collections.abc import Sequence

from compare_gan_tf.bin import output
from compare_gan_tf.errors import UserError

_OF_SIDES = ("score", "value", "95 % interval", "protocol")
_OF_RUN = ("step", "score", "split", "value", "95 % interval")


def show_run(model_dir: str, rows: Sequence[dict], *, as_json: bool = False) -> None:
    """Prints the scores of a run, the warnings, and the best and the last checkpoint.

    Args:
      model_dir: folder of the run.
      rows: its scores.
      as_json: whether one JSON object is printed in place of text.

    Raises:
      UserError: all scores failed; the message says why.
    """
    from compare_gan_tf import evaluation
    from compare_gan_tf.runs import best, results
    from compare_gan_tf.training import services

    kept, floors = best.read(model_dir), results.read(results.floor_path(model_dir))
    summary = evaluation.summary(rows, kept, floors)
    warnings = evaluation.warning_lines(rows)
    if as_json:
        found = {"scores": rows, "best": kept, "floors": floors}
        output.show_json(found | {"summary": summary, "warnings": warnings})
    elif output.is_terminal():
        output.show_table(_OF_RUN, list(map(_row, rows)), right=(0, 3))
    else:
        for row in rows:
            value = f"failed: {row['reason']}" if row["value"] is None else f"{row['value']:.4f}"
            print(f"step {row['step']:>8}  {row['metric']} {row['split']:<10} {value}")
    services.log_scores(model_dir, rows)
    if rows and all(row["value"] is None for row in rows):
        raise UserError(f"none of {len(rows)} scores has a value: {rows[-1]['reason']}")
    if not as_json:
        for line in (*warnings, *summary):
            print(line)


def _row(row: dict) -> tuple[str, ...]:
    from compare_gan_tf.evaluation.scores import cells

    return str(row["step"]), row["metric"], row["split"], *cells(row)


def show_sides(found, *, as_json: bool = False) -> None:
    """Prints the `evaluation.scores.Scores` of two sides.

    Raises:
      UserError: all scores failed; the message says why.
    """
    if as_json:
        output.show_json(found.to_dict())
    elif output.is_terminal():
        _draw_sides(found)
    else:
        print(found)
    if all(row["value"] is None for row in found.rows):
        raise UserError(f"none of the scores has a value: {found.rows[0]['reason']}")


def _draw_sides(found) -> None:
    from compare_gan_tf import evaluation
    from compare_gan_tf.evaluation.scores import cells

    tables = {"": found.rows}
    if found.against is not None:
        tables |= {found.against["name"]: found.against_rows}
        tables |= {"difference, first minus second": found.differences}
    for title, rows in tables.items():
        if title:
            output.show(f"{title}:")
        shown = [(row["metric"], *cells(row), row["protocol_id"]) for row in rows]
        output.show_table(_OF_SIDES, shown, right=(1,))
    for line in evaluation.warning_lines([*found.rows, *found.against_rows]):
        output.show(line)
