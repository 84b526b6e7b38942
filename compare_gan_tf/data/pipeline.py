"""Batches as a pure function of (seed, step): the step is the only position there is to save."""

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data.dataset import Split


def _shuffled(positions, span: int, size: int, key: int):
    """The sample at each global position int64 [n], all within `span` of each other.

    Every epoch of `size` positions is a new permutation of all samples.

    It is keyed by random bits of (key, epoch), for the shuffle reads
    only the low bits of its key.
    """
    epochs = positions // size
    first = tf.reduce_min(epochs)
    most = 2 + span // size  # epochs that they can touch
    keys = [random.bits([3], _seed(key, first + epoch)) for epoch in range(most)]
    # tf.random.experimental.index_shuffle takes one key only.
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % size,
        seed=tf.gather(tf.stack(keys), epochs - first),
        max_index=tf.constant(size - 1, tf.int64),
        rounds=4,
    )


def _seed(key: int, epoch):
    return tf.stack([tf.constant(key, tf.int64), epoch])


def batches(
    split: Split,
    *,
    key: int,
    batch_size: int,
    slices: int,
    start: int,
    stop: int,
    replicas: int = 1,
    first_replica: int = 0,
    local_replicas: int = 1,
) -> tf.data.Dataset:
    """The reals of training steps `start` to `stop`, in the order in which replicas take them.

    The j-th real of the s-th slice of step t is the ((t * slices + s) * batch_size + j)-th sample
    of an endless sequence of shuffled epochs, whatever the number of replicas.

    Args:
      split: the samples.
      key: of the shuffling.
      batch_size: global number of reals per slice; a multiple of `replicas`.
      slices: batches per step.
      start, stop: steps, counted from 0.
      replicas: of the whole strategy.
      first_replica, local_replicas: those that this worker feeds.

    Returns:
      A data set of (images [b, slices, ...], labels int32 [b, slices]) with b = batch_size /
      replicas; of images alone if there are no labels.
    """
    images = tf.constant(split.images)
    labels = None if split.labels is None else tf.constant(split.labels, tf.int32)
    rows = batch_size // replicas

    def element(position):
        step = start + position // local_replicas
        replica = first_replica + position % local_replicas
        slice_start = (step * slices + tf.range(slices, dtype=tf.int64)) * batch_size
        sample = replica * rows + tf.range(rows, dtype=tf.int64)
        positions = tf.reshape(slice_start[None, :] + sample[:, None], [-1])
        indices = tf.reshape(
            _shuffled(positions, slices * batch_size, len(split), key), [rows, slices]
        )
        real = tf.gather(images, indices)
        return real if labels is None else (real, tf.gather(labels, indices))

    elements = tf.data.Dataset.range((stop - start) * local_replicas).map(element)
    return elements.prefetch(2 * local_replicas)
