"""Folders: room on the disk, the locks of writers, and prepared data sets."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator

from compare_gan_tf.bin.doctor.findings import BROKEN, NOTE, Finding
from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import locks, mounts

_LEAST, _LITTLE = 100e6, 2e9  # bytes free


def disk(folder: str) -> Finding:
    """Room for checkpoints and logs."""
    usage = shutil.disk_usage(_nearest(folder))
    value = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB are free at {folder}"
    if usage.free < _LITTLE:
        state = BROKEN if usage.free < _LEAST else NOTE
        return Finding("disk", value, state, "free space there, or name another --model_dir")
    return Finding("disk", value)


def writer(folder: str) -> Finding:
    """Whether the lock of a run's folder keeps a second writer out.

    Args:
      folder: of runs; its nearest folder that exists is tried, in a new one that is then removed.
    """
    there = _nearest(folder)
    shared = mounts.shared(there)
    where = f"{there} ({shared}, which other machines share)" if shared else there
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=there) as tried:
            works = _keeps_out(tried)
    except (OSError, UserError) as error:
        why = getattr(error, "strerror", None) or str(error)
        cure = "make it writable, or name another --model_dir"
        return Finding("writer locks", f"{there} cannot be written to: {why}", BROKEN, cure)
    if works:
        return Finding("writer locks", f"they work in {where}")
    cure = "start no two trainings of one folder there, or name another --model_dir"
    return Finding("writer locks", f"{where} has none", NOTE, cure)


def _keeps_out(folder: str) -> bool:
    with locks.sole_writer(folder, "doctor"):
        try:
            with locks.sole_writer(folder, "doctor"):
                return False
        except locks.Held:
            return True


def _nearest(folder: str) -> str:
    """The folder, or the nearest above it that exists."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def data_sets(data_dir: str | None) -> Iterator[Finding]:
    """The data sets that tensorflow-datasets has prepared.

    Args:
      data_dir: its folder; None for that of TFDS_DATA_DIR, or else its default.
    """
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    folder = os.path.expanduser(data_dir or default)
    found = sorted(glob.glob(os.path.join(folder, "**", "dataset_info.json"), recursive=True))
    if not os.path.isdir(folder) and data_dir:
        yield Finding("data_dir", f"there is no {folder}", BROKEN, "name a folder that exists")
        return
    number = f"{len(found)} prepared data sets in {folder}"
    yield Finding("data_dir", number if found else f"no prepared data set in {folder}")
    for path in found:
        yield _data_set(folder, os.path.dirname(path))


def _data_set(folder: str, place: str) -> Finding:
    name = os.path.relpath(place, folder)
    try:
        with open(os.path.join(place, "dataset_info.json"), encoding="utf-8") as file:
            info = json.load(file)
        lengths = {one["name"]: one["shardLengths"] for one in info["splits"]}
        sizes = {split: sum(map(int, of_shards)) for split, of_shards in lengths.items()}
        shards = sum(map(len, lengths.values()))
        kind = info.get("fileFormat", "tfrecord")
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = f"remove {place} and prepare it again"
        return Finding(name, f"dataset_info.json is damaged: {error!r}", BROKEN, cure)
    if kind != "tfrecord":
        cure = f"remove {place} and prepare it again as tfrecord, tfds' default"
        return Finding(name, f"prepared as {kind}, which is not read", BROKEN, cure)
    there = len([one for one in os.listdir(place) if f".{kind}" in one])
    if there < shards:
        cure = f"remove {place} and prepare it again"
        return Finding(name, f"has {there} of its {shards} files", BROKEN, cure)
    return Finding(name, ", ".join(f"{split} {n:,}" for split, n in sizes.items()))
