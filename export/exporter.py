"""Exports the players of a run as SavedModels, .keras files and others, and checks them.

All files are written and checked in a temporary folder next to the final path, which is then
renamed. This replaces an older export; a failed export leaves the older one unchanged, and files
that no export wrote are never replaced.
"""

import contextlib
import json
import os
import re
from collections.abc import Collection

import tensorflow as tf
from absl import logging

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.errors import UserError, first_line, unwritable
from compare_gan_tf.export import cards, further_formats, keras_files, modules, verification
from compare_gan_tf.settings.signatures import Index, checked
from compare_gan_tf.storage import files, programs, staging

# Errors of a full disk, missing permissions or a lost network; all other errors are bugs.
_UNWRITABLE = (
    OSError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    tf.errors.UnknownError,
)
METADATA = os.path.join("assets.extra", "metadata.json")  # SavedModel's folder for users' files


@checked
def export_run(
    gan,
    model_dir: str,
    step: Index,
    class_names=None,
    *,
    data: str | None = None,
    formats: Collection[str] = (),
    ema_length: float | None = None,
) -> dict[str, str]:
    """Exports both players of `gan`, and a card with their scores, to `<model_dir>/hub/<step>`.

    Args:
      gan: a built GAN with the weights of `step`. Its sampling generator is exported: the EMA
        generator if the run has one.
      model_dir: folder of the run.
      step: training step of the weights.
      class_names: names of the classes, by label, for the metadata; or None.
      data: name of the data set, for the card; or None.
      formats: names of further formats: "onnx", "litert", "safetensors"; see `further_formats`.
      ema_length: of the average that the sampling generator holds, if it is one of post-hoc EMA.

    Returns:
      {name: path} for "generator" and "discriminator" (SavedModels), "generator_keras" and
      "discriminator_keras" (.keras files), those of `formats`, such as "generator_onnx", and "card"
      (the folder's README.md). A .keras file is left out, with a warning, if it has layers of the
      user that another process cannot load.

    Raises:
      ExportMismatch: the exported network differs from the one in memory; the export is deleted.
      UserError: the folder cannot be written, or has files that no export wrote; the number of
        names differs from the number of classes; `gan` is at another step; a further format is not
        known, its package is not installed, or it cannot express a network.
    """
    further_formats.require(formats)
    if gan.current_step != step:
        raise UserError(
            f"export_run.step is {step}, but the GAN holds the weights of step "
            f"{gan.current_step}: give gan.current_step"
        )
    final = os.path.join(model_dir, "hub", str(step))
    files.refuse_link(os.path.dirname(final))
    names = _names(class_names, gan.num_classes)
    with _staged(final) as folder:
        _write_players(folder, gan, {"class_names": names, "step": step}, ema_length)
        further = further_formats.write(folder, gan, formats)
        _write_card(folder, gan, model_dir, data, names, formats, ema_length)
    players = {"generator": "generator", "discriminator": "discriminator"}
    of_keras = {f"{name}_keras": f"{name}.keras" for name in players}
    written = players | of_keras | further | {"card": cards.CARD}
    paths = {name: os.path.join(final, file) for name, file in written.items()}
    return {name: path for name, path in paths.items() if tf.io.gfile.exists(path)}


def _write_players(folder: str, gan, facts: dict, ema_length: float | None) -> None:
    """Writes both players as SavedModels and `.keras` files, and checks them."""
    generator, discriminator, classes = gan.sampling_generator, gan.discriminator, gan.num_classes
    path = os.path.join(folder, "generator")
    averaged = facts | cards.of_average(gan, ema_length)
    _write_generator(generator, gan.latents, classes, path, averaged, gan.alphabet)
    inputs = verification.generator_inputs(generator, gan.latents, 2, classes)
    written = _write_keras(generator, path, inputs)
    path = os.path.join(folder, "discriminator")
    facts = facts | {"ema": False}
    one_hot = bool(gan.alphabet and gan.alphabet.one_hot)
    _write_discriminator(discriminator, classes, path, facts, one_hot=one_hot)
    inputs = verification.discriminator_inputs(discriminator, 2, classes)
    _check_keras(written | _write_keras(discriminator, path, inputs))


def _write_card(folder: str, gan, model_dir: str, data, names, formats, ema_length) -> None:
    name = os.path.basename(os.path.abspath(model_dir))
    known = cards.facts(
        gan, model_dir, name=name, data=data, class_names=names, ema_length=ema_length
    )
    cards.write(folder, gan, known, formats)
    there = {path for path, _ in staging.contents(folder)} - {staging.MARKER}
    written = [path for path in there if not tf.io.gfile.isdir(os.path.join(folder, path))]
    cards.write_manifest(folder, written)


def _names(class_names, num_classes: int | None) -> list[str] | None:
    """The names of the classes for the metadata; None without classes.

    Raises:
      UserError: the number of names differs from the number of classes.
    """
    if class_names is None or num_classes is None:
        return None
    if len(class_names) != num_classes:
        raise UserError(
            f"class_names are {len(class_names)} names for {num_classes} classes: give one for "
            "each, or None"
        )
    return [str(name) for name in class_names]


def export_generator(generator, latents, num_classes, path: str):
    """Exports a single generator as a SavedModel at `path`.

    Args:
      generator: built model that maps {"z"} or {"z", "labels"} to images in [-1, 1], or to points.
      latents: prior of z.
      num_classes: number of classes K of a conditional generator, else None.
      path: folder of the SavedModel; only an older export there is replaced.

    Raises:
      ExportMismatch, UserError: as for `export_run`.
    """
    with _staged(path) as folder:
        _write_generator(generator, latents, num_classes, folder, {})


def export_discriminator(discriminator, path: str, *, num_classes: int | None = None):
    """Exports a single discriminator as a SavedModel; for the arguments see `export_generator`."""
    with _staged(path) as folder:
        _write_discriminator(discriminator, num_classes, folder, {})


def _write_generator(generator, latents, num_classes, path, facts, alphabet=None):
    module = modules.GeneratorModule(generator, latents, num_classes, alphabet)
    tf.saved_model.save(module, path, signatures=module.signatures())
    samples = modules.most_probable(tf.zeros([1, *generator.output.shape[1:]]), alphabet)
    shape = list(samples.shape[1:])
    facts = facts | {"alphabet": alphabet and alphabet.get_config()}
    _write_metadata(path, "generator", generator, shape, num_classes, facts, latents)
    verification.check_generator(path, generator, latents, num_classes, alphabet)


def _write_discriminator(discriminator, num_classes, path, facts, *, one_hot=False):
    module = modules.DiscriminatorModule(discriminator, num_classes, one_hot=one_hot)
    tf.saved_model.save(module, path, signatures=module.signatures())
    shape = list(modules.sample_shape(discriminator))
    _write_metadata(path, "discriminator", discriminator, shape, num_classes, facts)
    verification.check_discriminator(path, discriminator, num_classes, one_hot=one_hot)


def _write_keras(model, path, inputs) -> dict[str, tuple]:
    """Writes `path`.keras; returns {its path: (model, inputs)}, or {} if a user's layer fails."""
    path = f"{path}.keras"
    try:
        with _marked_trainable(model):
            model.save(path)
        keras_files.own_modules(path)
    except (TypeError, ValueError, NotImplementedError) as error:
        by_own_layer = isinstance(error, keras_files.OwnLayersError)
        if not by_own_layer and not keras_files.own_classes(model):
            raise
        _leave_out([path], keras_files.reason(error))
        return {}
    return {path: (model, inputs)}


def _check_keras(players: dict[str, tuple]) -> None:
    """Checks the `.keras` files in a new process; deletes them if a user's layer does not load."""
    try:
        if players:
            verification.check_keras(players)
    except keras_files.OwnLayersError as error:
        _leave_out(players, first_line(error))


def _leave_out(paths, reason: str) -> None:
    for path in paths:
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
    names = " and ".join(map(os.path.basename, paths))
    logging.warning("%s left out, the modules are written: %s", names, reason)


@contextlib.contextmanager
def _marked_trainable(model):
    """Marks a model as trainable while it is saved; an EMA generator is not trainable itself."""
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
        "class_names": None,
        "latents": None if latents is None else latents.get_config(),
        **facts,
    }
    path = os.path.join(path, METADATA)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(metadata, indent=2) + "\n")


@contextlib.contextmanager
def _staged(final: str):
    """Yields a temporary folder, which is renamed to `final` after the block, or deleted on errors.

    Raises:
      UserError: the folder cannot be written, or `final` has files that no export wrote.
    """
    try:
        final.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"the path {final!r} is not UTF-8, which TensorFlow needs: rename it"
        ) from error
    try:
        with staging.staged_folder(final, foreign) as folder:
            yield folder
        if not files.is_remote(final):
            programs.note(final)
    except _UNWRITABLE as error:
        what = f"cannot export to {final}"
        raise UserError(unwritable(what, error, "choose another folder")) from error


def foreign(folder: str) -> str | None:
    """The first path in a folder, relative to it, that no export wrote; None if there is none."""
    paths = dict(staging.contents(folder))
    for path, is_link in paths.items():
        if is_link or not is_name_of_export(path):
            return path
    ours = [path for path in paths if path.endswith(METADATA) and _is_ours(folder, path)]
    described = {path.removesuffix(METADATA) for path in ours}
    models = (path for path in paths if path.endswith(_MODEL))
    strange = [path for path in models if path.removesuffix(_MODEL) not in described]
    if not ours:
        strange = strange or list(paths)
    return next(iter(strange), None) or cards.changed(folder)


def is_name_of_export(path: str) -> bool:
    """Whether an export may have a file or folder of this path, relative to its own folder."""
    return _WRITTEN.fullmatch(path) is not None


_MODEL = "saved_model.pb"
_CARD = "|".join(map(re.escape, (cards.FACTS, cards.CARD, cards.PICTURE, cards.MANIFEST)))
_SUFFIXES = "|".join(re.escape(one.suffix) for one in further_formats.FORMATS.values())
# Relative paths in an export of both players, or of a single one.
_WRITTEN = re.compile(
    rf"{re.escape(staging.MARKER)}|{_CARD}|(generator|discriminator)(\.keras|{_SUFFIXES})?"
    r"|((generator|discriminator)/)?"
    r"(saved_model\.pb|fingerprint\.pb|assets|assets\.extra(/metadata\.json)?"
    r"|variables(/variables\.(index|data-\d{5}-of-\d{5}))?)"
)


def _is_ours(folder: str, path: str) -> bool:
    """Whether a file is metadata that an export wrote."""
    try:
        with tf.io.gfile.GFile(os.path.join(folder, path)) as file:
            metadata = json.load(file)
    except (ValueError, tf.errors.OpError):
        return False
    return isinstance(metadata, dict) and {"player", "sample_shape"} <= metadata.keys()
