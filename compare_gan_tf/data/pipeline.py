"""Batches as a pure function of (seed, step): the step is the only position there is to save.

What is shuffled are indices: memory does not grow with the resolution, nor does the quality of the
shuffling depend on a buffer.
"""

import math

import numpy as np
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data import draws, flips_and_crops
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.split import Split

_IN_GRAPH = 2**26  # bytes; tensors in a graph of tf.data exist three times, so no more than this


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
      A data set of (images [b, slices, ...], labels int32 [b, slices], or float32 [b, slices, K] if
      they are soft) with b = batch_size / replicas; of images alone if there are no labels.

    Raises:
      UserError: while a sample is read that cannot be; tf.data makes it an error of its own, and
        the message is kept in `split.images.failure`.
    """
    source = _in_graph(split) if _fits_graph(split) else _outside(split)
    rows = batch_size // replicas

    @tf.autograph.experimental.do_not_convert  # the conversion would take a third of a second
    def block(elements):
        steps = start + elements // local_replicas
        replica = first_replica + elements % local_replicas
        slice_starts = (steps[:, None] * slices + tf.range(slices, dtype=tf.int64)) * batch_size
        samples = replica[:, None] * rows + tf.range(rows, dtype=tf.int64)
        positions = slice_starts[:, None, :] + samples[:, :, None]  # [elements, rows, slices]
        positions = tf.reshape(positions, [-1])
        span = length * slices * batch_size
        indices = _shuffled(positions, span, len(split), key)
        real = tuple(
            tf.reshape(part, [-1, rows, slices, *part.shape[1:]])
            for part in source(indices, _draws(split, key, positions))
        )
        return real if len(real) > 1 else real[0]

    # One at a time, elements took a small GAN a tenth of its time.
    length = _block_length(split, slices * batch_size)
    elements = tf.data.Dataset.range((stop - start) * local_replicas)
    ahead = 2 if slices * rows * _sample_bytes(split) <= _IN_GRAPH else 1
    return elements.batch(length).map(block).unbatch().prefetch(ahead * local_replicas)


def _draws(split: Split, key: int, positions):
    """float32 [n, NUMBERS] of augmentation at each position, or None."""
    if not split.augmentation.draws:
        return None
    return draws.uniform(random.key(key, "augmentation"), positions, flips_and_crops.NUMBERS)


def _in_memory(split: Split) -> np.ndarray | None:
    """The images as an array, if they are one or may become one."""
    if not isinstance(split.images, LazyImages):
        return split.images
    return None if split.augmentation.crops else split.images.in_memory()


def _fits_graph(split: Split) -> bool:
    images = _in_memory(split)
    return images is not None and images.nbytes <= _IN_GRAPH


def _in_graph(split: Split):
    """A function (indices, draws) -> (images, labels?) over tensors: the fastest for small data."""
    images, labels = tf.constant(_in_memory(split)), _labels(split)

    def gather(indices, numbers):
        taken = _augmented(split, tf.gather(images, indices), numbers)
        return (taken,) if labels is None else (taken, tf.gather(labels, indices))

    return gather


def _outside(split: Split):
    """As `_in_graph`, with the images taken by Python: from an array, or decoded in parallel."""
    images, labels = _in_memory(split), _labels(split)
    crops_at_source = images is None and split.augmentation.crops
    if images is None and not crops_at_source:
        split.images.prepare()

    def read(indices, *numbers):
        return split.images.read(indices, *numbers) if images is None else images[indices]

    def gather(indices, numbers):
        inputs = [indices, numbers[:, 1:]] if crops_at_source else [indices]
        # Without state, for tf.data orders calls that have state one after the other.
        taken = tf.numpy_function(read, inputs, split.images.dtype, stateful=False)
        taken = tf.ensure_shape(taken, [None, *split.images.shape[1:]])
        taken = _augmented(split, taken, numbers, crops=not crops_at_source)
        return (taken,) if labels is None else (taken, tf.gather(labels, indices))

    return gather


def _labels(split: Split):
    """int32 [N] or float32 [N, K] as a tensor, or None."""
    if split.labels is None:
        return None
    is_soft = np.issubdtype(split.labels.dtype, np.floating)
    return tf.constant(split.labels, tf.float32 if is_soft else tf.int32)


def _augmented(split: Split, images, numbers, crops: bool = True):
    if crops and split.augmentation.crops:
        images = flips_and_crops.cropped(images, numbers[:, 1:], split.augmentation.min_area)
    return flips_and_crops.flipped(images, numbers[:, 0]) if split.augmentation.flip else images


def _block_length(split: Split, samples: int) -> int:
    """Elements made by one call: for small data the calls would take longer than the data.

    A block is at most 4 MiB and no longer than an epoch, unless one element is.
    """
    memory = 2**22 // (samples * _sample_bytes(split))
    return max(1, min(memory, len(split) // samples))


def _sample_bytes(split: Split) -> int:
    return math.prod(split.images.shape[1:]) * split.images.dtype.itemsize
