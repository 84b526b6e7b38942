import json
import logging
import os

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import results


def row(step=100, value=12.5, **changes):
    return {
        "run": "run",
        "step": step,
        "checkpoint": "0123456789abcdef",
        "split": "test",
        "metric": "fid",
        "value": value,
        "reason": None if value is not None else "3 of 300 samples are not finite",
        "interval": None,
        "protocol": {"seed": 42},
        "protocol_id": "protocol",
        "seconds": 0.5,
        "time": results.now(),
    } | changes


@pytest.fixture
def path(tmp_path):
    results._report_skipped.cache_clear()
    return results.path(tmp_path)


def test_rows_come_back_as_they_were_written(path):
    rows = [row(100), row(200, None), row(300, 0.0)]
    results.append(path, rows[0])
    results.append(path, *rows[1:])
    assert results.read(path) == rows
    assert open(path).read().count("\n") == 3


def test_no_file_has_no_rows(path):
    assert results.read(path) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_never_written(path, value):
    with pytest.raises(ValueError):
        results.append(path, row(value=value))
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    "bad", [row(value=None, reason=None), row(value=1.0, reason="failed"), {"step": 1}]
)
def test_a_row_has_every_field_and_either_a_value_or_a_reason(path, bad):
    with pytest.raises(ValueError):
        results.append(path, row(), bad)
    assert not os.path.exists(path)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_cut_line_is_skipped_reported_once_and_not_glued_to_the_next(path, cut, caplog):
    results.append(path, row(100), row(200))
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 1 - cut)
    with caplog.at_level(logging.WARNING, "absl"):
        assert results.read(path) == [row(100, time=results.read(path)[0]["time"])]
    (message,) = {record.getMessage() for record in caplog.records}
    assert message.startswith(f"{path}: line 2 is no score or changed; evaluate again")
    assert len(caplog.records) == 1
    results.append(path, row(200))
    assert [found["step"] for found in results.read(path)] == [100, 200]


def test_a_line_that_only_lacks_its_end_of_line_counts(path):
    results.append(path, row(100))
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 1)
    results.append(path, row(200))
    assert [found["step"] for found in results.read(path)] == [100, 200]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[1, 2]",
        b"12",
        b'{"step": 1}',
        json.dumps(row(step="100")).encode(),
        json.dumps(row(value=True)).encode(),
        json.dumps(row(protocol="x")).encode(),
        json.dumps(row()).replace("12.5", "NaN").encode(),
        b"\x00" * 100,
    ],
)
def test_garbage_is_skipped(path, line):
    with open(path, "wb") as file:
        file.write(line + b"\n")
    results.append(path, row(200))
    assert [found["step"] for found in results.read(path)] == [200]


def test_a_row_that_was_changed_is_skipped_whatever_changed(path, caplog):
    """Of every byte one bit: the row is as it was, or it is none, and that is told."""
    original = row()
    results.append(path, original)
    with open(path, "rb") as file:
        content = file.read()
    told = 0
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(changed)
        results._report_skipped.cache_clear()
        caplog.clear()
        found = results.read(path)
        values = [{name: one.get(name) for name in original} for one in found]
        if "evaluate again mends it" in caplog.text:
            told += 1
            assert values in ([], [original])
        else:  # such as in the name of the checksum's field
            assert values == [original], place
    assert told > 0.9 * len(content)


def test_a_row_of_an_earlier_version_has_no_checksum(path):
    with open(path, "w") as file:
        file.write(json.dumps(row()) + "\n")
    assert [found["value"] for found in results.read(path)] == [12.5]


def test_the_later_row_of_a_checkpoint_counts():
    rows = [row(100, None), row(200, 2.0), row(100, 1.0), row(100, 5.0, protocol_id="other")]
    latest = results.latest(rows)
    assert latest[100, "test", "fid", "protocol"]["value"] == 1.0
    assert latest[100, "test", "fid", "other"]["value"] == 5.0
    assert len(latest) == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_one_clear_line():
    with pytest.raises(UserError, match="cannot write /dev/full: No space left.*free space"):
        results.append("/dev/full", row())


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write") as caught:
        results.append(results.path(tmp_path / "file"), row())
    assert "\n" not in str(caught.value)


def test_a_remote_file_is_appended_to_as_a_local_one():
    path = "ram://scores/scores.jsonl"
    import tensorflow as tf

    tf.io.gfile.makedirs("ram://scores")
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(b'{"cut')
    results.append(path, row(100))
    results.append(path, row(200))
    assert [found["step"] for found in results.read(path)] == [100, 200]


def test_the_time_is_utc():
    assert results.now().endswith("+00:00")
