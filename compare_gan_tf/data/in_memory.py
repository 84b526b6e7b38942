"""Data that Python has already: arrays, and `tf.data`, which is read once into memory."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from compare_gan_tf.data import arrays
from compare_gan_tf.data.dataset import MEMORY_BUDGET, load
from compare_gan_tf.data.own_images import SPLIT_NAMES, Settings
from compare_gan_tf.data.split import Dataset
from compare_gan_tf.errors import UserError, as_user_error

# What elements of `tf.data` that are dicts call them.
_IMAGES, _LABELS = ("images", "image", "x"), ("labels", "label", "y")
_CHANNELS = (1, 3, 4)


def as_dataset(given: Any) -> Dataset:
    """A `Dataset` as it is, one by its name, or else `from_arrays`.

    Raises:
      UserError: as these.
    """
    if isinstance(given, Dataset):
        return given
    return load(given) if isinstance(given, str) else from_arrays(given)


def from_arrays(
    given: Any,
    *,
    name: str = "arrays",
    classes: int | None = None,
    memory_budget: int = MEMORY_BUDGET,
) -> Dataset:
    """Makes a data set of arrays, or of `tf.data`, which is read once into memory.

    Images are uint8 [N, H, W] or [N, H, W, C] with C = 1, 3 or 4, or floats, which are rounded to
    uint8: in [0, 1], or, where some are below 0, in [-1, 1]. Floats [N, D] are points. Labels are
    whole numbers [N] or [N, 1], -1 where there is none, or probabilities float [N, K].

    Args:
      given: images; a tuple (images, labels); a `tf.data.Dataset` of either, in batches or one by
        one, with an end; a dict of these by split, "train", "validation" and "test"; a dict of
        arrays named as in an `.npz`, also with `class_names`; or ((train images, labels), (test
        images, labels)), as `keras.datasets` give. What names no splits is split by a fixed
        permutation: a tenth each for validation and test.
      name: of the data set, for scores and reports.
      classes: how many; None for one more than the largest label.
      memory_budget: bytes, the most that is read of one `tf.data.Dataset`.

    Raises:
      UserError: it is none of these, or too large, or has values that are out of range.
    """
    where = f"the data set {name!r}"
    class_names, notes = None, []
    if isinstance(given, Mapping) and not _is_by_split(given):
        named = {str(key): _array(value, where) for key, value in given.items()}
        found, class_names, notes = arrays.by_split(named, where)
    else:
        found = _found(given, where, memory_budget)
    found = {split: (_scaled(images), labels) for split, (images, labels) in found.items()}
    setting = "from_arrays(classes=...)"
    made = arrays.dataset(name, found, class_names, notes, where, Settings(), classes, setting)
    return dataclasses.replace(made, altered=True, other_images=True)


def _is_by_split(given: Mapping) -> bool:
    return bool(given) and given.keys() <= SPLIT_NAMES.keys()


def _found(given, where: str, budget: int) -> dict[str, tuple]:
    """{split, or "": (images, labels or None)} of all but arrays by name."""
    if isinstance(given, Mapping):
        return {SPLIT_NAMES[split]: _part(part, where, budget) for split, part in given.items()}
    if isinstance(given, tuple) and len(given) == 2 and all(isinstance(p, tuple) for p in given):
        return dict(zip(("train", "test"), (_part(p, where, budget) for p in given), strict=True))
    return {"": _part(given, where, budget)}


def _part(given, where: str, budget: int) -> tuple:
    """(images, labels or None) as arrays."""
    if isinstance(given, tf.data.Dataset):
        return _read(given, where, budget)
    images, labels = named(given, where)
    return _array(images, where), None if labels is None else _array(labels, where)


def _array(given, where: str) -> np.ndarray:
    errors = (TypeError, ValueError, RuntimeError)
    with as_user_error(f"{where} cannot be made an array", *errors):
        array = np.asarray(given)
    if not array.ndim:
        raise UserError(
            f"{where} is of the type {type(given).__name__}: it must be arrays, (images, labels), a"
            " tf.data.Dataset, or a dict of them by split"
        )
    return array


def _scaled(images: np.ndarray) -> np.ndarray:
    """Float images of [-1, 1] in [0, 1]; all else as it is, and `arrays` refuses what is beyond."""
    if not np.issubdtype(images.dtype, np.floating) or images.ndim not in (3, 4):
        return images
    finite = images[np.isfinite(images)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return images * 0.5 + 0.5 if -1 <= low < 0 and high <= 1 else images


# --- tf.data --------------------------------------------------------------------------------------


def _read(dataset: tf.data.Dataset, where: str, budget: int) -> tuple:
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UserError(f"{where} is a tf.data.Dataset without an end: leave out repeat(), or take")
    images, labels, read = [], [], 0
    for some, of_some in _chunks(dataset, where):
        images.append(some)
        labels.append(of_some)
        read += some.nbytes
        if read > budget:
            raise UserError(
                f"{where} is a tf.data.Dataset of more than memory_budget = {budget} bytes: give"
                " from_arrays(memory_budget=...) more, take() a part, or keep it in files, as"
                " load('tfrecord:...') reads them"
            )
    if not images:
        raise UserError(f"{where} is a tf.data.Dataset without elements")
    with as_user_error(f"the elements of {where} differ", ValueError):
        whole = np.concatenate(images)
        return whole, None if labels[0] is None else np.concatenate(labels)


def _chunks(dataset: tf.data.Dataset, where: str) -> Iterator[tuple]:
    """(images [n, ...], labels [n, ...] or None) of each element, a batch or one sample."""
    batched = is_batched(dataset.element_spec, where)
    with as_user_error(f"{where} cannot be read", tf.errors.OpError, TypeError):
        for element in dataset.as_numpy_iterator():
            parts = named(element, where)
            yield tuple(
                part if batched or part is None else np.asarray(part)[np.newaxis] for part in parts
            )


def named(element, where: str) -> tuple:
    """(images, labels or None) of what is given, or of an element of `tf.data`.

    Args:
      element: images, a tuple (images, labels) or (images,), or a dict of them.
      where: it comes from, for messages.

    Raises:
      UserError: it is something else.
    """
    if isinstance(element, Mapping):
        return _named(element, where)
    if not isinstance(element, tuple):
        return element, None
    if len(element) not in (1, 2):
        raise UserError(
            f"{where} has tuples of {len(element)}: give images, or pairs (images, labels)"
        )
    return element if len(element) == 2 else (*element, None)


def _named(parts: Mapping, where: str) -> tuple:
    images = [parts[name] for name in _IMAGES if name in parts]
    labels = [parts[name] for name in _LABELS if name in parts]
    if not images:
        raise UserError(f"{where} has the parts {', '.join(map(str, parts))}: name one images")
    return images[0], labels[0] if labels else None


def is_batched(spec, where: str) -> bool:
    """Whether elements of `tf.data` are batches rather than samples.

    Four dimensions are a batch of images. Else labels tell where there are some: [] or [K] is one.
    Else a first dimension of unknown size beside known ones is that of a batch, [H, W, C] with C =
    1, 3 or 4 is an image, and floats with a second dimension below 4 are a batch of points.

    Args:
      spec: `element_spec` of the data set.
      where: it comes from, for messages.
    """
    images, labels = named(spec, where)
    shape = getattr(images, "shape", None)
    if shape is None or shape.rank is None:
        raise UserError(f"the elements of {where} have no known shape: set it by set_shape")
    of_labels = getattr(labels, "shape", tf.TensorShape(None))
    if shape.rank != 4 and of_labels.rank is not None and of_labels != [1]:
        return of_labels.rank > (0 if labels.dtype.is_integer else 1)
    if shape.rank == 2 and images.dtype.is_floating:
        return shape[0] is None or shape[1] in (1, 2, 3)
    if shape.rank == 3 and shape[0] is None and None not in shape[1:]:
        return True
    return shape.rank == 4 or (shape.rank == 3 and shape[-1] not in (*_CHANNELS, None))
