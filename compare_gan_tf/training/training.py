"""Training a GAN: scope, build, restore, fit; every run resumes where its last checkpoint is."""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Sequence

import gin
import keras
import tensorflow as tf
from absl import logging

from compare_gan_tf import config, data, random
from compare_gan_tf.config import gin_errors, gin_files
from compare_gan_tf.data import Dataset, as_dataset, pipeline
from compare_gan_tf.errors import MISFITS, UserError, unwritable
from compare_gan_tf.gan import GAN, distribution, dry_run
from compare_gan_tf.runs import best, checkpoints, hyperparameters, logs, manifest
from compare_gan_tf.settings import kinds
from compare_gan_tf.storage import files, locks
from compare_gan_tf.training import callbacks, frozen_layers

_MODEL = (
    "@GAN, or a class derived from it, without parentheses; in Python also "
    "functools.partial(GAN, ...)"
)
_MOST_SEED = 2**32 - 1  # of NumPy's
# What a training writes in a run's folder.
_PARTS = (files.CONFIG, manifest.FILE, checkpoints.FOLDER, checkpoints.TRAIN_DONE, logs.LOGS)

# What may change between two starts in one folder: it does not change the trained weights.
FREE = (
    r"(.*\.)?train\.(training_steps|checkpoint_every|keep_checkpoints|log_every|sample_every)",
    r"(.*\.)?(evaluate|follow)\..*",
    r"(.*\.)?load\.(data_dir|memory_budget|disk_budget|cache_folder)",
    r"compare_gan_tf\.(evaluation|metrics|report|export)\..*",
)


def build(model: Callable, dataset: Dataset, *, seed: int = 0, strategy=None) -> GAN:
    """Makes the GAN `model` for a data set, with initial weights that follow from the seed.

    Raises:
      UserError: its settings do not make a model.

    Args:
      model: `GAN`, or a subclass, with all but its first three arguments bound.
      dataset: gives the shape of the samples and the number of classes.
      seed: of the initial weights and of all noise in training.
      strategy: whose variables it gets; None for the current one.
    """
    _check_model(model)
    kinds.require_number("train.seed", seed, least=0, most=_MOST_SEED, whole=True)
    keras.utils.set_random_seed(seed)
    with (strategy or tf.distribute.get_strategy()).scope():
        try:
            gan = model(
                sample_shape=dataset.sample_shape,
                num_classes=dataset.num_classes,
                seed=seed,
                **({} if dataset.symbols is None else {"symbols": dataset.symbols}),
            )
        except UserError as error:
            logging.debug("the error in full", exc_info=error)
            raise UserError(gin_errors.with_place(error)) from error
        # Of Keras, about a width of 0 and the like, or of what is bound.
        except (*MISFITS, RecursionError) as error:
            logging.debug("the error in full", exc_info=error)
            if reason := gin_errors.explain_construction(error):
                raise UserError(reason) from error
            if reason := _too_deep(error) or gin_errors.explain_misfit(error):
                raise UserError(f"the model cannot be built: {reason}") from error
            raise
    if not isinstance(gan, GAN):
        raise UserError(f"train.model makes {kinds.shown(gan)}: it must be {_MODEL}")
    return gan


def _too_deep(error: Exception) -> str | None:
    if not isinstance(error, RecursionError):
        return None
    return (
        "a network has more layers after each other than Keras can follow, some hundred; take fewer"
    )


def _check_model(model):
    """Refuses what cannot be a GAN, before it is called."""
    if isinstance(model, GAN) or not callable(model):
        raise UserError(f"train.model is {kinds.shown(model)}: it must be {_MODEL}")
    arguments = {"sample_shape": None, "num_classes": None, "seed": 0}
    kinds.require_function("train.model", model, like=_MODEL, classes=True, **arguments)


@gin.configurable(
    module="training",
    denylist=[
        "model_dir",
        "dataset",
        "strategy",
        "callbacks",
        "describe",
        "due",
        "allow_config_change",
        "allow_data_change",
    ],
)
def train(
    model_dir: str,
    *,
    dataset,
    model: Callable = GAN,
    training_steps: int = 10_000,
    batch_size: int = 64,
    seed: int = 0,
    steps_per_execution: int = 1,
    jit_compile: bool = False,
    checkpoint_every: int = 1_000,
    keep_checkpoints: int = 5,
    log_every: int = 100,
    sample_every: int = 1_000,
    init_from: str | None = None,
    freeze_d_layers: int = 0,
    strategy: tf.distribute.Strategy | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    describe: Callable[[GAN], str] | None = None,
    due: Callable[[int], bool] = lambda step: False,
    allow_config_change: bool = False,
    allow_data_change: bool = False,
) -> GAN:
    """Trains to `training_steps`, from the newest checkpoint in `model_dir` if there is one.

    Weights after n steps depend on the config and the seed alone: not on when the run was stopped,
    and but for rounding not on the number of replicas.

    Args:
      model_dir: the run's folder; made if it does not exist.
      dataset: a `Dataset`, the name of one, or arrays or `tf.data`, see `from_arrays`; its split
        "train" is trained on.
      model: see `build`.
      training_steps: of the GAN; one update of G each, unless `GAN.g_steps` says otherwise.
      batch_size: global number of reals per discriminator update.
      seed: see `build`.
      steps_per_execution: steps between two looks from Python; divides the four intervals.
      jit_compile: compiles the step by XLA; worth its minute of compiling on longer runs.
      checkpoint_every: steps between checkpoints.
      keep_checkpoints: how many of the newest to keep, beside the best.
      log_every: steps between rows in the logs.
      sample_every: steps between sample grids in TensorBoard.
      init_from: folder of a run, whose best or newest weights this run starts from.
      freeze_d_layers: D's first layers with weights that do not train, see `frozen_layers`.
      strategy: of distribution; None for the current one.
      callbacks: of Keras, called at each step before those that log and save. One that stops
        training ends it with a checkpoint.
      describe: gives the config's text, once the GAN is built; it is kept in `config.gin`.
      due: tells of a step whether its checkpoint must outlive `keep_checkpoints`.
      allow_config_change: goes on although `config.gin` differs.
      allow_data_change: goes on although the data set has other samples, labels or classes.

    Returns:
      The trained GAN; a line on stdout says where its run is.

    Raises:
      UserError: bad settings, an unusable folder, a loss that is not finite, a full disk.
      Stopped: by SIGTERM or SIGINT, after a checkpoint.
    """
    dataset = as_dataset(dataset)
    strategy = strategy or tf.distribute.get_strategy()
    distribution.check_batch_size(strategy, batch_size)
    _check_callbacks(callbacks)
    intervals = {
        "training_steps": training_steps,
        "checkpoint_every": checkpoint_every,
        "log_every": log_every,
        "sample_every": sample_every,
    }
    _check(steps_per_execution, keep_checkpoints, intervals)
    _check_warm_start(init_from, freeze_d_layers)
    if not jit_compile:  # under op determinism Keras gives up XLA
        tf.config.experimental.enable_op_determinism()
    gan = build(model, dataset, seed=seed, strategy=strategy)
    # With up to two objectives no tensor that they share has more than two gradients to add.
    distribution.keep_sums_in_pairs(not jit_compile and len(gan.objectives) > 2)
    text = describe(gan) if describe else None
    dry_run.check(gan, dataset, batch_size=batch_size, strategy=strategy)
    if not checkpoints.list_steps(model_dir):
        _check_first_weights(gan, init_from)
    own = {"dataset": dataset.name, "batch_size": batch_size, "seed": seed}
    own |= {"training_steps": training_steps, "jit_compile": jit_compile, "init_from": init_from}
    given = hyperparameters.of_arguments("train", own) | gan.hyperparameters
    seen = data.identity(dataset)
    with frozen_layers.frozen(gan, freeze_d_layers), _sole_training(model_dir):
        if checkpoints.list_steps(model_dir):  # a start that failed before binds to nothing
            _check_config(model_dir, text, allow_config_change)
            _check_data(model_dir, seen, allow_data_change)
        _begin(model_dir)
        saver = checkpoints.Checkpoints(gan, model_dir, keep=keep_checkpoints, due=due)
        start = saver.restore()
        logs.cut_back(model_dir, start)
        manifest.write(
            model_dir,
            seed=seed,
            strategy=distribution.name_of(strategy),
            replicas=strategy.num_replicas_in_sync,
            jit_compile=jit_compile,
            deterministic_ops=not jit_compile,
            first_step=start,
            data=seen,
        )
        if text:
            files.write_text(os.path.join(model_dir, files.CONFIG), text)
        of_text = hyperparameters.of_text(text) if text else {}
        hyperparameters.write(model_dir, of_text | given)  # so that runs of both kinds compare
        if start < training_steps:
            _compile(gan, steps_per_execution, jit_compile)
            batches = functools.partial(
                pipeline.batches,
                dataset.splits["train"],
                key=random.key(seed, "shuffle"),
                batch_size=batch_size,
                slices=gan.slices,
                start=start,
                stop=training_steps,
            )
            watchers = _callbacks(model_dir, saver, dataset.is_images, start, intervals)
            batches = distribution.distribute(strategy, batches)
            try:
                _fit(gan, batches, training_steps - start, watchers, callbacks)
            except tf.errors.OpError as error:
                failure = getattr(dataset.splits["train"].images, "failure", None)
                if failure is None:
                    raise
                raise failure from error  # of a file that broke under way, in our words
        files.write_text(_done(model_dir), f"{gan.current_step}\n")
    print(f"{model_dir} is trained to step {gan.current_step}")
    return gan


def _check(steps_per_execution: int, keep_checkpoints: int, intervals: dict):
    for name, steps in {"steps_per_execution": steps_per_execution, **intervals}.items():
        if steps < 1 or steps % steps_per_execution:
            raise UserError(
                f"train.{name} = {steps}: it must be a positive multiple of "
                f"train.steps_per_execution = {steps_per_execution}"
            )
    if keep_checkpoints < 1:
        raise UserError(f"train.keep_checkpoints = {keep_checkpoints}: it must be at least 1")


def _check_callbacks(given):
    for one in given if isinstance(given, list | tuple) else [given]:
        fits = isinstance(one, keras.callbacks.Callback)
        if not fits or not isinstance(given, list | tuple):
            raise UserError(
                f"train's callbacks: {kinds.shown(one)}: they must be a list of Keras callbacks"
            )


def _check_warm_start(init_from: str | None, freeze_d_layers: int):
    if freeze_d_layers and not init_from:
        raise UserError(
            f"train.freeze_d_layers = {freeze_d_layers} would keep random weights: name the run to "
            "start from, train.init_from"
        )


def _check_config(model_dir: str, new: str | None, allow_change: bool):
    """Refuses a config that differs, in what decides the weights, from the one that is there."""
    old = files.read_text(os.path.join(model_dir, files.CONFIG))
    lines = config.differing_lines(old, new, FREE) if old and new else []
    if lines and not allow_change:
        raise UserError(
            f"the config differs from that of the run in {model_dir}: {' | '.join(lines)}; use "
            "another folder, or allow_config_change=True (--allow_config_change) to go on"
        )


def data_changes(model_dir: str, now: dict) -> list[str]:
    """How a data set differs from what a run has seen, as its manifest tells; a clause each.

    Args:
      model_dir: the run's folder.
      now: `data.identity` of the data set.
    """
    told = [
        start["data"] for start in manifest.read(model_dir) if isinstance(start.get("data"), dict)
    ]
    return data.changes(told[-1], json.loads(json.dumps(now))) if told else []


def _check_data(model_dir: str, now: dict, allow_change: bool):
    """Refuses data other than the run has seen."""
    changes = data_changes(model_dir, now)
    if changes and not allow_change:
        raise UserError(
            f"the data set is not the one that the run in {model_dir} has seen:"
            f" {'; '.join(changes)}. Bring that back, use another folder, or --allow_data_change"
            " (allow_data_change=True) to go on all the same"
        )


@contextlib.contextmanager
def _sole_training(model_dir: str):
    """Makes the folder, and keeps other trainings out of it.

    Raises:
      UserError: it cannot be had, or holds what this program did not write and would replace.
    """
    try:
        tf.io.gfile.makedirs(model_dir)
    except (tf.errors.OpError, OSError) as error:
        raise _unwritable(model_dir, error) from error
    with locks.sole_writer(model_dir, "training"):
        files.refuse_links(model_dir, _PARTS)
        config_file = os.path.join(model_dir, files.CONFIG)
        text = files.read_text(config_file)
        if text and not text.startswith(gin_files.HEADER):
            raise UserError(
                f"{config_file} was not written by a training, which would replace it: use another"
                " folder"
            )
        yield


def _begin(model_dir: str):
    """Takes back that training is done; finds out whether the folder can be written."""
    try:
        files.write_text(_done(model_dir), "")
        tf.io.gfile.remove(_done(model_dir))
    except (tf.errors.OpError, OSError) as error:
        raise _unwritable(model_dir, error) from error


def _unwritable(model_dir: str, error: Exception) -> UserError:
    return UserError(unwritable(f"cannot write to model_dir {model_dir}", error))


def _done(model_dir: str) -> str:
    """The file that says that training has reached its last step."""
    return os.path.join(model_dir, checkpoints.TRAIN_DONE)


def _check_first_weights(gan: GAN, init_from: str | None):
    """Loads those that a new run starts from, or refuses a GAN that has been trained before."""
    if init_from:
        _warm_start(gan, init_from)
    elif gan.starts_trained:
        raise UserError(
            "the Keras models of this GAN have been trained by another already: make new ones, or "
            "give functions that make them, so that the run starts from weights of its own"
        )


def _warm_start(gan: GAN, model_dir: str):
    """Loads the players of another run's best checkpoint, or of its newest."""
    kept = best.read(model_dir)
    if kept:
        prefix = os.path.join(best.folder(model_dir), f"ckpt-{kept['step']}")
    else:
        steps = checkpoints.list_steps(model_dir)
        if not steps:
            raise UserError(f"train.init_from = {model_dir!r}: there are no checkpoints in it")
        prefix = checkpoints.path(model_dir, steps[-1])
    averaged = checkpoints.has_average(prefix)
    checkpoints.read_players(gan, prefix, average=averaged)
    if gan.uses_ema and not averaged:
        gan.ema.copy(gan.generator)


def _callbacks(model_dir: str, saver, draws: bool, start: int, intervals: dict) -> list:
    last = intervals["training_steps"]
    drawer = callbacks.DrawSamples(model_dir, every=intervals["sample_every"])
    return [
        callbacks.WriteLogs(model_dir, saver, every=intervals["log_every"]),
        callbacks.ShowProgress(first_step=start, last_step=last),
        *([drawer] if draws else []),
        # The last: it may stop training, and a step it has saved is logged by then.
        callbacks.SaveCheckpoints(saver, every=intervals["checkpoint_every"], last_step=last),
    ]


def _compile(gan: GAN, steps_per_execution: int, jit_compile: bool):
    gan.compile(steps_per_execution=steps_per_execution, jit_compile=jit_compile)
    if jit_compile and not gan.jit_compile:
        raise UserError(
            "train.jit_compile = True cannot be had: deterministic ops are on since an earlier "
            "training in this process; start another process"
        )


def _fit(gan: GAN, batches, steps: int, watchers: list, callbacks: Sequence):
    """Fits for exactly `steps`, unless one of `callbacks` stops it.

    Without their number Keras asks for one batch too many, and while that fails, updates that need
    no data, such as a power iteration, may already have run.
    """
    try:
        everyone = [*callbacks, *watchers]
        gan.fit_batches(batches, steps_per_epoch=steps, verbose=0, callbacks=everyone)
    finally:
        for watcher in watchers:
            watcher.close()
