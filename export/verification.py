"""Loads what was exported and compares it with the network in memory."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.data import images as image_codec
from compare_gan_tf.export import fresh_process, modules
from compare_gan_tf.latents import draw_labels
from compare_gan_tf.storage import files

BATCH_SIZES = (1, 2, 7)
TRUNCATIONS = (0.0, 0.5)
TOLERANCE = 1e-6  # the same operations on the same machine; room for another order of summation
_SEED = (0, 42)
_ROUNDING = 0.5 / 255  # of uint8, in units of [0, 1]


class ExportMismatch(RuntimeError):
    """What was written does not compute what the network in memory computes."""


class Pair(NamedTuple):
    """An output of what was written, and that of the network in memory.

    Attributes:
      what: it is, for messages.
      found, expected: arrays of one shape.
      tolerance: greatest difference allowed, relative to the largest |expected| if that exceeds 1.
    """

    what: str
    found: Any
    expected: Any
    tolerance: float = TOLERANCE


def check_generator(path, generator, latents, num_classes=None, alphabet=None):
    """Compares the generator module at `path`: calls, samples and uint8.

    Args:
      path: folder of the SavedModel.
      generator: the network it was made from.
      latents: prior of z.
      num_classes: K, for a conditional generator.
      alphabet: of a discrete generator, else None.

    Raises:
      ExportMismatch: something differs by more than `TOLERANCE`, relative to the largest |value| if
        that exceeds 1; the message says what and by how much.
    """
    _compare(_of_generator(_loaded(path), generator, latents, num_classes, alphabet))


def check_discriminator(path, discriminator, num_classes=None, *, one_hot=False):
    """Compares the discriminator module at `path`, and calls it twice: its state is frozen.

    Raises:
      ExportMismatch: as for `check_generator`.
    """
    _compare(_of_discriminator(_loaded(path), discriminator, num_classes, one_hot))


def _loaded(path):
    with files.without_patterns(path) as readable:
        return tf.saved_model.load(readable)


def _of_generator(module, generator, latents, num_classes, alphabet) -> Iterator[Pair]:
    for num in BATCH_SIZES:
        inputs = generator_inputs(generator, latents, num, num_classes)
        outputs = generator(inputs, training=False)
        expected = modules.door(modules.likeliest(outputs, alphabet))
        if alphabet:
            found = module.probabilities(*inputs.values())
            yield Pair("probabilities", found, alphabet.probabilities(outputs))
        yield Pair(f"images of a batch of {num}", module(*inputs.values()), expected)
        if modules.makes_images(generator):
            rounded = tf.cast(module.uint8(*inputs.values()), tf.float32) / 255.0
            clipped = tf.clip_by_value(expected, 0.0, 1.0)
            yield Pair(f"uint8 of a batch of {num}", rounded, clipped, _ROUNDING + TOLERANCE)
    inputs = {}
    if is_conditional(generator):
        inputs["labels"] = draw_labels(num, _SEED, num_classes)
    for truncation in TRUNCATIONS:
        inputs["z"] = latents.sample(num, _SEED, truncation)
        outputs = generator(inputs, training=False)
        expected = modules.door(modules.hard(outputs, alphabet, num, _SEED))
        sampled = module.sample(num, _SEED, truncation)
        yield Pair(f"sample({num}, {_SEED}, {truncation})", sampled, expected)


def _of_discriminator(module, discriminator, num_classes, one_hot: bool) -> Iterator[Pair]:
    for num in BATCH_SIZES:
        outside = discriminator_inputs(discriminator, num, num_classes)
        expected = discriminator(outside if one_hot else _inside(outside), training=False)
        first = module(*outside.values())
        for key in ("logits", "features"):
            yield Pair(f"{key} of a batch of {num}", first[key], expected[key])
        again = module(*outside.values())
        yield Pair("logits of a second call", again["logits"], first["logits"], 0.0)


def check_keras(players: dict):
    """Loads `.keras` files in a fresh Python process, and compares them with the networks.

    Both are called on the CPU: another process could not have the memory of the GPU.

    Args:
      players: {path of the file: (network, inputs)}.

    Raises:
      ExportMismatch: as for `check_generator`, or a file cannot be loaded there.
      UserError: no process can be started.
      OwnLayersError: a file holds layers that none could load.
    """
    try:
        found = fresh_process.outputs({path: each[1] for path, each in players.items()})
    except fresh_process.LoadingFailed as error:
        raise ExportMismatch(f"a fresh process cannot load {error}") from error
    for path, (model, inputs) in players.items():
        with tf.device("CPU:0"):
            expected = tf.nest.flatten(model(inputs, training=False))
        what = f"outputs of {os.path.basename(path)}"
        _compare(Pair(what, *both) for both in zip(found[path], expected, strict=True))


def generator_inputs(generator, latents, num: int, num_classes=None) -> dict:
    """`num` latents, and labels that go round the classes."""
    return {"z": latents.sample(num, _SEED)} | _labels(generator, num, num_classes)


def discriminator_inputs(discriminator, num: int, num_classes=None) -> dict:
    """`num` samples of noise, uniform on [0, 1), and labels that go round the classes."""
    shape = [num, *modules.sample_shape(discriminator)]
    noise = tf.random.stateless_uniform(shape, _SEED, alg="philox")
    return {"images": noise} | _labels(discriminator, num, num_classes)


def _labels(player, num, num_classes) -> dict:
    if not is_conditional(player):
        return {}
    return {"labels": as_taken(tf.range(num) % (num_classes or 1), player)}


def _inside(inputs: dict) -> dict:
    images = inputs["images"]
    if images.shape.rank == 4:
        images = image_codec.from_unit_interval(images)
    return inputs | {"images": images}


def _compare(pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        if difference := _difference(pair):
            raise ExportMismatch(f"{pair.what}: {difference}")


def _difference(pair: Pair) -> str | None:
    """How what was found differs from what is expected, in words; None if it does not."""
    found, expected = np.asarray(pair.found, np.float64), np.asarray(pair.expected, np.float64)
    if found.shape != expected.shape:
        return f"shape {found.shape}, in memory {expected.shape}"
    if not np.isfinite(expected).all():
        return "the network in memory gives values that are not finite"
    difference = np.max(np.abs(found - expected), initial=0.0)
    allowed = pair.tolerance * max(1.0, np.max(np.abs(expected), initial=0.0))
    if difference <= allowed:  # a NaN is no match
        return None
    return f"maximum difference {difference:.3g} to the network in memory, allowed {allowed:.3g}"
