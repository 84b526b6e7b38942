"""Writes the players of a run as TF Hub modules and .keras files, checked before they appear.

Everything is written and compared under `<final path>.partial`, which takes the final name in one
rename. An older export under that name is replaced by it; a failed export leaves it as it was.
"""

import contextlib
import json
import os
import re

import tensorflow as tf
from absl import logging

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.export import modules, verification

# What a full disk, missing rights or a lost network raise; other errors are bugs.
_UNWRITABLE = (
    OSError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    tf.errors.UnknownError,
)
METADATA = os.path.join("assets.extra", "metadata.json")  # a folder SavedModel leaves to its users


def export_run(gan, model_dir: str, step: int) -> dict[str, str]:
    """Exports both players of `gan` to `<model_dir>/hub/<step>`.

    Args:
      gan: holds the weights of `step`; its sampling generator (the averaged one where the run
        has it) is the generator that is exported.
      model_dir: folder of the run.
      step: training step of the weights.

    Returns:
      Paths by name: "generator" and "discriminator" (SavedModels), "generator_keras" and
      "discriminator_keras" (.keras files; not of a user's own class that Keras cannot load again,
      which is warned of).

    Raises:
      ExportMismatch: what was written differs from what is in memory; it is gone again.
      UserError: the folder cannot be written.
      ValueError: `gan` is at another step.
    """
    if gan.current_step != step:
        raise ValueError(f"the GAN holds step {gan.current_step}, not step {step}")
    final = os.path.join(model_dir, "hub", str(step))
    facts = {"step": step, "ema": gan.uses_ema}
    generator = gan.sampling_generator
    with staged(final) as folder:
        path = os.path.join(folder, "generator")
        _write_generator(generator, gan.latents, gan.num_classes, path, facts, gan.alphabet)
        inputs = verification.generator_inputs(generator, gan.latents, 2, gan.num_classes)
        _write_keras(generator, path, inputs)
        path = os.path.join(folder, "discriminator")
        one_hot = bool(gan.alphabet and gan.alphabet.one_hot)
        facts |= {"ema": False}
        _write_discriminator(gan.discriminator, gan.num_classes, path, facts, one_hot=one_hot)
        inputs = verification.discriminator_inputs(gan.discriminator, 2, gan.num_classes)
        _write_keras(gan.discriminator, path, inputs)
    names = {"generator": "generator", "discriminator": "discriminator"}
    files = names | {f"{name}_keras": f"{name}.keras" for name in names}
    paths = {name: os.path.join(final, file) for name, file in files.items()}
    return {name: path for name, path in paths.items() if tf.io.gfile.exists(path)}


def export_generator(generator, latents, num_classes, path: str):
    """Exports a generator alone as a SavedModel at `path`.

    Args:
      generator: built model from {"z"} or {"z", "labels"} to images in [-1, 1], or to points.
      latents: prior of z.
      num_classes: K of a conditional generator, or None.
      path: folder of the SavedModel; an older one there is replaced.

    Raises:
      ExportMismatch, UserError: as for `export_run`.
    """
    with staged(path) as folder:
        _write_generator(generator, latents, num_classes, folder, {})


def export_discriminator(discriminator, path: str, *, num_classes: int | None = None):
    """Exports a discriminator alone as a SavedModel at `path`; arguments as `export_generator`."""
    with staged(path) as folder:
        _write_discriminator(discriminator, num_classes, folder, {})


def _write_generator(generator, latents, num_classes, path, facts, alphabet=None):
    module = modules.GeneratorModule(generator, latents, num_classes, alphabet)
    tf.saved_model.save(module, path, signatures=module.signatures())
    samples = modules.likeliest(tf.zeros([1, *generator.output.shape[1:]]), alphabet)
    shape = list(samples.shape[1:])
    facts = facts | {"alphabet": alphabet and alphabet.get_config()}
    _write_metadata(path, "generator", generator, shape, num_classes, facts, latents)
    verification.check_generator(path, generator, latents, num_classes, alphabet=alphabet)


def _write_discriminator(discriminator, num_classes, path, facts, *, one_hot=False):
    module = modules.DiscriminatorModule(discriminator, num_classes, one_hot=one_hot)
    tf.saved_model.save(module, path, signatures=module.signatures())
    shape = list(modules.sample_shape(discriminator))
    _write_metadata(path, "discriminator", discriminator, shape, num_classes, facts)
    verification.check_discriminator(path, discriminator, num_classes, one_hot=one_hot)


def _write_keras(model, path, inputs):
    path = f"{path}.keras"
    try:
        with _marked_trainable(model):
            model.save(path)
        verification.check_keras(path, model, inputs)
    except (TypeError, ValueError, NotImplementedError) as error:
        own = verification.own_classes(model)
        if not own:
            raise
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
        logging.warning(
            "%s is left out, for Keras cannot make %s again: give it a get_config that tells all "
            "arguments of its constructor (%s)",
            os.path.basename(path),
            " and ".join(sorted(own)),
            first_line(error),
        )


@contextlib.contextmanager
def _marked_trainable(model):
    """An averaged generator is not trained in its run, but is a normal model to who loads it."""
    before = model.trainable
    if not before:
        model.trainable = True
    try:
        yield
    finally:
        if not before:
            model.trainable = False


def _write_metadata(path, player, model, shape, num_classes, facts, latents=None):
    metadata = {
        "player": player,
        "sample_shape": shape,
        "range": [0.0, 1.0] if len(shape) == 3 else None,
        "conditional": is_conditional(model),
        "num_classes": num_classes,
        "latents": None if latents is None else latents.get_config(),
        **facts,
    }
    path = os.path.join(path, METADATA)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(metadata, indent=2) + "\n")


@contextlib.contextmanager
def staged(final: str):
    """Yields a folder that becomes `final` if the block ends well, and vanishes if it does not.

    Raises:
      UserError: TensorFlow or the operating system cannot write there.
    """
    final = final.rstrip("/")
    partial = f"{final}.partial"
    try:
        _remove(partial)
        tf.io.gfile.makedirs(partial)
        yield partial
        _replace(partial, final)
    except _UNWRITABLE as error:
        _remove_quietly(partial)
        raise UserError(_one_line(final, error)) from error
    except BaseException:
        _remove_quietly(partial)
        raise


def _replace(partial: str, final: str):
    """Puts `partial` in the place of `final`; without it only between two renames."""
    older = f"{final}.old"
    _remove(older)
    if not tf.io.gfile.exists(final):
        tf.io.gfile.rename(partial, final)
        return
    tf.io.gfile.rename(final, older)
    try:
        tf.io.gfile.rename(partial, final)
    except BaseException:
        tf.io.gfile.rename(older, final)
        raise
    _remove(older)


def _remove(path: str):
    if tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(path)


def _remove_quietly(path: str):
    """Removes what it can; the reason for removing is worth more than a second error."""
    with contextlib.suppress(OSError, tf.errors.OpError):
        _remove(path)


def _one_line(final: str, error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", lines[0])  # which operation failed to write
    return f"cannot export to {final}: {reason} (free space there, or choose another --model_dir)"
