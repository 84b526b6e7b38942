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

    def block(elements):
        steps = start + elements // local_replicas
        replica = first_replica + elements % local_replicas
        slice_starts = (steps[:, None] * slices + tf.range(slices, dtype=tf.int64)) * batch_size
        samples = replica[:, None] * rows + tf.range(rows, dtype=tf.int64)
        positions = slice_starts[:, None, :] + samples[:, :, None]  # [elements, rows, slices]
        span = length * slices * batch_size
        indices = _shuffled(tf.reshape(positions, [-1]), span, len(split), key)
        indices = tf.reshape(indices, [-1, rows, slices])
        real = tf.gather(images, indices)
        return real if labels is None else (real, tf.gather(labels, indices))

    length = _block_length(split, slices * batch_size)
    elements = tf.data.Dataset.range((stop - start) * local_replicas)
    return elements.batch(length).map(block).unbatch().prefetch(2 * local_replicas)


def _block_length(split: Split, samples: int) -> int:
    """Elements made by one call: for small data the calls would take longer than the data.

    A block is at most 4 MiB and no longer than an epoch, unless one element is.
    """
    memory = 2**22 // (samples * split.images[0].nbytes)
    return max(1, min(memory, len(split) // samples))
