"""Loads exported networks and compares them with the networks in memory."""

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
TOLERANCE = 1e-6  # relative; the operations are equal, but their order of summation may differ
_SEED = (0, 42)
_ROUNDING = 0.5 / 255  # largest rounding error of uint8, in units of [0, 1]


class ExportMismatch(RuntimeError):
    """The outputs of an exported network differ from those of the network in memory."""


class Pair(NamedTuple):
    """An output of an exported network and of the network in memory.

    Attributes:
      what: description of the output, for messages.
      found, expected: arrays of the same shape, exported and in memory.
      tolerance: largest allowed difference, times max(1, max |expected|).
    """

    what: str
    found: Any
    expected: Any
    tolerance: float = TOLERANCE


def check_generator(path, generator, latents, num_classes=None, alphabet=None):
    """Compares the endpoints of an exported generator with the network in memory.

    Args:
      path: folder of the SavedModel.
      generator: the network in memory.
      latents: prior of z.
      num_classes: number of classes K of a conditional generator, else None.
      alphabet: alphabet of a discrete generator, else None.

    Raises:
      ExportMismatch: an output differs by more than `TOLERANCE` times max(1, max |output|); the
        message names the output and the difference.
    """
    compare(_of_generator(_loaded(path), generator, latents, num_classes, alphabet))


def check_discriminator(path, discriminator, num_classes=None, *, one_hot=False):
    """Compares an exported discriminator with the network in memory.

    It is called twice, to check that a call does not change its state.

    Raises:
      ExportMismatch: as for `check_generator`.
    """
    compare(_of_discriminator(_loaded(path), discriminator, num_classes, one_hot))


def _loaded(path):
    with files.without_patterns(path) as readable:
        return tf.saved_model.load(readable)


def _of_generator(module, generator, latents, num_classes, alphabet) -> Iterator[Pair]:
    for num in BATCH_SIZES:
        inputs = generator_inputs(generator, latents, num, num_classes)
        outputs = generator(inputs, training=False)
        expected = modules.to_output_range(modules.most_probable(outputs, alphabet))
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
        expected = modules.to_output_range(modules.drawn(outputs, alphabet, num, _SEED))
        sampled = module.sample(num, _SEED, truncation)
        yield Pair(f"sample({num}, {_SEED}, {truncation})", sampled, expected)


def _of_discriminator(module, discriminator, num_classes, one_hot: bool) -> Iterator[Pair]:
    for num in BATCH_SIZES:
        outside = discriminator_inputs(discriminator, num, num_classes)
        expected = discriminator(outside if one_hot else inside(outside), training=False)
        first = module(*outside.values())
        for key in ("logits", "features"):
            yield Pair(f"{key} of a batch of {num}", first[key], expected[key])
        again = module(*outside.values())
        yield Pair("logits of a second call", again["logits"], first["logits"], 0.0)


def check_keras(players: dict):
    """Loads `.keras` files in a new Python process, and compares them with the networks in memory.

    Both are called on the CPU: the new process cannot use GPU memory that this process holds.

    Args:
      players: {path of the file: (network in memory, inputs)}.

    Raises:
      ExportMismatch: see `check_generator`; or a file cannot be loaded in the new process.
      UserError: no process can be started.
      OwnLayersError: a file has layers that another process cannot load.
    """
    try:
        found = fresh_process.outputs({path: each[1] for path, each in players.items()})
    except fresh_process.LoadingFailed as error:
        raise ExportMismatch(f"a fresh process cannot load {error}") from error
    for path, (model, inputs) in players.items():
        with tf.device("CPU:0"):
            expected = tf.nest.flatten(model(inputs, training=False))
        what = f"outputs of {os.path.basename(path)}"
        compare(Pair(what, *both) for both in zip(found[path], expected, strict=True))


def generator_inputs(generator, latents, num: int, num_classes=None) -> dict:
    """`num` latents, and for a conditional generator labels 0, 1, 2, ... modulo `num_classes`."""
    return {"z": latents.sample(num, _SEED)} | _labels(generator, num, num_classes)


def discriminator_inputs(discriminator, num: int, num_classes=None) -> dict:
    """`num` samples of noise, uniform on [0, 1), and labels like those of `generator_inputs`."""
    shape = [num, *modules.sample_shape(discriminator)]
    noise = tf.random.stateless_uniform(shape, _SEED, alg="philox")
    return {"images": noise} | _labels(discriminator, num, num_classes)


def _labels(player, num, num_classes) -> dict:
    if not is_conditional(player):
        return {}
    return {"labels": as_taken(tf.range(num) % (num_classes or 1), player)}


def inside(inputs: dict) -> dict:
    """Inputs of a discriminator with images in [-1, 1] instead of [0, 1]."""
    images = inputs["images"]
    if images.shape.rank == 4:
        images = image_codec.from_unit_interval(images)
    return inputs | {"images": images}


def compare(pairs: Iterable[Pair]) -> None:
    """Compares outputs.

    Raises:
      ExportMismatch: one differs by more than its tolerance.
    """
    for pair in pairs:
        if difference := _difference(pair):
            raise ExportMismatch(f"{pair.what}: {difference}")


def _difference(pair: Pair) -> str | None:
    """Description of the difference between found and expected; None if they agree."""
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
