"""The flag --ema: averages of G's weights whose length is chosen after the training."""

from collections.abc import Callable

from absl import flags

from compare_gan_tf.bin import build, output, scores
from compare_gan_tf.errors import UserError

SWEEP = "sweep"
_LONGEST = 0.288  # as `post_hoc.Length`, which cannot be imported here: it imports TensorFlow
_OF_SWEEP = ("sigma_rel", "score", "split", "value", "95 % interval", "")


def define_flag(flag_values: flags.FlagValues, *, several: bool = False) -> None:
    """Defines `--ema`; with `several`, it may name more than one length."""
    text = (
        "Take the average of G's weights of this length sigma_rel, such as 0.05, made from the"
        " snapshots of a run with GAN.post_hoc_ema, in place of the average of the training."
    )
    if several:
        text += (
            " Of several, 0.02,0.05,0.1, or of sweep, the best on the validation split is reported."
            " With it, --checkpoint names one checkpoint; default: latest."
        )
    flags.DEFINE_string("ema", None, text, flag_values=flag_values)
    flags.register_validator(
        "ema",
        lambda value: value is None or (several and value == SWEEP) or _are_lengths(value, several),
        f"it must be a number in (0, {_LONGEST}), such as 0.05"
        + (", several with commas, or sweep" if several else ""),
        flag_values=flag_values,
    )


def _are_lengths(text: str, several: bool) -> bool:
    try:
        found = _lengths(text)
    except ValueError:
        return False
    return (several or len(found) == 1) and all(0 < one < _LONGEST for one in found)


def _lengths(text: str) -> list[float]:
    return list(dict.fromkeys(map(float, text.split(","))))


def length(values: flags.FlagValues) -> float | None:
    """The length that --ema names where it may name one."""
    return None if values.ema is None else float(values.ema)


def restore(values: flags.FlagValues, gan, step: int) -> None:
    """Loads the networks of a checkpoint, and makes the average that --ema names, if it does."""
    from compare_gan_tf.runs import checkpoints, ema_snapshots

    checkpoints.restore_players(gan, values.model_dir, step)
    if values.ema is not None:
        ema_snapshots.reconstruct(gan, values.model_dir, length(values))


# --- Scores -----------------------------------------------------------------------------------


def score(values: flags.FlagValues, gan, dataset, check: Callable[[], None]) -> None:
    """Scores the averages that --ema names at one checkpoint, and prints the scores.

    Args:
      values: the flags.
      gan, dataset: of the run.
      check: is called when all settings are read, before anything is computed.
    """
    if values.checkpoint == "all" and not values["checkpoint"].using_default_value:
        raise UserError("--checkpoint=all: with --ema name one checkpoint, such as latest")
    choice = "latest" if values.checkpoint == "all" else values.checkpoint
    step = build.choose_step(values.model_dir, choice)
    named = [] if values.ema == SWEEP else _lengths(values.ema)
    if len(named) == 1:
        _score_one(values, gan, dataset, step, check)
        return
    from compare_gan_tf.evaluation import ema_sweep

    lengths = named or ema_sweep.possible(values.model_dir, gan, step)
    plan = ema_sweep.plan(values.model_dir, gan, dataset, lengths, step=step)
    check()
    left_out = [] if named else [one for one in ema_sweep.LENGTHS if one not in lengths]
    _show(plan.run(), left_out, as_json=values.json)


def _score_one(values: flags.FlagValues, gan, dataset, step: int, check) -> None:
    from compare_gan_tf import evaluation
    from compare_gan_tf.runs import ema_snapshots

    ema_snapshots.combination(values.model_dir, gan, step, length(values))  # refuses
    plan = evaluation.plan(values.model_dir, gan, dataset, steps=[step], ema_length=length(values))
    check()
    scores.show_run(values.model_dir, plan.run(), as_json=values.json)


def _show(found, left_out: list[float], *, as_json: bool) -> None:
    """Prints a `Sweep`: a table of the lengths, then the scores of the best one."""
    from compare_gan_tf import evaluation
    from compare_gan_tf.evaluation.scores import cells

    warnings = evaluation.warning_lines(found.rows)
    if as_json:
        tried = [{"ema_length": one, "score": row} for one, row in found.tried.items()]
        document = {"step": found.step, "select_by": found.select_by, "tried": tried}
        document |= {"left_out": left_out, "best": found.best, "scores": found.rows}
        output.show_json(document | {"warnings": warnings})
        return

    def row(length: float, score: dict, note: str) -> tuple[str, ...]:
        return f"{length:g}", score["metric"], score["split"], *cells(score), note

    table = [row(one, r, "*" if one == found.best else "") for one, r in found.tried.items()]
    output.show_table(_OF_SWEEP, table, right=(3,))
    if left_out:
        shown = ", ".join(f"{one:g}" for one in left_out)
        output.show(f"left out, for too few snapshots: {shown}")
    output.show(f"best by {found.select_by} on validation at step {found.step}: {found.best:g}")
    best = [row(found.best, one, "") for one in found.rows]
    output.show_table(_OF_SWEEP, best, right=(3,))
    for line in warnings:
        output.show(line)
