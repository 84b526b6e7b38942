"""Train a GAN, or resume an interrupted training.

The same command starts a run, resumes it after any interruption, and does nothing when the run is
done. It writes checkpoints, TensorBoard logs and all settings into --model_dir.

For example, train on your own pictures, in a folder; then score the run and look at it:

  compare-gan train --data=pictures --model_dir=runs/mine
  compare-gan evaluate --model_dir=runs/mine
  compare-gan report --model_dir=runs/mine

It takes minutes and makes small images, to see whether it works; --preset=quality takes hours. The
config that suits the pictures is printed, and written to runs/mine/recipe.gin: see
docs/own_data.md. Take another size: --gin_bindings='data.load.image_size = 48'.

Train by a config, here a small GAN on handwritten digits, in about a minute:

  compare-gan train --gin_config=quickstart.gin --model_dir=runs/quickstart

Train the same run for more steps. Settings that affect the result cannot be changed in a folder:

  compare-gan train --model_dir=runs/quickstart --gin_bindings='train.training_steps = 8000'

Profile the steps 101 to 150 of a run, for `tensorboard --logdir=runs` or https://ui.perfetto.dev:

  compare-gan train --gin_config=quickstart.gin --model_dir=runs/quickstart --profile=101,150
"""

from collections.abc import Callable

from absl import flags

from compare_gan_tf.bin import build, recipes, scores

SCHEDULES = ("train", "eval_after_train", "continuous_eval")
# As `distribution.STRATEGIES`, which cannot be imported here: it imports TensorFlow.
STRATEGIES = ("auto", "default", "mirrored", "multi_worker", "tpu")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    recipes.define_flags(flag_values)
    flags.DEFINE_enum(
        "schedule",
        "train",
        list(SCHEDULES),
        "train only trains; eval_after_train also scores all checkpoints at the end;"
        " continuous_eval does not train: it scores the checkpoints that another process writes,"
        " until that training is done.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "init_from",
        None,
        "Folder of another run: start from its weights. --model_dir must have no checkpoints.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "freeze_d_layers",
        None,
        "With --init_from: number of the discriminator's first layers that are not trained.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "allow_config_change",
        False,
        "Resume the run even if its config has changed since it was started.",
        flag_values=flag_values,
    )
    build.define_data_change_flag(flag_values)
    build.define_trust_flag(flag_values)
    _define_strategy_flag(flag_values)
    _define_profile_flag(flag_values)
    _define_rules(flag_values)


def _define_strategy_flag(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_enum(
        "strategy",
        "auto",
        list(STRATEGIES),
        "Distribution strategy: mirrored uses all GPUs of this machine; multi_worker those of all"
        " machines that TF_CONFIG, COMPARE_GAN_WORKERS or a SLURM step names, see docs/machines.md;"
        " auto is multi_worker if TF_CONFIG or COMPARE_GAN_WORKERS names several, else all GPUs of"
        " this machine, or the CPU if there are none.",
        flag_values=flag_values,
    )


def _define_profile_flag(flag_values: flags.FlagValues) -> None:
    """Defines `--profile`, whose value may be left out."""
    flags.DEFINE_flag(
        flags.Flag(
            _Steps(),
            None,
            "profile",
            None,
            "Profile some training steps, for TensorBoard and Perfetto: --profile for five steps"
            " after the first, or --profile=FIRST,LAST, counted from 1 where this command starts"
            " or resumes. The weights stay the same.",
            boolean=True,
        ),
        flag_values,
    )


class _Steps(flags.ArgumentParser):
    """Reads "true", which absl makes of a flag without a value, or "FIRST,LAST"."""

    def parse(self, argument):
        """True, None for "false", or the two steps."""
        if argument in ("true", "false"):
            return argument == "true" or None
        first, comma, last = argument.partition(",")
        if not (comma and first.strip().isdecimal() and last.strip().isdecimal()):
            raise ValueError("it must be the first and the last step, such as 10,20")
        return int(first), int(last)


def _define_rules(flag_values: flags.FlagValues) -> None:
    """Refuses flags that have no effect together with others."""
    build.forbid(
        flag_values,
        (
            "data",
            "init_from",
            "freeze_d_layers",
            "profile",
            "allow_config_change",
            "allow_data_change",
            "strategy",
        ),
        lambda: flag_values.schedule == "continuous_eval",
        "is for training: --schedule=continuous_eval trains nothing",
    )


def run(values: flags.FlagValues, check_data: Callable = lambda dataset: None) -> tuple:
    """Trains, evaluates, or both, according to `--schedule`.

    Args:
      values: the flags.
      check_data: called with the data set before anything is written; it raises a `UserError` if
        the data set is unsuitable.

    Returns:
      The data set, and the GAN of the last step.
    """
    if values.schedule == "continuous_eval":
        return build.follow(values, check_data)
    recipe = recipes.find(values)
    build.read_config(values, _bindings(values), recipe)
    from compare_gan_tf import config, data, evaluation, training
    from compare_gan_tf.gan import distribution, workers

    strategy = distribution.get_strategy(values.strategy)  # before TensorFlow computes anything
    everyone = workers.Workers(strategy)
    with everyone.lost():
        everyone.require_same(build.config_text(), "the config")
        dataset = data.load()
        check_data(dataset)
        is_scored = values.schedule == "eval_after_train"
        prepared = training.prepare(
            values.model_dir,
            dataset=dataset,
            strategy=strategy,
            keep_unscored_every=_keep_unscored_every(is_scored),
            profile=values.profile,
            allow_config_change=values.allow_config_change,
            allow_data_change=values.allow_data_change,
        )
        if is_scored:  # wrong settings of the evaluation are found before hours of training
            plan = evaluation.plan(values.model_dir, prepared.gan, prepared.dataset)
        config.check_used()
        if recipe:
            recipe.begin(dataset, _of_new_gan(dataset, strategy))
        gan = prepared.fit(config.operative_text())
        if is_scored and everyone.is_chief:
            scores.show_run(values.model_dir, plan.run())
        return prepared.dataset, gan


def _of_new_gan(dataset, strategy) -> Callable:
    """A function (folder) that prepares the same training in another folder."""
    from compare_gan_tf import training

    return lambda folder: training.prepare(folder, dataset=dataset, strategy=strategy)


def _bindings(values: flags.FlagValues) -> list[str]:
    """The flags that affect the result, as gin bindings: these are saved in the run's config."""
    bindings = []
    if values.init_from is not None:
        bindings.append(f"train.init_from = {values.init_from!r}")
    if values.freeze_d_layers is not None:
        bindings.append(f"train.freeze_d_layers = {values.freeze_d_layers}")
    return bindings


def _keep_unscored_every(is_scored: bool) -> int | None:
    """Keep checkpoints whose step this divides until they have scores; 0: all, None: none."""
    from compare_gan_tf import config
    from compare_gan_tf.settings import kinds

    every = config.bound("evaluate", "every", 0)
    kinds.require_number("evaluate.every", every, least=0, whole=True)
    return every if every or is_scored else None
