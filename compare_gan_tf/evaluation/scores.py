"""The scores of two sides: as an object, as a JSON file that is written atomically, and as text."""

import contextlib
import dataclasses
import json
import os
import platform

import tensorflow as tf

import compare_gan_tf
from compare_gan_tf.errors import MISFITS, UserError, unwritable
from compare_gan_tf.evaluation import misleading
from compare_gan_tf.metrics import floor_notes
from compare_gan_tf.runs import manifest, results
from compare_gan_tf.storage import files, staging

_PACKAGES = ("tensorflow", "keras", "numpy")


@dataclasses.dataclass
class Scores:
    """The result of `pairs.evaluate`. `print` shows a table; `scores["fid"]` is a number.

    Attributes:
      rows: scores of `fake`: dicts with metric, value (None if it failed), reason (why it failed),
        interval, protocol, protocol_id, seconds and time.
      real: the real side: a dict of its name, split, number of samples and hash.
      fake: the fake side, likewise.
      against: the second fakes, likewise, or None.
      against_rows: scores of `against`.
      differences: rows of the scores of `fake` minus those of `against`.
      complete: whether all requested metrics have been tried.
    """

    rows: list[dict]
    real: dict
    fake: dict
    against: dict | None = None
    against_rows: list[dict] = dataclasses.field(default_factory=list)
    differences: list[dict] = dataclasses.field(default_factory=list)
    complete: bool = False

    def __getitem__(self, metric: str) -> float:
        """The value of a score.

        Raises:
          UserError: the score failed, or there is none of this name; the message says more.
        """
        row = next((row for row in self.rows if row["metric"] == metric), None)
        if row is None:
            raise UserError(f"there is no score {metric!r}: there are {', '.join(self.values())}")
        if row["value"] is None:
            raise UserError(f"{metric} has no value: {row['reason']}")
        return row["value"]

    def __iter__(self):
        """The names of the scores."""
        return iter(self.values())

    def values(self) -> dict[str, float | None]:
        """{name of the score: its value, None if it failed}."""
        return {row["metric"]: row["value"] for row in self.rows}

    def to_dict(self) -> dict:
        """The contents of the JSON file."""
        found = {
            "real": self.real,
            "fake": self.fake,
            "scores": self.rows,
            "complete": self.complete,
            "versions": versions(),
        }
        if self.against is not None:
            found |= {
                "against": self.against,
                "against_scores": self.against_rows,
                "differences": self.differences,
            }
        return found

    def __str__(self):
        parts = [table(self.rows)]
        if self.against is not None:
            parts += [f"\n{self.against['name']}:", table(self.against_rows)]
            parts += ["\ndifference, first minus second:", table(self.differences)]
        parts += misleading.lines([*self.rows, *self.against_rows])
        return "\n".join(parts)


def versions() -> dict[str, str]:
    """{package: version} of the software that computed the scores."""
    found = {name: manifest.version_of(name) for name in _PACKAGES}
    return {
        "compare_gan_tf": compare_gan_tf.__version__,
        "python": platform.python_version(),
    } | found


def write(path: str, scores: Scores) -> None:
    """Writes scores atomically: a reader sees the old contents or the new.

    Raises:
      UserError: the file cannot be written.
    """
    text = json.dumps(scores.to_dict(), indent=2, allow_nan=False) + "\n"
    try:
        tf.io.gfile.makedirs(os.path.dirname(path) or ".")
        files.write_text(path, text)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(unwritable(f"cannot write {path}", error)) from error


def read(path: str) -> dict:
    """Reads a file of scores; returns {} if it does not exist.

    Raises:
      UserError: the file is not a file of scores, and must not be overwritten.
    """
    staging.require_free(path, overwrite=True)
    with contextlib.suppress(*MISFITS, RecursionError):
        text = files.read_text(path)
        if text is None:
            return {}
        content = json.loads(text)
        rows = [*content["scores"], *content.get("against_scores", ())]
        fields = results.Score.__required_keys__
        if all(fields <= one.keys() and results.is_sound(one) for one in rows):
            return content
    raise UserError(f"{path} is there and holds no scores: choose another output")


# --- As text ----------------------------------------------------------------------------------


def table(rows) -> str:
    """A text table of scores with the columns name, value, interval and protocol id."""
    found = [(one["metric"], *cells(one), one["protocol_id"]) for one in rows]
    widths = [max(map(len, column)) for column in zip(*found, strict=True)] if found else []
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {interval:<{widths[2]}}  {protocol}".rstrip()
        for name, value, interval, protocol in found
    ]
    return "\n".join(lines)


def cells(one: dict) -> tuple[str, str]:
    """The value of a score and its interval as text; why it failed in place of an interval."""
    if one["value"] is None:
        return "none", one["reason"]
    interval = one["interval"]
    return number(one["value"]), f"[{', '.join(map(number, interval))}]" if interval else ""


def number(value: float) -> str:
    """A number with five significant digits, with an exponent only below 1e-3 or from 1e6 on."""
    is_plain = 1e-3 <= abs(value) < 1e6 or value == 0
    return f"{value:#.5g}".rstrip(".") if is_plain else f"{value:.4e}"


def summary(rows: list[results.Row], kept: dict | None, floors=()) -> list[str]:
    """Lines of text for the best checkpoint, the last checkpoint and the floor.

    A further line is added if fakes score better than the floor, see `floor_notes`.

    Args:
      rows: rows of scores.
      kept: contents of `best.json`, or None.
      floors: rows of the floors, see `stores.RunStore`.
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
