"""The labels of fakes: drawn in training, and drawn or given for samples."""

__all__ = ["draw_labels", "given_or_drawn", "labels_of_reals", "require_labels", "uniform_labels"]

import gin
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError


@gin.configurable(module="latents")
def uniform_labels(noise, real_labels, num_classes: int):
    """Labels of the fakes of one update, int32 [n], uniform on [0, num_classes).

    Args:
      noise: `random.Noise` of the update.
      real_labels: of the reals of the update, int32 [n] with -1 for unlabelled, or probabilities
        float32 [n, K].
      num_classes: of the data set.
    """
    return noise.integers("labels", real_labels.shape[0], num_classes)


@gin.configurable(module="latents")
def labels_of_reals(noise, real_labels, num_classes: int):
    """Labels distributed as in the data: the i-th fake gets the label of the i-th real.

    So the two samples of a pair, for instance in relativistic losses, have the same class. A fake
    whose real is unlabelled gets a label as by `uniform_labels`, which has the same arguments. If
    real labels are probabilities [n, K], the label is drawn from them.
    """
    if len(real_labels.shape) == 2:
        number, classes = real_labels.shape
        below = tf.cumsum(real_labels, 1) < noise.uniform("labels", [number])[:, tf.newaxis]
        return tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), 1), classes - 1)
    drawn = uniform_labels(noise, real_labels, num_classes)
    return tf.where(real_labels < 0, drawn, real_labels)


def draw_labels(num, seed, num_classes: int):
    """Labels int32 [num], uniform on [0, num_classes), independent of the z of the same seed."""
    own = tf.random.fold_in(seed, 1, alg="philox")  # else labels and z would share random bits
    return random.integers([num], own, num_classes)


def given_or_drawn(labels, num, seed, num_classes: int):
    """The labels int32 [num] of samples: the given ones, with uniform draws in place of -1.

    Args:
      labels: int [num] in [-1, num_classes), or None to draw all.
      num: int32 scalar.
      seed: int [2], of the samples.
      num_classes: of the data set.

    Raises:
      UserError: `labels` have another shape, type or range. A graph, which does not know their
        values, fails when it runs.
    """
    drawn = draw_labels(num, seed, num_classes)
    if labels is None:
        return drawn
    labels = require_labels(labels, num_classes, least=-1)
    fits = tf.get_static_value(tf.equal(tf.size(labels), num))
    if fits is not None and not fits:
        raise UserError(f"labels have the shape {labels.shape}: they must be int32 [{num}]")
    same = tf.debugging.assert_equal(tf.size(labels), num, "labels must be int32 [num]")
    with tf.control_dependencies([] if same is None else [same]):
        return tf.where(labels < 0, drawn, labels)


def require_labels(labels, num_classes: int, *, least: int = 0):
    """Converts labels to int32 [n], and refuses values outside of [least, num_classes).

    Raises:
      UserError: a label is wrong. A graph, which does not know the values, fails when it runs.
    """
    labels = tf.convert_to_tensor(labels)
    if not labels.dtype.is_integer or labels.shape.rank not in (None, 1):
        raise UserError(f"labels are {labels.dtype.name} {labels.shape}: they must be int32 [n]")
    labels = tf.cast(labels, tf.int32)
    text = f"labels must be {least} to {num_classes - 1}"
    known = tf.get_static_value(labels)
    if known is not None:
        wrong = [int(one) for one in known if not least <= one < num_classes]
        if wrong:
            raise UserError(f"a label is {wrong[0]}: {text}")
        return labels
    checks = [
        tf.debugging.assert_greater_equal(labels, least, text),
        tf.debugging.assert_less(labels, num_classes, text),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(labels)
