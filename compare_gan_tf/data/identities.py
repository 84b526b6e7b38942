"""Identities of data sets, by which a resumed run finds out whether its data have changed."""

import zlib

import numpy as np

from compare_gan_tf.data import lazy_images
from compare_gan_tf.data.cache import fingerprint
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.naming import some_of
from compare_gan_tf.data.split import Dataset, Split

_CHUNK = 2**23  # bytes that have one checksum
_DIGITS = 16  # of a hash


def identity(dataset: Dataset) -> dict:
    """What a training sees of a data set, in short and ready for JSON.

    It is the same for the same data on another machine and in another folder, and another if
    samples are added, taken away, renamed or changed, or get other labels. Of files it holds a hash
    of the names, lengths and checksums (CRC-32), which are known since all were looked at; of
    arrays one of the content; of sets that a name and version stand for, these and the counts. No
    image is decoded.

    Args:
      dataset: as `load` gives it.

    Returns:
      {"source": str or None, "shape": [H, W, C], "num_classes": int or None, "class_names": list or
      None, "splits": {name: {"samples": int, "content": hash or None, "labels": hash or None}}}.
    """
    drawn = dataset.density is not None or dataset.manifold is not None
    is_known = drawn or dataset.source is not None
    return {
        "source": dataset.source or (dataset.name if is_known else None),
        "shape": [int(length) for length in dataset.sample_shape],
        "num_classes": None if dataset.num_classes is None else int(dataset.num_classes),
        "class_names": None if dataset.class_names is None else list(dataset.class_names),
        "splits": {
            name: {
                "samples": len(split),
                # What is drawn may differ in its last bits from one processor to the next.
                "content": None if is_known else _content(split),
                "labels": None if split.labels is None else _hash(_little(split.labels)),
            }
            for name, split in dataset.splits.items()
        },
    }


def changes(before: dict, after: dict) -> list[str]:
    """How two identities differ, a clause each, such as "it had 9 train samples and now has 8"."""
    said = []
    for key, what in (
        ("source", "version"),
        ("shape", "shape"),
        ("num_classes", "number of classes"),
    ):
        if before.get(key) != after.get(key):
            said.append(f"its {what} was {before.get(key)} and is now {after.get(key)}")
    if not said and before.get("class_names") != after.get("class_names"):
        names = [some_of(each.get("class_names") or ["none"]) for each in (before, after)]
        said.append(f"its class names were {names[0]} and are now {names[1]}")
    olds, news = before.get("splits", {}), after.get("splits", {})
    for name in dict.fromkeys((*olds, *news)):
        old, new = olds.get(name, {"samples": 0}), news.get(name, {"samples": 0})
        if old["samples"] != new["samples"]:
            said.append(f"it had {old['samples']:,} {name} samples and now has {new['samples']:,}")
            continue
        parts = [part for part in ("content", "labels") if old.get(part) != new.get(part)]
        words = {"content": "samples", "labels": "labels"}
        said += [f"its {name} {words[part]} are others" for part in parts]
    return said


def _content(split: Split) -> str:
    images = split.images
    if not isinstance(images, LazyImages):
        return _hash(_little(np.asarray(images)))
    names = [images.records.short_name(int(record)) for record in images.chosen]
    facts = ["\0".join(names).encode("utf-8", "surrogateescape")]
    if images.contents is not None:
        facts += [
            _little(part[images.chosen]) for part in (images.contents.length, images.contents.crc)
        ]
    return fingerprint(*facts)[:_DIGITS]


def _little(array: np.ndarray) -> np.ndarray:
    """The array with the bytes of each number in the usual order."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _hash(array: np.ndarray) -> str:
    """Of the dtype, the shape, and CRC-32s of the content, which several threads make."""
    data = array.reshape(-1).view(np.uint8).data
    pieces = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    checksums = list(lazy_images.pool().map(zlib.crc32, pieces))
    return fingerprint(array.dtype.str, array.shape, checksums)[:_DIGITS]
