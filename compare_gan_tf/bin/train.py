"""Train a GAN, or go on with a training where it stopped.

The same command starts a run, resumes it after any interruption, and does nothing when the run is
done. It writes checkpoints, logs for TensorBoard and the settings it used into --model_dir.

For example, a small GAN on handwritten digits, in about a minute:

  compare-gan train --gin_config=quickstart.gin --model_dir=runs/quickstart

The same for longer; settings that decide the result cannot be changed in the same folder:

  compare-gan train --model_dir=runs/quickstart --gin_bindings='train.training_steps = 8000'
"""

import functools
from collections.abc import Sequence

from absl import flags

from compare_gan_tf.bin import build, command
from compare_gan_tf.errors import UserError

# As `distribution.STRATEGIES`, which cannot be imported here: it imports TensorFlow.
STRATEGIES = ("auto", "default", "mirrored", "tpu")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_enum(
        "schedule",
        "train",
        list(_SCHEDULES),
        "train; eval_after_train also scores all checkpoints at the end; continuous_eval trains"
        " nothing and scores the checkpoints that another process writes, until it is done.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "init_from",
        None,
        "Folder of a run whose weights to start from, in a --model_dir without checkpoints.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "freeze_d_layers",
        None,
        "With --init_from: how many of the discriminator's first layers to keep as they are.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "allow_config_change",
        False,
        "Go on in --model_dir although the config differs from the one the run was started with.",
        flag_values=flag_values,
    )
    build.define_data_change_flag(flag_values)
    flags.DEFINE_enum(
        "strategy",
        "auto",
        list(STRATEGIES),
        "How to use several devices: auto takes all GPUs of this machine, or one CPU.",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Trains, evaluates, or both, as `--schedule` says."""
    _SCHEDULES[values.schedule](values)


def _train(values: flags.FlagValues, *, scored: bool = False) -> None:
    """Trains, and scores all checkpoints at the end if `scored`."""
    build.read_config(values, bindings=_bindings(values))
    from compare_gan_tf import config, data, evaluation, training
    from compare_gan_tf.gan import distribution

    dataset = data.load()

    def describe(gan) -> str:
        if scored:  # its settings are checked before hours of work
            evaluation.evaluate(values.model_dir, gan, dataset, steps=[])
        config.check_used()
        return config.operative_text()

    gan = training.train(
        values.model_dir,
        dataset=dataset,
        strategy=distribution.get_strategy(values.strategy),
        describe=describe,
        due=_due(values.model_dir, scored),
        allow_config_change=values.allow_config_change,
        allow_data_change=values.allow_data_change,
    )
    if scored:
        rows = evaluation.evaluate(values.model_dir, gan, dataset)
        build.print_scores(values.model_dir, rows)


def _follow(values: flags.FlagValues) -> None:
    """Scores what another process trains; refuses what only a training would heed."""
    for name in (
        "init_from",
        "freeze_d_layers",
        "allow_config_change",
        "allow_data_change",
        "strategy",
    ):
        if not values[name].using_default_value:
            raise UserError(f"--{name} is for training: --schedule=continuous_eval trains nothing")
    build.follow(values)


_SCHEDULES = {
    "train": _train,
    "eval_after_train": functools.partial(_train, scored=True),
    "continuous_eval": _follow,
}


def _bindings(values: flags.FlagValues) -> list[str]:
    """The flags that decide the result, as bindings: so they are kept in the run's config."""
    bindings = []
    if values.init_from is not None:
        bindings.append(f"train.init_from = {values.init_from!r}")
    if values.freeze_d_layers is not None:
        bindings.append(f"train.freeze_d_layers = {values.freeze_d_layers}")
    return bindings


def _due(model_dir: str, scored: bool):
    """Tells whether the checkpoint of a step must be kept until it is scored.

    They are all to be scored if `scored`; otherwise those that `evaluate.every` names.
    """
    import gin

    from compare_gan_tf import evaluation

    every = gin.get_bindings("evaluate").get("every", 0)
    if not every and not scored:
        return lambda step: False
    return lambda step: (
        evaluation.is_due(step, every) and step not in evaluation.scored_steps(model_dir)
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the verb and exits."""
    command.main("train", __doc__, define_flags, run, argv)


if __name__ == "__main__":
    main()
