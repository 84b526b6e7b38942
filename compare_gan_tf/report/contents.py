"""What the files of a run say, in the shape the page shows it; what is missing is None or empty.

Files of a run that is still going, or was killed, may end in half a line: it is left out.
"""

import os

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.protocol import check_same, differences
from compare_gan_tf.runs import best, manifest, results
from compare_gan_tf.storage import files

_NOT_TERMS = ("step", "seconds", "steps_per_second")
_LARGEST = 1e300
_MOST_TERMS = 100  # of a diagram
# Fields of a protocol that differ between a validation and a test score of one run.
_OF_SPLIT = {"real_split", "real_sha256", "n_real", "n_fake", "checkpoint_rule"}


def read_text(path: str) -> str | None:
    """A file's text, whatever bytes it ends in; None if there is none."""
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read().decode("utf-8", errors="replace")
    except tf.errors.NotFoundError:
        return None


def loss_series(log: list[dict]) -> dict[str, tuple[list, list]]:
    """{term: (steps, values)} of everything a log holds but the clock; None is a gap."""
    names = dict.fromkeys(name for row in log for name in row if name not in _NOT_TERMS)
    steps = [int(row["step"]) for row in log]
    names = list(names)[:_MOST_TERMS]
    return {name: (steps, [_number(row.get(name)) for row in log]) for name in names}


def _number(value) -> float:
    """A value that a diagram can show; NaN, a gap, for all others."""
    known = isinstance(value, int | float) and abs(value) < _LARGEST
    return float(value) if known else float("nan")


def read_scores(model_dir: str) -> list[results.Row]:
    """The scores that count, by step, metric and split."""
    rows = results.latest(results.read(results.path(model_dir))).values()
    return sorted(rows, key=lambda row: (row["step"], row["metric"], row["split"]))


def read_floors(model_dir: str) -> list[results.Row]:
    """The scores of real samples in place of fakes, the oldest first."""
    return results.read(results.floor_path(model_dir))


def reported(scores: list[results.Row], chosen: results.Row | None) -> results.Row | None:
    """The best checkpoint's score on the test split, under the protocol that is most like that of
    the score which chose it, and of the same data set; None if it has none.
    """
    if chosen is None:
        return None
    wanted = chosen["step"], chosen["metric"], "test"
    found = [
        row
        for row in scores
        if (row["step"], row["metric"], row["split"]) == wanted and row["value"] is not None
        if row["protocol"].get("dataset") == chosen["protocol"].get("dataset")
    ]
    return min(
        found,
        key=lambda row: len(differences(row["protocol"], chosen["protocol"])),
        default=None,
    )


def other_fields(row: results.Row, chosen: results.Row) -> list[str]:
    """The fields of a score's protocol that differ, but for those that follow from its split."""
    return sorted(differences(row["protocol"], chosen["protocol"]).keys() - _OF_SPLIT)


def best_score(model_dir: str, scores: list[results.Row]) -> results.Row | None:
    """The row that chose the best checkpoint: the best score on the validation split.

    `checkpoints/best` says which it is, and of which metric; without it, the lowest FID does, the
    later one of equals, under the protocol that most steps were scored under. Scores on other
    splits never choose.
    """
    candidates = [row for row in scores if row["split"] == best.SPLIT and row["value"] is not None]
    kept = best.read(model_dir)
    for row in candidates:
        if kept and all(row[key] == kept[key] for key in ("step", "metric", "protocol_id")):
            return row
    found = columns([row for row in candidates if row["metric"] == best.METRIC])
    fullest = max(found.values(), key=len, default=[])  # values of two protocols do not compare
    return min(fullest, key=lambda row: (row["value"], -row["step"]), default=None)


def columns(scores: list[results.Row]) -> dict[tuple, list[results.Row]]:
    """{(metric, split, protocol id): its rows}: one column each, for others do not compare."""
    found = {}
    for row in scores:
        found.setdefault((row["metric"], row["split"], row["protocol_id"]), []).append(row)
    return found


def column(scores: list[results.Row], metric: str, split: str) -> list[results.Row]:
    """The rows of one metric on one split.

    Raises:
      UserError: they were made under several protocols; names the fields that differ.
    """
    rows = [row for row in scores if (row["metric"], row["split"]) == (metric, split)]
    check_same(rows)
    return rows


def best_and_last(
    scores: list[results.Row], chosen: results.Row | None, floors: list[results.Row]
) -> list[dict]:
    """Each column's score of the best checkpoint, of the last and of real samples; None where it
    has none.
    """
    last = max((row["step"] for row in scores), default=None)
    steps = {"best": chosen and chosen["step"], "last": last}
    found = []
    for (metric, split, protocol_id), rows in columns(scores).items():
        by_step = {row["step"]: row for row in rows}
        ends = {name: by_step.get(step) for name, step in steps.items()}
        ends["floor"] = results.floor_of(rows[0], floors)
        found.append({"metric": metric, "split": split, "protocol_id": protocol_id, **ends})
    return found


def _labelled(scores: list[results.Row]):
    """(label, row): its split, with the protocol where the split was scored under several."""
    protocols = {}
    for row in scores:
        protocols.setdefault((row["metric"], row["split"]), set()).add(row["protocol_id"])
    for row in scores:
        several = len(protocols[row["metric"], row["split"]]) > 1
        yield f"{row['split']} ({row['protocol_id']})" if several else row["split"], row


def score_series(scores: list[results.Row]) -> dict[str, dict[str, tuple[list, list]]]:
    """{metric: {split: (steps, values)}}; a split scored under several protocols names them."""
    series = {}
    for label, row in _labelled(scores):
        steps, values = series.setdefault(row["metric"], {}).setdefault(label, ([], []))
        steps.append(row["step"])
        values.append(_number(row["value"]))
    return series


def floor_levels(scores, floors: list[results.Row]) -> dict[str, dict[str, float]]:
    """{metric: {label of `score_series`: what real samples score}}, where that is known."""
    levels = {}
    for label, row in _labelled(scores):
        floor = results.floor_of(row, floors)
        if floor is not None:
            levels.setdefault(row["metric"], {})[label] = _number(floor["value"])
    return levels


def warnings(rows: list[results.Row]) -> list[str]:
    """Every distinct warning of some scores, as they come."""
    return list(dict.fromkeys(text for row in rows for text in row.get("warnings", ())))


def protocols(scores: list[results.Row]) -> dict[str, dict]:
    """Every protocol once, by its id."""
    return {row["protocol_id"]: row["protocol"] for row in scores}


def read_config(model_dir: str) -> str | None:
    """The run's gin config, or None."""
    text = read_text(os.path.join(model_dir, files.CONFIG))
    return text.strip() if text and text.strip() else None


def read_manifest(model_dir: str) -> list[dict]:
    """The starts of the run, the oldest first."""
    try:
        return manifest.read(model_dir)
    except (UserError, RecursionError) as error:
        logging.warning("the page has no versions: %s", error)
        return []


def flat(value, name: str = "") -> list[tuple[str, str]]:
    """(dotted name, text) of every leaf of nested JSON; a list of plain values is one leaf."""
    if isinstance(value, dict):
        pairs = (flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items())
        return [pair for group in pairs for pair in group]
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return [(name, " ".join(map(str, value)))]
    if isinstance(value, list):
        return [pair for i, item in enumerate(value) for pair in flat(item, f"{name}[{i}]")]
    return [(name, "none" if value is None else str(value))]
