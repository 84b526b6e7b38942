"""TFRecord files as random access: where in the file each image lies, and what small features say.

A record is its length (uint64), a checksum of it, a serialised tf.train.Example, a checksum. Images
are passed over unread, so the index of a large file costs a look at each record's first page.
"""

import mmap
import struct

import numpy as np
import tensorflow as tf

from compare_gan_tf.data.cache import Cache, file_facts, fingerprint
from compare_gan_tf.data.naming import some_of
from compare_gan_tf.data.records import Extents, require_file
from compare_gan_tf.errors import UserError, as_user_error

_SMALL = 4096  # bytes; a longer feature is not read, only found
_HEADER, _FOOTER = 12, 4
_KEPT_FROM = 100_000  # records; the index of fewer takes a second or two


def index(
    parts: list[tuple[str, int, int]],
    *,
    image: str = "image",
    wanted: tuple[str, ...] = (),
    cache: Cache | None = None,
) -> tuple[Extents, dict[str, list]]:
    """Finds the images in TFRecord files.

    Args:
      parts: (path, how many records to pass over, how many to take or -1 for all) of each file.
      image: the feature that is an encoded image.
      wanted: features to read beside it.
      cache: where an index of many records is kept for the next run, or None.

    Returns:
      Where the images lie, and {feature: list of its values} for those wanted that are there: int,
      bytes, or a list of numbers.

    Raises:
      UserError: a file ends early, or has no such image.
    """
    files = tuple(path for path, _, _ in parts)
    if cache is None or not cache.budget:
        return _extents(files, *_walked(parts, image, wanted))
    facts = [(file_facts(path), skip, take) for path, skip, take in parts]
    name = f"index-{fingerprint(facts, image, wanted)}"
    kept = cache.read(name)
    if kept is not None:
        return _extents(files, *_unpacked(kept))
    table, found = _walked(parts, image, wanted)
    if len(table) >= _KEPT_FROM:
        packed = _packed(table, found)
        if packed is not None:
            cache.write(name, packed)
    return _extents(files, table, found)


def _extents(files: tuple[str, ...], table: np.ndarray, found: dict[str, list]):
    extents = Extents(files, table[:, 0].astype(np.int32), table[:, 1], table[:, 2])
    return extents, found


def _walked(parts, image: str, wanted: tuple[str, ...]) -> tuple[np.ndarray, dict[str, list]]:
    """(int64 [N, 3] of file, offset and length, the values of the features that are there)."""
    rows, found = [], {name: [] for name in wanted}
    for number, (path, skip, take) in enumerate(parts):
        content = _open(path)
        for i, (start, stop) in enumerate(_records(content, path)):
            if i < skip or (take >= 0 and i >= skip + take):
                continue
            features = _features(content, start, stop, path)
            rows.append((number, *_image_extent(features, image, path)))
            for name in wanted:
                found[name].append(_value(content, features[name]) if name in features else None)
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table, {name: values for name, values in found.items() if any_known(values)}


def any_known(values: list) -> bool:
    """Whether some value is not None."""
    return any(value is not None for value in values)


# --- An index as arrays ------------------------------------------------------------------------


def _packed(table: np.ndarray, found: dict[str, list]) -> dict[str, np.ndarray] | None:
    """Arrays that say the same; None if values are neither all int nor all bytes."""
    arrays = {"table": table}
    for name, values in found.items():
        if all(isinstance(value, int) for value in values):
            arrays[f"int {name}"] = np.array(values, np.int64)
        elif all(isinstance(value, bytes) for value in values):
            arrays[f"bytes {name}"] = np.frombuffer(b"".join(values), np.uint8)
            arrays[f"lengths {name}"] = np.array([len(value) for value in values], np.int64)
        else:
            return None
    return arrays


def _unpacked(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, list]]:
    found = {}
    for key, array in arrays.items():
        kind, _, name = key.partition(" ")
        if kind in _LISTS:
            found[name] = _LISTS[kind](array, arrays.get(f"lengths {name}"))
    return arrays["table"], found


def _cut(array: np.ndarray, lengths: np.ndarray) -> list[bytes]:
    """Bytes of these lengths that lie one behind the other."""
    joined, stops = array.tobytes(), np.cumsum(lengths).tolist()
    return [joined[a:b] for a, b in zip([0, *stops[:-1]], stops, strict=True)]


# How each kind of array in a packed index becomes the list that it was made of.
_LISTS = {"int": lambda array, lengths: array.tolist(), "bytes": _cut}


def _open(path: str):
    """A buffer over the file; a local one is mapped, so that only the pages used are read."""
    if "://" in path:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    with as_user_error(f"the TFRecord file {path} cannot be read", OSError, ValueError):
        size = require_file(path)
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""


def _records(content, path: str):
    """(start, stop) of every record's payload."""
    position, size = 0, len(content)
    while position < size:
        start = position + _HEADER
        length = struct.unpack_from("<Q", content, position)[0] if start <= size else size
        if start + length + _FOOTER > size:
            raise UserError(
                f"{path} is no TFRecord file, or ends early at byte {size}: copy it again"
            )
        yield start, start + length
        position = start + length + _FOOTER


def _image_extent(features: dict, image: str, path: str) -> tuple[int, int]:
    if image not in features:
        raise UserError(
            f"a record of {path} has no feature {image!r}, only {some_of(sorted(features))}: set"
            " tfrecord.image_feature"
        )
    kind, start, stop = features[image]
    if kind != 1 or stop <= start:
        raise UserError(f"feature {image!r} of {path} is not the bytes of an image")
    return start, stop - start


# --- The wire format of tf.train.Example -------------------------------------------------------
#
# Example {1: Features {1: repeated entry {1: name, 2: Feature {1: bytes, 2: floats, 3: ints}}}},
# each of the three a list {1: values}. Every field in it has a length, but for unpacked numbers.


def _varint(content, position: int) -> tuple[int, int]:
    """(number, position after it)."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number has more than ten bytes")


def _fields(content, start: int, stop: int):
    """(number of the field, start, stop) of those that have a length."""
    while start < stop:
        tag, start = _varint(content, start)
        if tag & 7 != 2:
            raise ValueError(f"wire type {tag & 7}")
        length, start = _varint(content, start)
        if start + length > stop:
            raise ValueError("a field ends behind the record")
        yield tag >> 3, start, start + length
        start += length


def _features(content, start: int, stop: int, path: str) -> dict[str, tuple[int, int, int]]:
    """{name: (kind, start, stop)}: of bytes the first value, of numbers their list."""
    found = {}
    try:
        for _, begin, end in _fields(content, start, stop):
            for _, entry, entry_end in _fields(content, begin, end):
                parts = {number: span for number, *span in _fields(content, entry, entry_end)}
                name = bytes(content[slice(*parts[1])]).decode()
                for kind, *span in _fields(content, *parts[2]) if 2 in parts else ():
                    found[name] = (
                        kind,
                        *(next(_fields(content, *span))[1:] if kind == 1 else span),
                    )
    except (IndexError, KeyError, StopIteration, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"{path} holds a record that is no tf.train.Example: {error}") from error
    return found


def _value(content, feature: tuple[int, int, int]):
    """bytes, an int, or a list of numbers; None if it is too long to be read in passing."""
    kind, start, stop = feature
    if stop - start > _SMALL * (1 if kind == 1 else 4):
        return None
    raw = bytes(content[start:stop])
    if kind == 1:
        return raw
    example = tf.train.Feature()
    values = example.float_list if kind == 2 else example.int64_list
    try:
        values.ParseFromString(raw)
    except Exception:  # protobuf's own, for bytes that are no such list
        return None
    return values.value[0] if kind == 3 and len(values.value) == 1 else list(values.value)


def feature_names(path: str) -> list[str]:
    """Names of the features of a file's first record, sorted; none if it has no record."""
    content = _open(path)
    for start, stop in _records(content, path):
        return sorted(_features(content, start, stop, path))
    return []


def pairs(path: str, first: str, second: str):
    """(value, value) of two features of every record in a file.

    Raises:
      UserError: a record lacks one of them.
    """
    content = _open(path)
    for start, stop in _records(content, path):
        features = _features(content, start, stop, path)
        if first not in features or second not in features:
            raise UserError(f"a record of {path} has no feature {first!r} or no {second!r}")
        yield _value(content, features[first]), _value(content, features[second])
