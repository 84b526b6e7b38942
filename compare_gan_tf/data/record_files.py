"""`tfrecord:/path`: TFRecord files of tf.train.Examples with an encoded image each."""

import os

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data import tfrecords
from compare_gan_tf.data.cache import Cache
from compare_gan_tf.data.own_images import SPLIT_NAMES, Found
from compare_gan_tf.errors import UserError


@gin.configurable("tfrecord", module="data", denylist=["path", "cache"])
def find(
    path: str,
    cache: Cache | None = None,
    image_feature: str = "image",
    label_feature: str = "label",
    classes: int | None = None,
) -> Found:
    """Finds the images in TFRecord files.

    Files whose names contain train, validation (val, valid) or test as a word are of that split.

    Args:
      path: a file, a folder of files, or a pattern such as /data/*.tfrecord.
      cache: see `tfrecords.index`.
      image_feature: name of the encoded image: JPEG, PNG or another that Pillow reads.
      label_feature: name of the label, an integer; without it there are no labels.
      classes: how many; None for one more than the largest label.

    Raises:
      UserError: there are no such files, one is damaged, or labels are out of range.
    """
    path = os.path.expanduser(path)
    pattern = os.path.join(path, "*") if tf.io.gfile.isdir(path) else path
    files = [name for name in sorted(tf.io.gfile.glob(pattern)) if "tfrecord" in name]
    files = files or sorted(tf.io.gfile.glob(path))
    if not files or tf.io.gfile.isdir(files[0]):
        raise UserError(f"there are no TFRecord files at {path}")
    parts = [(name, 0, -1) for name in files]
    extents, found = tfrecords.index(
        parts, image=image_feature, wanted=(label_feature,), cache=cache
    )
    labels, num_classes = None, None
    if label_feature in found:
        values = found[label_feature]
        if not all(isinstance(value, int) for value in values):
            raise UserError(
                f"feature {label_feature!r} of {path} is not one integer in every record: set"
                " tfrecord.label_feature"
            )
        labels, num_classes = label_rules.check(np.array(values), classes, path)
    return Found(
        f"the TFRecord files {path}", extents, labels, num_classes, _splits(files, extents)
    )


def _splits(files: list[str], extents) -> np.ndarray | None:
    """The split that each file's name says, for each image; None unless all say one."""
    said = []
    for file in files:
        words = os.path.basename(file).lower().replace("-", ".").replace("_", ".").split(".")
        said += [[SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES]]
    if not all(len(words) == 1 for words in said):
        return None
    return np.array([words[0] for words in said], dtype="<U10")[extents.file]
