"""Labels other than a data set's own: `data.load.labels = @partial_labels`.

Each labelling is a function (split, name of the split, number of classes or None) -> (labels,
number of classes). Labels are int32 [N], -1 where there is none, or float32 [N, K], the probability
of each class (soft labels). Code that one-hot encodes int32 [n] must take soft labels [n, K] as
they are; labels of fakes are drawn as before. Names of classes stay if labels keep their meaning.
"""

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.data import npz, tfrecords
from compare_gan_tf.data.naming import printable
from compare_gan_tf.data.records import require_file
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import Count, Function, Index, Number, checked

Labelling = Annotated[
    Callable[[Split, str, int | None], tuple[np.ndarray | None, int | None]],
    Function(0, "", None, like="a function such as @partial_labels"),
]
Share = Annotated[float, Number(above=0, most=1)]
_OWN = ["split", "name", "num_classes"]  # arguments that gin does not bind


def check(
    labels: np.ndarray, num_classes: int | None, where: str, cure: str | None = None
) -> tuple[np.ndarray, int]:
    """Labels as int32 or float32, and the number of classes: one more than the largest if None.

    Args:
      labels: int [N], or float [N, K].
      num_classes: K, or None.
      where: they lie, for messages.
      cure: the setting that says how many classes there are, such as "npz.classes"; None if none
        does.

    Raises:
      UserError: they are neither whole numbers in [-1, num_classes) nor probabilities [N, K].
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and np.issubdtype(labels.dtype, np.floating):
        return _check_soft(labels, num_classes, where)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"the labels of {where} are {labels.dtype} of shape {list(labels.shape)}: they must be"
            " whole numbers [N], or probabilities float [N, classes]"
        )
    if num_classes is None:
        num_classes = int(labels.max(initial=0)) + 1
        if num_classes > max(len(labels), 2):
            setting = f", or say how many there are by {cure}" if cure else ""
            raise UserError(
                f"the largest label of {where} is {num_classes - 1}, with {len(labels)} samples:"
                f" number the classes from 0{setting}"
            )
    bad = np.flatnonzero((labels < -1) | (labels >= num_classes))
    if len(bad):
        raise UserError(
            f"{len(bad)} labels of {where} are not in [0, {num_classes}), nor -1 for unlabelled:"
            f" the first is {labels[bad[0]]}, of sample {bad[0]}{f'; see {cure}' if cure else ''}"
        )
    return labels.astype(np.int32), num_classes


def relabelled(dataset: Dataset, labelling: Labelling) -> Dataset:
    """The data set with other labels in every split."""
    splits, num_classes = {}, None
    for name, split in dataset.splits.items():
        labels, num_classes = labelling(split, name, dataset.num_classes)
        splits[name] = dataclasses.replace(split, labels=labels)
    same = num_classes == dataset.num_classes and (
        _keeps_classes(labelling)
        or all(
            _some_of(splits[name].labels, split.labels) for name, split in dataset.splits.items()
        )
    )
    return dataclasses.replace(
        dataset,
        splits=splits,
        num_classes=num_classes,
        class_names=dataset.class_names if same else None,
    )


def _some_of(labels: np.ndarray | None, before: np.ndarray | None) -> bool:
    """Whether labels are what they were, or are taken away."""
    if labels is None or before is None or labels.shape != before.shape or labels.ndim != 1:
        return False
    return bool(((labels == before) | (labels == -1)).all())


def _of_same_classes(labelling):
    """Marks a labelling whose labels, if their number of classes is the set's, mean its classes."""
    labelling.of_same_classes = True
    return labelling


def _keeps_classes(labelling) -> bool:
    while isinstance(labelling, functools.partial):
        labelling = labelling.func
    return getattr(inspect.unwrap(labelling), "of_same_classes", False)


def _check_soft(labels, num_classes, where) -> tuple[np.ndarray, int]:
    sums = labels.sum(axis=1, dtype=np.float64)
    bad = np.flatnonzero(~(np.abs(sums - 1) < 1e-3) | ~(labels >= 0).all(axis=1))
    if len(bad):
        raise UserError(
            f"{len(bad)} rows of the soft labels of {where} are no probabilities: row {bad[0]} sums"
            f" to {sums[bad[0]]:.6g}"
        )
    if num_classes is not None and labels.shape[1] != num_classes:
        raise UserError(
            f"the soft labels of {where} are for {labels.shape[1]} classes, not {num_classes}"
        )
    return labels.astype(np.float32), labels.shape[1]


@gin.configurable(module="data", denylist=_OWN)
def no_labels(split, name, num_classes):
    """Removes all labels."""
    return None, None


@gin.configurable(module="data", denylist=_OWN)
def single_label(split, name, num_classes):
    """Gives every sample the label 0 of one class; the ancestor's single_class sets."""
    return np.zeros(len(split), np.int32), 1


@gin.configurable(module="data", denylist=_OWN)
@checked
@_of_same_classes
def random_labels(split, name, num_classes, classes: Count | None = None, seed: Index = 0):
    """Draws a label once for each sample, independent of what the sample shows.

    The ancestor drew a new one at each reading. A discriminator learns nothing from either, but it
    can memorise these.

    Args:
      split, name, num_classes: of the set.
      classes: how many; None for as many as the set has.
      seed: of the draws.
    """
    classes = classes or num_classes
    if not classes:
        raise UserError("the set has no classes: set random_labels.classes")
    return _rng(seed, name).integers(classes, size=len(split)).astype(np.int32), classes


@gin.configurable(module="data", denylist=_OWN)
@checked
def partial_labels(split, name, num_classes, fraction: Share = 0.1, seed: Index = 0):
    """Keeps the labels of a random share of the training samples; the others get -1.

    Every class keeps round(fraction * its samples), at least one (Lucic et al., 2019). Other splits
    keep all.

    Args:
      split, name, num_classes: of the set.
      fraction: in (0, 1].
      seed: of the choice.
    """
    labels, rng = class_labels(split, "partial_labels").copy(), _rng(seed, name)
    if name != "train":
        return labels, num_classes
    for label in range(num_classes):
        members = rng.permutation(np.flatnonzero(split.labels == label))
        labels[members[max(1, round(fraction * len(members))) :]] = -1
    return labels, num_classes


@gin.configurable(module="data", denylist=_OWN)
@checked
def labels_from_table(split, name, num_classes, path: str = "", classes: Count | None = None):
    """Reads labels from a text file, one line "name,label" for each sample; others are an error.

    Args:
      split, name, num_classes: of the set.
      path: with {split} in place of the split's name, if each has a file of its own.
      classes: how many; None for one more than the largest label in the file.
    """
    table = {}
    for number, line in enumerate(_text(_of_split(path, name)).splitlines(), 1):
        if line.strip():
            key, _, label = line.rpartition(",")
            what = f'line {number} of {path} is not "name,label": {line[:80]!r}'
            with as_user_error(what, ValueError, OverflowError):
                value = np.int32(int(label))
            if table.setdefault(key.strip(), value) != value:
                raise UserError(f"{path} has two labels for {printable(key.strip())}: mend one")
    cure = "labels_from_table.classes"
    if classes is None:  # of the whole file, for splits may lack some
        _, classes = check(np.array(list(table.values()), np.int64), None, path, cure)
    return _by_name(split, table, classes, path, cure)


@gin.configurable(module="data", denylist=_OWN)
@checked
def labels_from_npz(split, name, num_classes, path: str = "", classes: Count | None = None):
    """Reads labels from an .npz file: arrays train, validation and test, in the samples' order.

    Args:
      split, name, num_classes: of the set.
      path: of the file; arrays int [N], or float [N, K] for soft labels.
      classes: how many; None for one more than the largest of the file.
    """
    found, cure = npz.read(path, list(npz.headers(path))), "labels_from_npz.classes"
    if name not in found or len(found[name]) != len(split):
        shape = list(found[name].shape) if name in found else "missing"
        raise UserError(
            f"the array {name!r} in {path} is {shape}, and the split has {len(split)} samples"
        )
    if classes is None and found[name].ndim == 1:
        hard = [array for array in found.values() if array.ndim == 1 and array.dtype.kind in "iu"]
        classes = (
            check(np.concatenate(hard).astype(np.int64), None, path, cure)[1] if hard else None
        )
    return check(found[name], classes, path, cure)


@gin.configurable(module="data", denylist=_OWN)
@checked
@_of_same_classes
def labels_from_tfrecords(
    split, name, num_classes, pattern: str = "", classes: Count | None = None
):
    """Reads labels from TFRecords with features file_name and label, as the ancestor's.

    Args:
      split, name, num_classes: of the set.
      pattern: of the files' names, with {split} in place of the split's name; label is one integer,
        or one float for each class (soft).
      classes: how many; None for those of the set, or of the soft labels.
    """
    paths = sorted(tf.io.gfile.glob(_of_split(pattern, name)))
    if not paths:
        raise UserError(f"labels_from_tfrecords.pattern = {pattern!r}: there is no such file")
    table = {}
    for path in paths:
        for file_name, label in tfrecords.pairs(path, "file_name", "label"):
            table[file_name.decode()] = label
    return _by_name(split, table, classes or num_classes, pattern, "labels_from_tfrecords.classes")


def _by_name(split: Split, table: dict, classes: int | None, where: str, cure: str):
    names = [split.name(index) for index in range(len(split))]
    missing = [name for name in names if name not in table]
    if missing:
        raise UserError(
            f"{where} has no label for {len(missing)} of {len(names)} samples, such as {missing[0]}"
        )
    return check(np.array([table[name] for name in names]), classes, where, cure)


def _of_split(path: str, name: str) -> str:
    """The path with {split} replaced; any other braces are part of it."""
    return path.replace("{split}", name)


def class_labels(split: Split, who: str) -> np.ndarray:
    """The labels int32 [N] of a split, -1 where there is none.

    Args:
      split: of a data set.
      who: needs them, for the message.

    Raises:
      UserError: the split has no labels, or probabilities.
    """
    if split.labels is None or split.labels.ndim != 1:
        raise UserError(f"{who} needs labels that are whole numbers, and the data set has none")
    return split.labels


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _text(path: str) -> str:
    path = os.path.expanduser(path)
    errors = (tf.errors.OpError, OSError, ValueError)
    with as_user_error(f"the labels in {path!r} cannot be read", *errors):
        if "://" not in path:
            require_file(path)
        with tf.io.gfile.GFile(path) as file:
            return file.read()
