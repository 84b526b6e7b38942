"""Prepares a training: makes everything, checks the settings, runs a trial step; writes nothing."""

import inspect
from collections.abc import Sequence
from typing import Annotated

import gin
import keras
import tensorflow as tf

import compare_gan_tf
from compare_gan_tf.data import as_dataset
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, distribution, dry_run, workers
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.settings.signatures import Count, Index, Made, Several, checked
from compare_gan_tf.training import frozen_layers, profiling, warm_start
from compare_gan_tf.training.building import Model, Seed, build
from compare_gan_tf.training.compilation import JitCompile, compile_step
from compare_gan_tf.training.fit import Training
from compare_gan_tf.training.not_finite import NotFinitePolicy

_CALLBACK = Made(
    keras.callbacks.Callback, like="a Keras callback, as @MyCallback() of a module of yours"
)
Callbacks = Annotated[
    Sequence[keras.callbacks.Callback],
    Several(_CALLBACK, least=0, like="[@MyCallback()] of Keras callbacks"),
]
Profiled = Annotated[
    bool | Sequence[int],
    Made(profiling.is_window, like="True, or the first and the last step, such as (10, 20)"),
]


@gin.configurable(
    "train",
    module="training",
    denylist=[
        "model_dir",
        "dataset",
        "strategy",
        "keep_unscored_every",
        "profile",
        "allow_config_change",
        "allow_data_change",
    ],
)
@checked(name="train")
def prepare(
    model_dir: str,
    *,
    dataset,
    model: Model = GAN,
    training_steps: Count = 10_000,
    batch_size: Count = 64,
    seed: Seed = 0,
    steps_per_execution: Count = 1,
    jit_compile: JitCompile = "auto",
    checkpoint_every: Count = 1_000,
    keep_checkpoints: Count = 5,
    log_every: Count = 100,
    sample_every: Count = 1_000,
    init_from: str | None = None,
    freeze_d_layers: Index = 0,
    callbacks: Callbacks = (),
    not_finite: NotFinitePolicy | None = None,
    strategy: tf.distribute.Strategy | None = None,
    keep_unscored_every: Index | None = None,
    profile: Profiled | None = None,
    allow_config_change: bool = False,
    allow_data_change: bool = False,
) -> Training:
    """Makes the GAN, checks all settings and runs a trial step; writes nothing.

    The weights after n steps depend only on the config and the seed: not on interruptions, and,
    except for rounding, not on the number of replicas.

    Args:
      model_dir: the run's folder; `Training.fit` makes it if it does not exist.
      dataset: a `Dataset`, the name of one, or arrays or `tf.data`, see `from_arrays`. Its split
        "train" is used for training.
      model: see `build`.
      training_steps: number of training steps. A step is one update of G, or `GAN.g_steps` updates.
      batch_size: global number of real samples per discriminator update.
      seed: see `build`.
      steps_per_execution: number of steps that run without Python in between. It must divide
        `training_steps`, `checkpoint_every`, `log_every` and `sample_every`. Several replicas
        execute one by one.
      jit_compile: whether XLA compiles the step, which takes about a minute; "auto" for yes on one
        GPU and on TPUs, and no on CPUs and on several GPUs.
      checkpoint_every: steps between checkpoints.
      keep_checkpoints: number of the newest checkpoints to keep, in addition to the best.
      log_every: steps between rows in the logs.
      sample_every: steps between sample grids in TensorBoard.
      init_from: folder of another run; its best or newest weights are the initial weights.
      freeze_d_layers: number of D's first layers that are not trained, see `frozen_layers`.
      callbacks: Keras callbacks. At each step they are called before those that log and save. If
        one stops training, a checkpoint is written.
      not_finite: what happens when a loss is NaN or infinite: `RollBack()` goes on from the last
        good checkpoint with lower learning rates, on one worker; None stops.
      strategy: the `tf.distribute` strategy; None for the current one.
      keep_unscored_every: older checkpoints whose step is divisible by this, 0 for all, are kept
        until they have scores; None to keep none.
      profile: (first, last), the steps to profile, counted from 1 where this call starts or
        resumes; True for some steps after the first; None for none. See `profiling`.
      allow_config_change: whether to continue if the config differs from the run's `config.gin`.
      allow_data_change: whether to continue if samples, labels or classes have changed.

    Raises:
      UserError: a setting is invalid, or settings do not fit together.
    """
    # 1. Checks that need no GAN come first: they are fast.
    dataset = as_dataset(dataset)
    strategy = strategy or tf.distribute.get_strategy()
    distribution.check_batch_size(strategy, batch_size)
    intervals = {"training_steps": training_steps, "checkpoint_every": checkpoint_every}
    intervals |= {"log_every": log_every, "sample_every": sample_every}
    _require_same(strategy, intervals, batch_size, seed, jit_compile)
    _require_multiples(steps_per_execution, intervals)
    _require_init_from(init_from, freeze_d_layers)
    done = checkpoints.list_steps(model_dir)
    profile = profiling.window(profile, done, training_steps, steps_per_execution)
    # 2. Build the GAN.
    gan = build(model, dataset, seed=seed, strategy=strategy)
    _prepare_to_go_back(not_finite, gan, workers.Workers(strategy).number)
    _require_snapshots(gan.post_hoc, steps_per_execution, intervals)
    kept = frozen_layers.first_variables(gan, freeze_d_layers)
    jit_reason = compile_step(gan, steps_per_execution, jit_compile, strategy)
    # 3. Estimate the memory of a step, and trace the first one, on zeros.
    dry_run.check(gan, dataset, batch_size=batch_size, strategy=strategy)
    # 4. Load initial weights, unless the run has a checkpoint of its own.
    warm_start.load_unless_begun(gan, model_dir, init_from, workers.Workers(strategy))
    return Training(
        model_dir=model_dir,
        gan=gan,
        dataset=dataset,
        strategy=strategy,
        kept=kept,
        **intervals,
        batch_size=batch_size,
        seed=seed,
        jit_compile=jit_compile,
        jit_reason=jit_reason,
        init_from=init_from,
        keep_checkpoints=keep_checkpoints,
        keep_unscored_every=keep_unscored_every,
        callbacks=callbacks,
        not_finite=not_finite,
        profile=profile,
        allow_config_change=allow_config_change,
        allow_data_change=allow_data_change,
    )


def train(model_dir: str, **settings) -> GAN:
    """Trains a GAN, or resumes a training: calls `prepare`, then `Training.fit`.

    Args:
      model_dir: the run's folder.
      **settings: the arguments of `prepare`.

    Returns:
      The trained GAN. A line on stdout names the folder of its run.

    Raises:
      TypeError: an argument is missing, or `prepare` has none of that name.
      UserError, Stopped: see `prepare` and `Training.fit`.
    """
    try:
        train.__signature__.bind(model_dir, **settings)
    except TypeError as error:
        raise TypeError(f"train() {error}") from None
    return prepare(model_dir, **settings).fit()


train.__signature__ = inspect.signature(prepare).replace(return_annotation=GAN)  # for `help`


def _require_same(strategy, intervals: dict, batch_size: int, seed: int, jit_compile: bool) -> None:
    """Refuses workers of different versions, or that are told different settings."""
    versions = {"compare_gan_tf": compare_gan_tf.__version__, "keras": keras.__version__}
    told = versions | {"tensorflow": tf.__version__} | intervals
    told |= {"batch_size": batch_size, "seed": seed, "jit_compile": jit_compile}
    text = "\n".join(f"{name} = {value}" for name, value in told.items())
    workers.Workers(strategy).require_same(text, "the call of train")


def _require_multiples(steps_per_execution: int, intervals: dict[str, int]) -> None:
    for name, steps in intervals.items():
        if steps % steps_per_execution:
            raise UserError(
                f"train.{name} = {steps}: it must be a positive multiple of "
                f"train.steps_per_execution = {steps_per_execution}"
            )


def _prepare_to_go_back(policy: NotFinitePolicy | None, gan, workers_: int) -> None:
    if policy is None:
        return
    if workers_ > 1:
        raise UserError("train.not_finite goes back on one worker: leave it out with several")
    policy.prepare(gan)


def _require_snapshots(averages, steps_per_execution: int, intervals: dict[str, int]) -> None:
    """Refuses checkpoints without a snapshot of their step, from which no average can be made."""
    if averages is None:
        return
    every = averages.snapshot_every
    for name in ("training_steps", "checkpoint_every"):
        if intervals[name] % every:
            raise UserError(
                f"train.{name} = {intervals[name]}: it must be a multiple of "
                f"PostHocEMA.snapshot_every = {every}, so that each checkpoint has a snapshot"
            )
    if every % steps_per_execution:
        raise UserError(
            f"PostHocEMA.snapshot_every = {every}: it must be a multiple of "
            f"train.steps_per_execution = {steps_per_execution}"
        )


def _require_init_from(init_from: str | None, freeze_d_layers: int) -> None:
    if freeze_d_layers and not init_from:
        raise UserError(
            f"train.freeze_d_layers = {freeze_d_layers} would keep random weights: name the run to "
            "start from, train.init_from"
        )
