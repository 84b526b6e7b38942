"""The scores of a run: `<model_dir>/scores.jsonl`, with one JSON object per line.

All lines of a checkpoint are written at once, so a killed process leaves at most one truncated
line, which readers skip. Until then, the scores of each metric are in `scores.partial.jsonl`.
`scores.floor.jsonl` has the floors, scores of real samples in place of fakes, in the same format.
The file is a log: if a checkpoint was scored twice, the later line is valid.
"""

import datetime
import functools
import itertools
import json
import os
import sys
import zlib
from collections.abc import Iterator
from typing import NotRequired, TypedDict

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError, as_user_error, unwritable
from compare_gan_tf.storage import files

FILE_NAME = "scores.jsonl"
PARTIAL_NAME = "scores.partial.jsonl"  # scores of the checkpoint that is being scored
FLOOR_NAME = "scores.floor.jsonl"
_BEGINNING = b'{"run": '  # the first bytes of every row
_CHECKSUM = "crc32"  # the last field of a line
_LONGEST_LINE = 1 << 20  # bytes; a row has a few hundred
# Fields of a protocol about the generation of fakes, which do not apply to a floor.
_FAKE_FIELDS = {
    "ema", "ema_length", "normalisation", "truncation", "labels", "fake", "checkpoint_rule",
}  # fmt: skip


class Score(TypedDict):
    """One score of two sides."""

    metric: str  # name of the score, such as "fid" or "precision"
    value: float | None  # None if the score failed
    reason: str | None  # why it failed, else None
    interval: list[float] | None  # [low, high] of the confidence interval, if the metric has one
    protocol: dict  # all fields of the protocol
    protocol_id: str
    seconds: float  # computing time of the score
    time: str  # time of writing, ISO 8601 in UTC
    warnings: NotRequired[list[str]]  # why the score may mislead, if it may


class Row(Score):
    """One score of one checkpoint."""

    run: str  # name of the run's folder
    step: int  # training step of the checkpoint
    checkpoint: str  # fingerprint of the checkpoint's contents
    split: str  # split of the real samples


def path(model_dir) -> str:
    """The file with the scores of a run."""
    return os.path.join(str(model_dir), FILE_NAME)


def partial_path(model_dir) -> str:
    """The file with the scores of a checkpoint for which not all metrics are computed yet."""
    return os.path.join(str(model_dir), PARTIAL_NAME)


def floor_path(model_dir) -> str:
    """The file with the scores of real samples in place of fakes."""
    return os.path.join(str(model_dir), FLOOR_NAME)


def floor_of(row: Row, floors: list[Row]) -> Row | None:
    """The floor of a score: the latest with a value and the same protocol; None without one.

    Fields of the protocol about the generation of fakes are not compared.
    """
    known = [one for one in floors if one["value"] is not None]
    same = [one for one in known if _without_fakes(one) == _without_fakes(row)]
    return same[-1] if same else None


def _without_fakes(row: Row) -> tuple:
    fields = {name: value for name, value in row["protocol"].items() if name not in _FAKE_FIELDS}
    return row["split"], row["metric"], fields


def now() -> str:
    """The current time in UTC, ISO 8601 with seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _encode(row: Row) -> bytes:
    """A row as one line of strict JSON with its checksum; no number that is not finite."""
    missing = Row.__required_keys__ - row.keys()
    if missing:
        raise ValueError(f"a row of scores lacks {sorted(missing)}")
    if (row["value"] is None) == (row["reason"] is None):
        raise ValueError("a row of scores has either a value or a reason")
    return (json.dumps({**row, _CHECKSUM: _checksum(row)}, allow_nan=False) + "\n").encode()


def _checksum(row) -> str:
    """Of all fields and their values, in their order."""
    return f"{zlib.crc32(json.dumps(row).encode()):08x}"


def refuse_others(model_dir) -> None:
    """Checks that the files of scores are not links, pipes or files of another program.

    Raises:
      UserError: one is; the message names it.
    """
    for name in (FILE_NAME, PARTIAL_NAME, FLOOR_NAME):
        path = os.path.join(str(model_dir), name)
        files.refuse_link(path)
        files.refuse_link(f"{path}.partial")
        beginning = b"".join(itertools.islice(_pieces(path, len(_BEGINNING)), 1))
        if not _BEGINNING.startswith(beginning):  # a killed process may have written less
            raise UserError(f"{path} is there and holds no scores of ours: move it away")


def _pieces(path: str, size: int) -> Iterator[bytes]:
    """Yields the bytes of a file of scores in pieces of `size`; nothing if it does not exist.

    Raises:
      UserError: it cannot be read, or is a folder or a pipe. Reading a pipe would block.
    """
    if not tf.io.gfile.exists(path):
        return
    if not files.is_remote(path) and not os.path.isfile(path):
        raise UserError(f"{path} is no regular file: move it to another place")
    with as_user_error(f"cannot read {path}", tf.errors.OpError, cure="make it readable"):
        with tf.io.gfile.GFile(path, "rb") as file:
            while piece := file.read(size):
                yield piece


def append(path, *rows: Row) -> None:
    """Appends rows in one write, and flushes them to disk.

    Raises:
      UserError: the file cannot be written, such as on a full disk.
      ValueError: a row is incomplete or has a number that is not finite.
    """
    path, lines = str(path), b"".join(_encode(row) for row in rows)
    if not lines:
        return
    try:
        _append_remote(path, lines) if "://" in path else _append_local(path, lines)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{unwritable(f'cannot write {path}', error)}, then evaluate again"
        ) from error


def replace(path, *rows: Row) -> None:
    """Replaces the contents of a file by these rows; without rows, deletes the file."""
    path = str(path)
    if rows:
        files.write_bytes(path, b"".join(_encode(row) for row in rows))
    elif tf.io.gfile.exists(path):
        tf.io.gfile.remove(path)


def _append_local(path: str, lines: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # a killed process left a truncated line: start a new one
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append_remote(path: str, lines: bytes) -> None:
    """Object stores cannot append: TensorFlow's file system layer rewrites the object."""
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
        if content and not content.endswith(b"\n"):
            lines = b"\n" + lines
    with tf.io.gfile.GFile(path, "ab") as file:
        file.write(lines)


def read(path) -> list[Row]:
    """The rows in the order in which they were written; [] without a file.

    A line that is truncated, changed or not a row is skipped, and a warning is logged once.

    Raises:
      UserError: the file exists but cannot be read.
    """
    rows = []
    for number, line in enumerate(lines(str(path)), start=1):
        found = _decode(line)
        if found is not None:
            rows.append(found)
        elif line.strip():
            _report_skipped(str(path), number)
    return rows


def lines(path: str, longest: int = _LONGEST_LINE) -> Iterator[bytes]:
    """Yields the lines of a file without line ends, each cut to at most `longest` bytes.

    Raises:
      UserError: the file cannot be read.
    """
    rest = b""
    for part in _pieces(path, _LONGEST_LINE):
        *whole, last = part.split(b"\n")
        if whole:
            yield (rest + whole[0])[:longest]
            yield from (line[:longest] for line in whole[1:])
            rest = b""
        rest = (rest + last)[:longest]
    if rest:
        yield rest


_TEXTS = ("run", "checkpoint", "split", "metric", "protocol_id", "time")


def is_sound(row: dict) -> bool:
    """Whether the values of a row have the right types; missing fields are not checked."""
    interval, warnings = row.get("interval"), row.get("warnings", [])
    kinds = (
        all(isinstance(row.get(name, ""), str) for name in _TEXTS),
        _is_step(row.get("step", 0)),
        row["value"] is None or _is_number(row["value"]),
        row["reason"] is None or isinstance(row["reason"], str),
        (row["value"] is None) != (row["reason"] is None),
        interval is None or (isinstance(interval, list) and all(map(_is_number, interval))),
        isinstance(row["protocol"], dict),
        _is_number(row["seconds"]),
        isinstance(warnings, list) and all(isinstance(one, str) for one in warnings),
    )
    return all(kinds)


def _decode(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or Row.__required_keys__ - row.keys():
            return None
        checksum = row.pop(_CHECKSUM, None)  # earlier versions wrote none
        is_as_written = checksum in (None, _checksum(row))
    except (ValueError, RecursionError):  # of JSON or of UTF-8
        return None
    return row if is_as_written and is_sound(row) else None


def _is_step(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max  # neither NaN nor a whole number beyond all floats


@functools.cache
def _report_skipped(path: str, number: int) -> None:
    """Logs a warning once per process: continuous evaluation reads the file every minute."""
    logging.warning("%s: line %d is no score or changed; evaluate again mends it", path, number)


def key(row: Row) -> tuple:
    """The identity of a score: (step, split, metric, protocol_id)."""
    return row["step"], row["split"], row["metric"], row["protocol_id"]


def latest(rows: list[Row]) -> dict[tuple, Row]:
    """{key: the last row with this key}."""
    return {key(row): row for row in rows}


def best_and_last(rows: list[Row], best_step: int | None) -> dict[str, list[Row]]:
    """{"best": rows of that step, "last": rows of the last step that was scored}."""
    last = max((row["step"] for row in rows), default=None)
    steps = {"best": best_step, "last": last}
    return {name: [row for row in rows if row["step"] == step] for name, step in steps.items()}


def is_due(step: int, every: int) -> bool:
    """Whether evaluation every `every` steps, 0 for all, scores the checkpoint of this step."""
    return step > 0 and step % every == 0 if every else True


def scored_steps(model_dir) -> set[int]:
    """Steps of the checkpoints that have rows, also of failed scores, and so may be deleted."""
    return {row["step"] for row in read(path(model_dir))}
