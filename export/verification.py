"""Loads what was exported and compares it with the network in memory."""

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.data import images as image_codec
from compare_gan_tf.export import modules
from compare_gan_tf.latents import draw_labels

BATCH_SIZES = (1, 2, 7)
TRUNCATIONS = (0.0, 0.5)
TOLERANCE = 1e-6  # the same operations on the same machine; room for another order of summation
_SEED = (0, 42)
_ROUNDING = 0.5 / 255  # of uint8, in units of [0, 1]


class ExportMismatch(RuntimeError):
    """What was written does not compute what the network in memory computes."""


def check_generator(
    path, generator, latents, num_classes=None, *, alphabet=None, tolerance=TOLERANCE
):
    """Compares the generator module at `path`: calls, samples and uint8.

    Args:
      path: folder of the SavedModel.
      generator: the network it was made from.
      latents: prior of z.
      num_classes: K, for a conditional generator.
      alphabet: of a discrete generator, else None.
      tolerance: greatest difference allowed, relative to the largest |value| if that exceeds 1.

    Raises:
      ExportMismatch: something differs by more; the message says what and by how much.
    """
    module = tf.saved_model.load(path)
    for num in BATCH_SIZES:
        inputs = generator_inputs(generator, latents, num, num_classes)
        outputs = generator(inputs, training=False)
        expected = modules.door(modules.likeliest(outputs, alphabet))
        if alphabet:
            found = module.probabilities(*inputs.values())
            _compare("probabilities", found, alphabet.probabilities(outputs), tolerance)
        _compare(f"images of a batch of {num}", module(*inputs.values()), expected, tolerance)
        if modules.makes_images(generator):
            rounded = tf.cast(module.uint8(*inputs.values()), tf.float32) / 255.0
            clipped = tf.clip_by_value(expected, 0.0, 1.0)
            _compare(f"uint8 of a batch of {num}", rounded, clipped, _ROUNDING + tolerance)
    for truncation in TRUNCATIONS:
        _check_sample(module, generator, latents, num_classes, alphabet, truncation, tolerance)


def _check_sample(module, generator, latents, num_classes, alphabet, truncation, tolerance):
    num = BATCH_SIZES[-1]
    inputs = {"z": latents.sample(num, _SEED, truncation)}
    if is_conditional(generator):
        inputs["labels"] = draw_labels(num, _SEED, num_classes)
    sampled = module.sample(num, _SEED, truncation)
    outputs = generator(inputs, training=False)
    expected = modules.door(modules.hard(outputs, alphabet, num, _SEED))
    _compare(f"sample({num}, {_SEED}, {truncation})", sampled, expected, tolerance)


def check_discriminator(
    path, discriminator, num_classes=None, *, one_hot=False, tolerance=TOLERANCE
):
    """Compares the discriminator module at `path`, and calls it twice: its state is frozen.

    Raises:
      ExportMismatch: as for `check_generator`.
    """
    module = tf.saved_model.load(path)
    for num in BATCH_SIZES:
        outside = discriminator_inputs(discriminator, num, num_classes)
        expected = discriminator(outside if one_hot else _inside(outside), training=False)
        first = module(*outside.values())
        for key in ("logits", "features"):
            _compare(f"{key} of a batch of {num}", first[key], expected[key], tolerance)
        again = module(*outside.values())
        _compare("logits of a second call", again["logits"], first["logits"], 0.0)


def check_keras(path, model, inputs, *, tolerance=TOLERANCE):
    """Compares the .keras file at `path` with `model` on `inputs`.

    Classes of layers that Keras does not know, a user's own, are those of `model`.

    Raises:
      ExportMismatch: as for `check_generator`.
    """
    loaded = keras.models.load_model(path, custom_objects=own_classes(model), compile=False)
    expected = tf.nest.flatten(model(inputs, training=False))
    found = tf.nest.flatten(loaded(inputs, training=False))
    for one, other in zip(found, expected, strict=True):
        _compare("outputs of the .keras file", one, other, tolerance)


def own_classes(model) -> dict[str, type]:
    """{name: class} of the layers of a model that are neither Keras' nor registered with it."""
    kinds = {type(layer) for layer in model._flatten_layers()}
    return {
        kind.__name__: kind
        for kind in kinds
        if not kind.__module__.startswith("keras.")
        and keras.saving.get_registered_name(kind) == kind.__name__
    }


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


def _compare(what: str, found, expected, tolerance: float):
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise ExportMismatch(f"{what}: shape {found.shape}, in memory {expected.shape}")
    if not np.isfinite(expected).all():
        raise ExportMismatch(f"{what}: the network in memory gives values that are not finite")
    difference = np.max(np.abs(found - expected), initial=0.0)
    allowed = tolerance * max(1.0, np.max(np.abs(expected), initial=0.0))
    if not difference <= allowed:  # `not`: a NaN is no match either
        raise ExportMismatch(
            f"{what}: maximum difference {difference:.3g} to the network in memory, "
            f"allowed {allowed:.3g}"
        )
