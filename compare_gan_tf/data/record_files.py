"""`tfrecord:/path`: TFRecord files of tf.train.Examples with an encoded image each."""

import os
import re

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.data import label_values, tfrecords
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.cache import Cache
from compare_gan_tf.data.naming import NameOrFalse, refuse_lost_labels, some_of
from compare_gan_tf.data.own_images import SPLIT_NAMES, Found
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import Count, checked

_LABEL = "label"  # the feature that has the labels, where no other is named


@gin.configurable("tfrecord", module="data", denylist=["path", "cache"])
@checked(name="tfrecord")
def find(
    path: str,
    cache: Cache | None = None,
    image_feature: str = "image",
    label_feature: NameOrFalse = _LABEL,
    classes: Count | None = None,
) -> Found:
    """Finds the images in TFRecord files.

    Files whose names contain train, validation (val, valid, dev, eval) or test as a word are of
    that split, if all do.

    Args:
      path: a file, a folder of files, or a pattern such as /data/*.tfrecord.
      cache: see `tfrecords.index`.
      image_feature: name of the encoded image: JPEG, PNG or another that Pillow reads.
      label_feature: name of the label, an integer or the name of a class in UTF-8; False for none.
      classes: how many; None for one more than the largest label.

    Raises:
      UserError: there are no such files, one is damaged, some name a split and others none, labels
        are out of range, or another feature may be the labels.
    """
    files, notes = _files(os.path.expanduser(path), path)
    parts = [(name, 0, -1) for name in files]
    wanted = (label_feature,) if isinstance(label_feature, str) else ()
    extents, found = tfrecords.index(parts, image=image_feature, wanted=wanted, cache=cache)
    where = f"the TFRecord files {path}"
    labels, num_classes, class_names = None, None, None
    if wanted and label_feature in found:
        values = found[label_feature]
        labels, num_classes, class_names = _labels(values, classes, extents, label_feature, path)
    others = [n for n in tfrecords.feature_names(files[0]) if n not in (image_feature, *wanted)]
    if labels is None:
        asked = None if label_feature == _LABEL else label_feature
        setting = "tfrecord.label_feature"
        refuse_lost_labels(others, f"a record of {path}", setting, asked, has_labels=False)
    if others:
        notes.append(f"features of the records passed over: {some_of(others)}")
    split = _splits(files, extents, path)
    return Found(where, extents, labels, num_classes, split, class_names, tuple(notes))


def _files(path: str, given: str) -> tuple[list[str], list[str]]:
    """The files, and a note about others that lie beside them."""
    if "://" not in path and os.path.exists(path) and not os.path.isdir(path):
        return [path], []
    folder = tf.io.gfile.isdir(path)
    if folder:
        every = [os.path.join(path, name) for name in sorted(tf.io.gfile.listdir(path))]
        every = [name for name in every if not os.path.basename(name).startswith(".")]
    else:
        every = sorted(tf.io.gfile.glob(path))
    files = [name for name in every if "tfrecord" in os.path.basename(name).lower()]
    if not folder and not files:
        files = every
    files = [name for name in files if not tf.io.gfile.isdir(name)]
    if not files:
        raise UserError(f"there are no TFRecord files at {given}")
    left = [os.path.basename(name.rstrip("/")) for name in every if name not in files]
    return files, [f"passed over, for they are no TFRecord files: {some_of(left)}"] if left else []


def _labels(values: list, classes: int | None, extents, feature: str, path: str):
    """(labels, number of classes, their names or None)."""
    if all(isinstance(value, bytes) for value in values):
        with as_user_error(f"feature {feature!r} of {path} is not in UTF-8", UnicodeDecodeError):
            values = [value.decode() or None for value in values]
        names = [extents.name(i) for i in range(len(extents))]
        labels, number, class_names = label_values.numbered(values, names, path)
        if classes not in (None, number):
            raise UserError(f"tfrecord.classes = {classes}: {path} has {number}, by their names")
        return labels, number, class_names
    if not all(isinstance(value, int) for value in values):
        raise UserError(
            f"feature {feature!r} of {path} is not one integer in every record, nor one text: set"
            " tfrecord.label_feature"
        )
    labels = np.array(values, np.int64)
    return *label_rules.check(labels, classes, path, "tfrecord.classes"), None


def _splits(files: list[str], extents, path: str) -> np.ndarray | None:
    """The split that each file's name says, for each image; None if none says one."""
    said = []
    for file in files:
        words = re.findall(r"[^\W\d_]+", os.path.basename(file).lower())
        said.append({SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES})
    if not any(said):
        return None
    unclear = [
        os.path.basename(f) for f, splits in zip(files, said, strict=True) if len(splits) != 1
    ]
    if unclear:
        raise UserError(
            f"some files of {path} name a split, and {some_of(unclear)} do not name just one: give"
            " a pattern for those that are meant, or rename them"
        )
    return np.array([splits.pop() for splits in said], dtype="<U10")[extents.file]
