"""Lowers a prepared training: writes the folder that a machine with JAX trains from."""

import hashlib
import json
import os

import numpy as np
import tensorflow as tf

import compare_gan_tf
from compare_gan_tf import data, random
from compare_gan_tf.data import Split, pipeline
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.lowering import folder, states, steps
from compare_gan_tf.lowering.programs import Program
from compare_gan_tf.storage import files, staging
from compare_gan_tf.training import Training, frozen_layers

_IN_ONE = 1024  # steps of the order that are computed at once


def lower(training: Training, out: str, *, config_text: str, max_bytes: int) -> None:
    """Writes the training step, the sampler, the variables and the samples to a folder.

    The folder appears whole or not at all. The steps are those from the GAN's current step to
    `training_steps`, on the same batches as in `Training.fit`.

    Args:
      training: prepared; its GAN has the weights to start from.
      out: path of a local folder, see `folder`.
      config_text: contents of config.gin.
      max_bytes: of the samples and their order.

    Raises:
      UserError: the GAN cannot be lowered, there are more samples, or `out` is something else.
    """
    gan, train = training.gan, training.dataset.splits["train"]
    staging.require_replaceable(os.path.abspath(out), folder.foreign)
    folder.refuse_trained(out)
    _check(training, max_bytes)
    variables = steps.variables(gan)
    with frozen_layers.frozen(gan, training.kept):
        programs = {
            "step": steps.train_step(gan, train, training.batch_size),
            "sampler": steps.sampler(gan),
        }
    spec = _spec(training, programs, config_text)
    try:
        with staging.staged_folder(out, folder.foreign) as partial:
            folder.refuse_trained(out)
            for name, program in programs.items():
                files.write_bytes(os.path.join(partial, f"{name}.stablehlo"), program.code)
            files.write_text(os.path.join(partial, files.CONFIG), config_text)
            folder.write_samples(partial, train, labels="labels" in spec["arrays"])
            _write_order(partial, training)
            states.write(partial, gan.current_step, variables, {"id": spec["id"]})
            folder.write_spec(partial, spec)
    except OSError as error:
        raise UserError(unwritable(f"cannot write {out}", error)) from error


def _check(training: Training, max_bytes: int) -> None:
    """Refuses what a machine with JAX could not do as `Training.fit` does it."""
    gan, train = training.gan, training.dataset.splits["train"]
    left = training.training_steps - gan.current_step
    if left < 1:
        raise UserError(
            f"the run is at step {gan.current_step} of {training.training_steps}: nothing is left "
            "to train; bind a larger train.training_steps"
        )
    if training.callbacks:
        raise UserError("train.callbacks are of Python, which JAX does not call: bind none")
    if gan.post_hoc is not None:
        raise UserError("GAN.post_hoc_ema needs snapshots, which JAX does not write: bind none")
    if train.augmentation.crops:
        raise UserError(
            "data.load.min_crop_area takes random crops of the files, which JAX does not read: "
            "bind 1.0, or None"
        )
    order = 4 * left * gan.slices * training.batch_size
    total = train.images.nbytes + order
    if total > max_bytes:
        raise UserError(
            f"the samples and their order take {total / 1e9:.3g} GB, more than --max_gb="
            f"{max_bytes / 1e9:g}: allow more, or bind fewer steps or a smaller image_size"
        )


def _spec(training: Training, programs: dict[str, Program], config_text: str) -> dict:
    """The content of lowered.json."""
    gan, train = training.gan, training.dataset.splits["train"]
    seen = data.identity(training.dataset)
    what = programs["step"].code + config_text.encode() + json.dumps(seen).encode()
    return {
        "format": folder.FORMAT,
        "id": hashlib.sha256(what).hexdigest()[:16],
        "compare_gan_tf": compare_gan_tf.__version__,
        "tensorflow": tf.__version__,
        "first_step": gan.current_step,
        "last_step": training.training_steps,
        "checkpoint_every": training.checkpoint_every,
        "log_every": training.log_every,
        "keep": training.keep_checkpoints,
        "batch_size": training.batch_size,
        "arrays": [name for name in ("images", "labels") if name in programs["step"].inputs],
        "samples": len(train),
        "programs": {name: program.signature() for name, program in programs.items()},
        "state": states.describe(steps.variables(gan)),
        "data": seen,
    }


def _write_order(partial: str, training: Training) -> None:
    """Writes order.npy by the rule of `pipeline.batches`, for it takes the samples' numbers."""
    gan, size = training.gan, len(training.dataset.splits["train"])
    numbers = pipeline.batches(
        Split(np.arange(size, dtype=np.int32)),
        key=random.key(training.seed, "shuffle"),
        batch_size=training.batch_size,
        slices=gan.slices,
        start=gan.current_step,
        stop=training.training_steps,
    )
    shape = training.training_steps - gan.current_step, training.batch_size, gan.slices
    blocks = numbers.batch(_IN_ONE).as_numpy_iterator
    folder.write_array(os.path.join(partial, "order.npy"), shape, np.int32, blocks)
