"""Builds the data set and the GAN from config and flags, and finds the checkpoint of a verb."""

import os
from collections.abc import Callable, Sequence

from absl import flags, logging

from compare_gan_tf.errors import UserError


def read_config(values: flags.FlagValues, bindings: Sequence[str] = (), recipe=None) -> None:
    """Imports all configurables, and parses the config files and bindings of the flags.

    Without `--gin_config`, the config that the run was trained with is read.

    Args:
      values: the flags.
      bindings: further bindings, which override those of the flags.
      recipe: a `recipes.Recipe`, which is read in place of these files; None for none.

    Raises:
      UserError: gin rejects the config, there is no config, or it has no model.
    """
    # Checks without TensorFlow come first: its import takes seconds.
    import gin

    from compare_gan_tf import config
    from compare_gan_tf.bin import interrupts, quiet
    from compare_gan_tf.config import gin_files
    from compare_gan_tf.storage import files

    names = [gin_files.find_config(name) for name in values.gin_config]
    own = None if names or recipe else _own_config(values.model_dir)
    names = names or (recipe.files if recipe else [own])
    if values.model_dir:
        files.refuse_unreadable(values.model_dir)
    quiet.import_tensorflow()
    from compare_gan_tf.config import configurables

    if own:
        require_unchanged(values.model_dir)
    with interrupts.at_once():
        configurables.load()
    first = recipe.statements if recipe else []
    config.parse(names, [*first, *values.gin_bindings, *bindings])
    if "model" not in gin.get_bindings("train", resolve_references=False):
        raise UserError("the config gives no value for train.model; bind it in a gin file")


def _own_config(model_dir: str | None) -> str:
    """Path of the config that a run was trained with."""
    from compare_gan_tf.storage import files

    if not model_dir:
        raise UserError("neither --gin_config nor --model_dir is given: name what to read")
    own = os.path.join(model_dir, files.CONFIG)
    if files.exists(own):
        return own
    if files.exists(os.path.join(model_dir, "manifest.json")):
        raise UserError(
            f"there is no {own}: the run was made in Python, where metrics.evaluate, export_run and"
            " report.write_report score, export and show its GAN"
        )
    raise UserError(
        f"no --gin_config is given and there is no {own}: check --model_dir; for a first training"
        " take --gin_config=quickstart.gin, or --data with images of your own"
    )


def require_unchanged(model_dir: str) -> None:
    """Refuses the config of a run that is not as a training wrote it.

    Raises:
      UserError: it is cut off, or was changed.
    """
    from compare_gan_tf.runs import manifest
    from compare_gan_tf.storage import files

    path = os.path.join(model_dir, files.CONFIG)
    if manifest.config(model_dir) != files.read_text(path):
        raise UserError(
            f"{path} is cut off, or was changed since the training wrote it: train again with the"
            " config of the run, which writes it anew, or name a --gin_config"
        )


def config_text() -> str:
    """All bindings of the files and the command line, as gin writes them."""
    import gin

    return gin.config_str()


def gan(values: flags.FlagValues, *, of_run: bool | None = None):
    """Returns the data set and the GAN of the config, with untrained weights.

    Args:
      values: the flags.
      of_run: whether the config is a run's own, which training has already checked. Then only
        unused bindings of the command line are refused. None for True if --gin_config is not given.

    Raises:
      UserError: they cannot be made, or a binding is used by no stage.
    """
    from compare_gan_tf import config, data, training

    dataset = data.load()
    _check_data(values, dataset)
    built = training.build(
        config.bound("train", "model"), dataset, seed=config.bound("train", "seed", 0)
    )
    of_run = not values.gin_config if of_run is None else of_run
    among = values.gin_bindings if of_run else None
    config.check_used([*config.LATER_STAGES, training.__name__], among=among)
    return dataset, built


def _check_data(values: flags.FlagValues, dataset) -> None:
    """Refuses a data set that differs from the run's, or warns if nothing is scored.

    Changed data are split differently: training samples may then be in the held-out splits.
    """
    from compare_gan_tf import data, training
    from compare_gan_tf.data import stand_ins

    model_dir = values.model_dir
    if not model_dir or stand_ins.are_wanted():
        return
    now = data.identity(dataset)
    changes = training.data_changes(model_dir, now)
    if not changes:
        return
    text = f"the data set is not the one that the run in {model_dir} has seen: {'; '.join(changes)}"
    fits = not any(said.startswith(("its shape", "its number of classes")) for said in changes)
    cure = ", or --allow_data_change to go on all the same" if fits else ""
    if not fits or ("allow_data_change" in values and not values.allow_data_change):
        raise UserError(f"{text}. Bring that back{cure}")
    logging.warning("%s", text)


def choose_step(model_dir: str, choice: str | None) -> int:
    """The training step of the checkpoint that `--checkpoint` names.

    The latest is the newest that is not damaged.

    Args:
      model_dir: folder of the run.
      choice: "best", "latest" or digits; None for the best if there is one, else the latest.

    Raises:
      UserError: there is no such checkpoint; the message lists the existing ones.
    """
    from compare_gan_tf.runs import best, checkpoints, snapshots

    steps, kept = checkpoints.list_steps(model_dir), best.read(model_dir)
    there = {str(step): step for step in steps}
    there |= {"latest": steps[-1]} if steps else {}
    there |= {str(kept["step"]): kept["step"], "best": kept["step"]} if kept else {}
    if choice is None:
        choice = "best" if kept else "latest"
    if choice == "latest" and steps:
        paths = ((step, checkpoints.path(model_dir, step)) for step in reversed(steps))
        there["latest"] = next(
            (step for step, path in paths if snapshots.is_whole(path)), steps[-1]
        )
    if choice not in there:
        raise UserError(
            f"no checkpoint {choice} in {model_dir}; there are: {', '.join(there) or 'none'}"
            " (compare-gan train writes them, compare-gan evaluate finds the best)"
        )
    return there[choice]


# --- Scores -----------------------------------------------------------------------------------


def follow(values: flags.FlagValues, check_data: Callable = lambda dataset: None) -> tuple:
    """Scores checkpoints while another process trains, and prints the scores.

    Args:
      values: the flags.
      check_data: called with the data set before any checkpoint is scored; it raises a `UserError`
        if the data set is unsuitable.

    Returns:
      The data set, and the GAN with the weights that were scored last.
    """
    read_config(values)
    from compare_gan_tf import evaluation
    from compare_gan_tf.bin import scores

    dataset, built = gan(values)
    check_data(dataset)
    scores.show_run(values.model_dir, evaluation.follow(values.model_dir, built, dataset))
    return dataset, built


# --- Flags of several verbs -------------------------------------------------------------------


def forbid(flag_values: flags.FlagValues, names: Sequence[str], when, why: str) -> None:
    """Makes the parser refuse flags that would have no effect together with others.

    Args:
      flag_values: the flags.
      names: names of the flags to refuse if they are given.
      when: function () -> whether to refuse them, which is called after all flags are parsed.
      why: end of the message, such as "is for a run".
    """
    for name in names:
        flags.register_validator(
            name,
            lambda _, flag=flag_values[name]: flag.using_default_value or not when(),
            f"it {why}",
            flag_values=flag_values,
        )


def define_data_change_flag(flag_values: flags.FlagValues) -> None:
    """Defines `--allow_data_change`."""
    flags.DEFINE_bool(
        "allow_data_change",
        False,
        "Continue even if samples, labels or classes of the data set have changed since training.",
        flag_values=flag_values,
    )


def define_trust_flag(flag_values: flags.FlagValues) -> None:
    """Defines `--trust`, which `command.parse_flags` heeds."""
    flags.DEFINE_bool(
        "trust",
        False,
        "Load SavedModels, modules of TF Hub, frozen graphs and ONNX files that you have not"
        " exported on this machine. They are programs: name only those whose origin you trust.",
        flag_values=flag_values,
    )


def define_checkpoint_flag(flag_values: flags.FlagValues, *, all_steps: bool = False) -> None:
    """Defines `--checkpoint`, which selects one checkpoint; with `all_steps`, by default all."""
    text = "Checkpoint: best (by validation score), latest, or a training step such as 2000."
    if all_steps:
        text = "Checkpoints: all, best (by validation score), latest, or a step such as 2000."
    else:
        text += " Default: best if there is one, else latest."
    flags.DEFINE_string("checkpoint", "all" if all_steps else None, text, flag_values=flag_values)
