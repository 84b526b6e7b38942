"""What a training needs of the memory: weights exactly, a step as an estimate; before it runs.

Linux ends a process that needs more than there is, without a message. On a GPU TensorFlow raises an
error instead, of which `explained` makes one line.
"""

import contextlib
import math
from collections.abc import Iterator

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError, file_error
from compare_gan_tf.gan import workers
from compare_gan_tf.settings import keras_insides, memory

_SMALL = 1 << 26  # bytes of weights that always fit
_OFTEN = 2.0  # what a step takes over the estimate; 2.0 and 2.8 were measured with SNDCGAN
_CURE = "set GAN.accumulation or GAN.remat, or use smaller images or networks"


@contextlib.contextmanager
def weights_fit() -> Iterator[None]:
    """Refuses weights that there is no memory for, before they are made.

    Raises:
      UserError: names the weights, with their shape and size.
    """

    def see(path: str, shape: tuple[int, ...], dtype: str) -> None:
        size = math.prod(shape) * tf.as_dtype(dtype).size
        if size > _SMALL and size > memory.available() and not _has_other_devices():
            raise UserError(
                f"the weights {path} of shape {tuple(shape)} take {memory.shown(size)}, and there "
                f"are {memory.shown(memory.available())} of memory left: use a smaller network"
            )

    with keras_insides.each_variable(see):
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(
                "the weights do not fit into the memory of the device: use smaller networks"
            ) from error


def check(gan, batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Refuses a training whose step cannot fit, and warns of one that might not.

    Args:
      gan: a built GAN.
      batch_size: global number of reals per D update.
      strategy: whose replicas share it.

    Raises:
      UserError: a step needs more memory than this machine has at all.
    """
    if _has_other_devices():  # whose memory TensorFlow does not tell
        return
    replicas, machines = strategy.num_replicas_in_sync, workers.Workers(strategy).number
    a_sample = of_sample(gan) / machines  # on average on each
    needed = batch_size * a_sample
    what = (
        f"train.batch_size = {batch_size}: a step takes {memory.shown(needed)} of memory or more, "
        "by an estimate, and"
    )
    if needed > memory.total():
        fits = int(memory.total() / _OFTEN / a_sample / replicas) * replicas
        raise UserError(f"{what} this machine has {memory.shown(memory.total())}: {_advice(fits)}")
    if _OFTEN * needed > memory.available():
        logging.warning("%s %s are left; %s", what, memory.shown(memory.available()), _CURE)


def _advice(fits: int) -> str:
    return f"a batch of {fits} fits; or {_CURE}" if fits else f"not one sample fits; {_CURE}"


def of_sample(gan) -> float:
    """Bytes that a training step takes at least for each sample of a batch, by an estimate.

    The outputs of all layers wait for the backward pass: in D's update D's for a real and a fake,
    in G's update those of both players for a fake. What TensorFlow needs beside them is left out.
    """
    of_g, of_d = (_outputs(player) for player in (gan.generator, gan.discriminator))
    size = 4 if gan.precision in (None, "float32") else 2
    return size * max(2 * of_d, of_g + of_d) / gan.accumulation


def _outputs(player) -> float:
    """Numbers in the outputs of all layers for one sample; fewer where they are recomputed."""
    model = keras_insides.flat(player)
    outputs = [tensor for _, made in keras_insides.calls(model) for tensor in made]
    number = sum(
        math.prod(size or 1 for size in tensor.shape[1:]) for tensor in [*model.inputs, *outputs]
    )
    recomputed = getattr(player, "recomputed", None)
    return number / len(recomputed.segments) if recomputed else number


@contextlib.contextmanager
def explained(batch_size: int) -> Iterator[None]:
    """Turns an error about memory in a training into one line with a batch that may fit.

    Raises:
      UserError: in its place.
    """
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        if file_error(error) is not None:  # a full disk
            raise
        raise UserError(
            f"train.batch_size = {batch_size}: a step does not fit into the memory of the device; "
            f"try {max(1, batch_size // 2)}, or {_CURE}"
        ) from error


def _has_other_devices() -> bool:
    """Whether there are devices with memory of their own."""
    return any(one.device_type != "CPU" for one in tf.config.list_logical_devices())
