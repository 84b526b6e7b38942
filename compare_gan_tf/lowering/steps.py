"""The training step and the sampler of a GAN as programs, see `programs`."""

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data import Split, draws, flips_and_crops
from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.gan import GAN
from compare_gan_tf.lowering.programs import Program, lower
from compare_gan_tf.runs import checkpoints

SAMPLES = 64  # of the sampler, as in the grids of a training


def variables(gan: GAN) -> dict:
    """{name: Keras variable} of all that a step may read or assign, each under one name."""
    parts = checkpoints.parts(gan) | {"first_failure": gan.first_failure}
    named = {"step": gan.step}
    for part, layer in parts.items():
        named |= {f"{part}/{index}": variable for index, variable in enumerate(layer.variables)}
    first = {}
    for name, variable in named.items():
        first.setdefault(id(variable), name)
    return {name: variable for name, variable in named.items() if first[id(variable)] == name}


def train_step(gan: GAN, split: Split, batch_size: int) -> Program:
    """The training step: (images [n, slices, ...], labels [n, slices, ...]) -> the terms.

    Images are given as they are stored. The program mirrors them as a training does.

    Args:
      gan: a built GAN.
      split: the samples to be trained on; it takes no random crops.
      batch_size: n.

    Raises:
      UserError: see `programs.lower`.
    """
    shape = [batch_size, gan.slices]
    images, labels = split.images, split.labels if gan.num_classes else None
    arguments = {"images": tf.TensorSpec([*shape, *images.shape[1:]], images.dtype)}
    if labels is not None:
        arguments["labels"] = tf.TensorSpec([*shape, *labels.shape[1:]], labels.dtype)

    def step(images, labels=None):
        images = _flipped(gan, split, images)
        return gan.train_step(images if labels is None else (images, labels))

    return lower(step, arguments, variables(gan))


def _flipped(gan: GAN, split: Split, images):
    """Images [n, slices, ...], mirrored as `pipeline.batches` mirrors them at this step."""
    if not split.augmentation.flip:
        return images
    number, slices, *shape = images.shape
    starts = (gan.step.value * slices + tf.range(slices, dtype=tf.int64)) * number
    positions = starts + tf.range(number, dtype=tf.int64)[:, None]  # [n, slices]
    key = random.key(random.key(gan.seed, "shuffle"), "augmentation")
    numbers = draws.uniform(key, tf.reshape(positions, [-1]), flips_and_crops.NUMBERS)
    flat = tf.reshape(images, [-1, *shape])
    return tf.reshape(flips_and_crops.flipped(flat, numbers[:, 0]), images.shape)


def sampler(gan: GAN) -> Program:
    """The sampler: seed int64 [2] -> {"samples": `SAMPLES` samples}, see `GAN.sample`.

    Images are uint8.

    Raises:
      UserError: see `programs.lower`.
    """

    def sample(seed):
        samples = gan.sample(SAMPLES, seed)
        is_image = samples.dtype.is_floating and len(gan.sample_shape) == 3
        return {"samples": to_uint8(samples) if is_image else samples}

    return lower(sample, {"seed": tf.TensorSpec([2], tf.int64)}, variables(gan))
