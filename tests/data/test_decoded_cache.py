"""Decoded images on a disk: the bits are those of decoding anew, whatever happens to the file."""

import collections
import dataclasses
import errno
import functools
import multiprocessing
import os
import pathlib
import signal
import time

import numpy as np
import pytest
from decoded import NUMBER, ROW

from compare_gan_tf.data import decode, decoded_cache, lazy_images, resizing
from compare_gan_tf.data.cache import Cache
from compare_gan_tf.data.decode import Decoder
from compare_gan_tf.data.decoded_cache import DecodedImages
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.errors import UserError

DECODER = Decoder((8, 8), 3)
GIB = 2**30


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"), GIB)


def rows_of(cache, records, decoder=DECODER, chosen=None):
    return DecodedImages(cache, records, decoder, np.arange(NUMBER) if chosen is None else chosen)


# --- The file ------------------------------------------------------------------------------------


def test_rows_are_the_images_and_are_decoded_once(records, cache, counted, made):
    pixels = np.stack([made.picture(number) for number in range(NUMBER)])
    rows = rows_of(cache, records)
    assert rows.read(np.array([3])) is None  # reading makes nothing
    rows.make()
    assert counted["images"] == NUMBER + 16  # those that are compared when it is opened
    chosen = np.array([19, 0, 7, 7])
    np.testing.assert_array_equal(rows.read(chosen), pixels[chosen])
    again = rows_of(cache, records)
    again.make()
    np.testing.assert_array_equal(again.read(chosen), pixels[chosen])
    assert counted["images"] == NUMBER + 2 * 16
    assert os.path.getsize(rows.path) == rows.nbytes == NUMBER * ROW


def test_some_records_are_rows(records, cache, made):
    rows = rows_of(cache, records, chosen=np.array([2, 5, 11]))
    rows.make()
    np.testing.assert_array_equal(rows.read(np.array([11, 2])), [made.picture(11), made.picture(2)])
    assert rows.nbytes == 3 * ROW


@pytest.mark.parametrize(
    "change",
    [
        {"crop": functools.partial(resizing.central, side=160)},
        {"crop": functools.partial(resizing.central, side=161)},
        {"crop": resizing.whole},
        {"resize": resizing.lanczos},
        {"resize": resizing.legacy_bilinear},
        {"background": (0, 0, 0)},
        {"shape": (8, 9)},
        {"channels": 1},
    ],
)
def test_another_rule_is_another_file(records, cache, change):
    other = dataclasses.replace(DECODER, **change)
    assert rows_of(cache, records, other).path != rows_of(cache, records).path
    assert rows_of(cache, records, other).path == rows_of(cache, records, other).path


def test_every_rule_of_size_is_told_from_the_others():
    rules = (resizing.area, resizing.lanczos, resizing.bicubic, resizing.legacy_bilinear)
    prints = {dataclasses.replace(DECODER, resize=rule).fingerprint() for rule in rules}
    assert len(prints) == len(rules)


def test_a_changed_source_is_another_file(records, cache, made):
    before = rows_of(cache, records).path
    path = os.path.join(records.root, "07.png")
    found = os.stat(path)
    made.write(pathlib.Path(path), made.encoded(made.picture(99)))
    os.utime(path, ns=(0, found.st_mtime_ns + 1))
    rows = rows_of(cache, records)
    assert rows.path != before
    rows.make()
    np.testing.assert_array_equal(rows.read(np.array([7])), [made.picture(99)])


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b"\0" * len(b), lambda b: b + b"x"])
def test_a_file_that_is_wrong_is_made_anew(records, cache, made, spoil):
    rows = rows_of(cache, records)
    rows.make()
    path = pathlib.Path(rows.path)
    right = path.read_bytes()
    path.write_bytes(spoil(right))
    again = rows_of(cache, records)
    assert again.read(np.array([0])) is None
    again.make()
    assert path.read_bytes() == right


# --- Interruptions -------------------------------------------------------------------------------


def test_it_goes_on_where_a_killed_run_ended(records, cache, counted, monkeypatch):
    rows = rows_of(cache, records)
    rows.make()
    right = pathlib.Path(rows.path).read_bytes()
    os.remove(rows.path)
    monkeypatch.setattr(decoded_cache, "_BLOCK", 2 * ROW)
    # Five blocks and a half: the whole blocks but the last are sure to be on the disk.
    pathlib.Path(f"{rows.path}.partial").write_bytes(right[: 10 * ROW] + b"?" * ROW)
    counted.clear()
    again = rows_of(cache, records)
    again.make()
    assert counted["images"] == NUMBER - 8 + 16
    assert pathlib.Path(rows.path).read_bytes() == right
    assert not os.path.exists(f"{rows.path}.partial")


def make_slowly(cache, records):
    decode_all = lazy_images.decoded

    def decoded(*arguments):
        time.sleep(0.2)
        return decode_all(*arguments)

    lazy_images.pool.cache_clear()  # threads do not outlive a fork
    lazy_images.decoded, decoded_cache._BLOCK = decoded, ROW
    rows_of(cache, records).make()


def test_a_kill_leaves_nothing_that_counts(records, cache, tmp_path):
    child = multiprocessing.get_context("fork").Process(target=make_slowly, args=(cache, records))
    child.start()
    deadline = time.monotonic() + 15
    partial = f"{rows_of(cache, records).path}.partial"
    while not (os.path.exists(partial) and os.path.getsize(partial) > 2 * ROW):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    rows = rows_of(cache, records)
    assert rows.read(np.array([0])) is None
    rows.make()
    expected = LazyImages(records, DECODER)[:]
    np.testing.assert_array_equal(rows.read(np.arange(NUMBER)), expected)


def test_who_waits_for_another_maker_finds_the_file_made(records, cache, counted):
    waiting, maker = rows_of(cache, records), rows_of(cache, records)
    assert waiting.read(np.array([0])) is None
    maker.make()
    counted.clear()
    waiting.make()
    assert counted["images"] < NUMBER + 16  # not all once more: some, to compare, at each opening
    np.testing.assert_array_equal(waiting.read(np.array([4])), maker.read(np.array([4])))


# --- Room ----------------------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_written(records, cache, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(
        decoded_cache.shutil, "disk_usage", lambda path: usage(9, 9, NUMBER * ROW - 1)
    )
    with pytest.raises(UserError, match=r"where 0.0 MiB are free: .* data.load.disk_budget = 0"):
        rows_of(cache, records).make()
    assert not os.path.exists(rows_of(cache, records).path)
    monkeypatch.setattr(decoded_cache.shutil, "disk_usage", lambda path: usage(9, 9, NUMBER * ROW))
    rows_of(cache, records).make()


def test_a_disk_that_fills_meanwhile_gets_its_room_back(records, cache, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(decoded_cache.os, "fsync", full)
        with pytest.raises(UserError, match="No space left on device; make room, name another"):
            rows_of(cache, records).make()
    assert not os.path.exists(f"{rows_of(cache, records).path}.partial")
    rows_of(cache, records).make()


def test_a_folder_that_cannot_be_written_is_an_error(records, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot keep 0.0 MiB of decoded images in"):
        rows_of(Cache(str(tmp_path / "file"), GIB), records).make()


def test_the_longest_unused_make_way(records, tmp_path):
    cache = Cache(str(tmp_path / "cache"), 2 * NUMBER * ROW)
    kinds = [resizing.area, resizing.lanczos, resizing.bicubic]
    rows = [rows_of(cache, records, dataclasses.replace(DECODER, resize=kind)) for kind in kinds]
    for each in rows:
        each.make()
    assert [os.path.exists(each.path) for each in rows] == [False, True, True]
    # What is open is read to the end.
    assert rows[0].read(np.array([0])).shape == (1, 8, 8, 3)


# --- Data sets -----------------------------------------------------------------------------------


def test_the_fingerprint_does_not_depend_on_the_process():
    """Its test images come from a generator whose stream numpy keeps."""
    first = next(iter(decode._test_images()))
    assert decode.image_facts(first) == ((7, 5), 1)
    assert DECODER.fingerprint() == Decoder((8, 8), 3).fingerprint()
