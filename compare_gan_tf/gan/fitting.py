"""Converts the arguments of `GAN.fit`, arrays or `tf.data`, into batches of equal size."""

import functools

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from compare_gan_tf import random
from compare_gan_tf.data import Dataset, from_arrays, in_memory, pipeline
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.data.labels import check as check_labels
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import accumulation, distribution

_BATCH = 32  # samples, Keras' own default
_WHERE = "the data given to fit"


def batches(gan, x, y, *, batch_size: int | None, epochs: int, steps: int | None) -> tuple:
    """Calls `of_stream` for a `tf.data.Dataset` and `of_arrays` for everything else.

    Returns:
      (batches, training steps per epoch).

    Raises:
      UserError: see both functions.
    """
    if not isinstance(x, tf.data.Dataset):
        return of_arrays(gan, x, y, batch_size=batch_size, epochs=epochs, steps=steps)
    if y is not None:
        raise UserError("labels of tf.data are in its elements, (images, labels): leave y out")
    return of_stream(gan, x, batch_size=batch_size, steps=steps)


def of_arrays(gan, x, y, *, batch_size: int | None, epochs: int, steps: int | None) -> tuple:
    """Batches of arrays, drawn as `train` draws them.

    Args:
      gan: the GAN to be trained, from its current step on.
      x, y: samples and labels; or in x what `from_arrays` takes, whose split "train" is used.
      batch_size: global number of reals per D update; None for 32.
      epochs: epochs that are left.
      steps: training steps per epoch; None for the number of whole batches in the data.

    Returns:
      (batches, training steps per epoch).

    Raises:
      UserError: the data does not fit the GAN, or has no whole batch.
    """
    if not isinstance(x, Dataset):
        train = x if y is None else (x, y)
        whole = train if isinstance(train, dict) else {"train": train}
        x = from_arrays(whole, name="given to fit", classes=gan.num_classes)
    split = x.splits["train"]
    _check(gan, x.sample_shape, split.labels)
    strategy, batch_size = gan.distribute_strategy, _BATCH if batch_size is None else batch_size
    _check_batch_size(gan, batch_size, "batch_size")
    steps = steps or len(split) // batch_size
    if not steps:
        raise UserError(f"batch_size is {batch_size}, and {_WHERE} has {len(split)} samples")
    if gan.alphabet is not None:
        gan.alphabet.check_data(split.images[:batch_size])
    drawn = functools.partial(
        pipeline.batches,
        split,
        key=random.key(gan.seed, "shuffle"),
        batch_size=batch_size,
        slices=gan.slices,
        start=gan.current_step,
        stop=gan.current_step + epochs * steps,
    )
    return distribution.distribute(strategy, drawn), steps


def of_stream(gan, stream: tf.data.Dataset, *, batch_size: int | None, steps: int | None) -> tuple:
    """Batches of a `tf.data.Dataset`, repeated without end, as `train_step` takes them.

    Samples that do not fill the last batch are left out. Float images are taken to be in [0, 1] if
    the first batch has no value below 0.

    Args:
      gan: the GAN to be trained.
      stream: of samples or of batches, with or without labels.
      batch_size: for a stream of samples; None for 32. A stream of batches has its own.
      steps: training steps per epoch; None for all data.

    Returns:
      (batches, training steps per epoch).

    Raises:
      UserError: the stream does not fit the GAN, has no whole batch, has no known end, or has
        floats out of range.
    """
    if not steps and stream.cardinality() < 0:  # infinite, or unknown
        raise UserError(f"{_WHERE} has no end that is known: give steps_per_epoch")
    stream = _whole_batches(gan, stream.map(functools.partial(_parts, gan)), batch_size)
    stream = stream.map(functools.partial(_shaped, gan))
    images, *labels = _first(stream)
    _check_batch_size(gan, len(images), f"the batch size of {_WHERE}")
    _check(gan, images.shape[1:], labels[0] if labels else None)
    if labels:
        check_labels(labels[0].numpy(), gan.num_classes, _WHERE)
    stream = stream.map(_unit_to_signed) if _is_unit(images) else stream
    return stream.repeat(), steps or int(stream.reduce(np.int64(0), lambda n, *_: n + 1))


def _whole_batches(gan, stream: tf.data.Dataset, batch_size: int | None) -> tf.data.Dataset:
    """The stream in batches of one known size: its own, its first batch's, or `batch_size`."""
    if not in_memory.is_batched(stream.element_spec, _WHERE):
        batch_size = _BATCH if batch_size is None else batch_size
        _check_batch_size(gan, batch_size, "batch_size")
        return stream.batch(batch_size, drop_remainder=True)
    if batch_size is not None:
        raise UserError(f"batch_size is {batch_size}, but {_WHERE} is in batches: leave it out")
    if stream.element_spec[0].shape[0] is not None:
        return stream
    return stream.unbatch().batch(len(_first(stream)[0]), drop_remainder=True)


def _first(stream: tf.data.Dataset):
    for batch in stream.take(1):
        return batch
    raise UserError(f"{_WHERE} has no whole batch: make batches smaller")


def _parts(gan, *element) -> tuple:
    """(samples, labels) of an element, or (samples,) if the GAN is not conditional."""
    images, labels = in_memory.named(element[0] if len(element) == 1 else element, _WHERE)
    return (images,) if labels is None or not gan.num_classes else (images, labels)


def _shaped(gan, images, *labels) -> tuple:
    """Grey images become [n, H, W, 1]; labels become int32 [n] or float32 [n, K]."""
    if images.shape.rank == len(gan.sample_shape) and gan.sample_shape[-1] == 1:
        images = images[..., tf.newaxis]
    if images.dtype.is_floating:
        images = tf.cast(images, tf.float32)
    if labels and labels[0].dtype.is_integer:
        return images, tf.cast(tf.reshape(labels[0], [-1]), tf.int32)
    return images, *(tf.cast(one, tf.float32) for one in labels)


def _check_batch_size(gan, size: int, name: str):
    strategy = gan.distribute_strategy
    distribution.check_batch_size(strategy, size, name)
    accumulation.size_of_part(gan.accumulation, size // strategy.num_replicas_in_sync)


def _check(gan, sample_shape, labels):
    if tuple(sample_shape) != gan.sample_shape:
        raise UserError(
            f"{_WHERE} has samples of shape {tuple(sample_shape)}, but those of the GAN have "
            f"{gan.sample_shape}"
        )
    if gan.num_classes and labels is None:
        raise UserError(f"conditional is True but {_WHERE} has no labels: give (images, labels)")


def _is_unit(images) -> bool:
    """Whether a batch of float images is in [0, 1]; refuses images outside of [-1, 1]."""
    if images.shape.rank != 4 or images.dtype == tf.uint8:
        return False
    low, high = float(np.min(images)), float(np.max(images))
    if not (images.dtype.is_floating and -1 <= low and high <= 1):
        raise UserError(
            f"the images of {_WHERE} are {images.dtype.name} from {low:.6g} to {high:.6g}: they "
            "must be uint8, or floats in [0, 1] or in [-1, 1]"
        )
    return low >= 0


def _unit_to_signed(images, *labels) -> tuple:
    return images * 2.0 - 1.0, *labels


def compile_options(gan, options: dict) -> dict:
    """The options of Keras' `compile` that a GAN has.

    Steps of several replicas are executed one by one: Keras repeats steps inside of a condition,
    where replicas cannot exchange sums. The weights are the same.

    Raises:
      UserError: there are some.
    """
    for other in sorted(options.keys() - {"run_eagerly", "steps_per_execution"}):
        raise UserError(
            f"compile({other}=...): a GAN has it already; optimisers are g_optimizer and "
            "d_optimizer, losses are objectives, of its constructor"
        )
    replicas = gan.distribute_strategy.num_replicas_in_sync
    if replicas > 1 and options.get("steps_per_execution", 1) != 1:
        logging.info("steps_per_execution: 1, for %d replicas exchange sums", replicas)
        return options | {"steps_per_execution": 1}
    return options


def check_fit_options(options: dict):
    """Refuses options of Keras' `fit` that have no meaning for a GAN.

    Raises:
      UserError: there are some.
    """
    for other in sorted(options.keys() - {"callbacks", "verbose", "initial_epoch"}):
        raise UserError(f"fit({other}=...) has no meaning for a GAN: leave it out")


def as_slices(gan, data) -> tuple:
    """Converts a batch into slices, one for each update of a training step.

    A slice is one batch of reals. A plain batch [n, ...] becomes one slice, which all updates see.

    Args:
      gan: the GAN to be trained.
      data: what `train_step` takes; uint8 images become float32 in [-1, 1].

    Returns:
      (samples [n, slices, ...], labels [n, slices, ...] or None).

    Raises:
      UserError: the samples do not have the GAN's shape, or labels are missing.
    """
    images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
    plain = len(images.shape) == len(gan.sample_shape) + 1
    if tuple(images.shape[1 if plain else 2 :]) != gan.sample_shape:
        raise UserError(
            f"the batch has the shape {tuple(images.shape)}: it must be n samples of "
            f"{gan.sample_shape}"
        )
    if images.shape[0] is None:
        raise UserError("the size of a batch is unknown: give fit arrays, or tf.data")
    if gan.num_classes and labels is None:
        raise UserError("GAN.conditional is True but the batch has no labels: give both")
    if plain:
        images = tf.convert_to_tensor(images)[:, tf.newaxis]
        labels = None if labels is None else tf.convert_to_tensor(labels)[:, tf.newaxis]
    if images.dtype == tf.uint8 and gan.alphabet is None:
        images = from_uint8(images)
    return images, labels if gan.num_classes else None
