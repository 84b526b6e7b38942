"""What the folder of a run says, as a comparison has it."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from compare_gan_tf.comparison.records import COMPLETE, FAILED, WAITING, Run, Scored
from compare_gan_tf.config.gin_statements import statements
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import registry
from compare_gan_tf.runs import checkpoints, logs, manifest, results
from compare_gan_tf.storage import files


@dataclasses.dataclass(frozen=True)
class Rule:
    """Which checkpoint of a run counts, and where its scores are from.

    Attributes:
      metric: the score that selects.
      select_on: the split on which it does.
      report_on: the split whose scores are compared.
      checkpoint: "best" on `select_on`, or "last".
    """

    metric: str = "fid"
    select_on: str = "validation"
    report_on: str = "test"
    checkpoint: str = "best"


def bindings(model_dir: str) -> dict[str, Any]:
    """{name: value} of all that a run was trained with; references and lists as gin has them.

    Raises:
      UserError: the folder has no config, or one that is no gin.
    """
    text = files.read_text(os.path.join(model_dir, files.CONFIG))
    if text is None:
        raise UserError(f"{model_dir} has no {files.CONFIG}: it is no run of compare-gan train")
    try:
        return {str(key): value for key, value in statements(text).items()}
    except SyntaxError as error:
        raise UserError(f"{model_dir}/{files.CONFIG} is damaged: {error.msg}") from error


def read_run(
    model_dir: str,
    rule: Rule,
    *,
    name: str,
    variant: dict[str, str],
    setting: dict[str, Any] | None = None,
    task: str | None = None,
) -> Run:
    """Reads a run that was trained and scored.

    Args:
      model_dir: its folder.
      rule: by which its checkpoint is chosen.
      name: of the run in the comparison.
      variant: of it.
      setting: of it, where settings were searched.
      task: name of the data set; None for that of the run's config.

    Returns:
      The run. Without a score that counts, with a reason: FAILED where it could not be scored, and
      WAITING where it was not.

    Raises:
      UserError: the folder is no run, or its scores are of several protocols.
    """
    files.refuse_unreadable(model_dir)
    bound, starts = bindings(model_dir), manifest.read(model_dir)
    log = logs.read(model_dir)
    steps = checkpoints.list_steps(model_dir)
    step = int(log[-1]["step"]) if log else max(steps, default=0)
    scores, status, reason = _scores(model_dir, rule)
    return Run(
        name=name,
        variant=variant,
        setting=setting or {},
        seed=bound.get("train.seed"),
        task=task or str(bound.get("load.name", "")),
        status=status,
        reason=reason,
        scores=scores,
        steps=step,
        images=_images(bound, step),
        seconds=logs.training_seconds(log),
        multiply_adds=_multiply_adds(bound, step, starts),
        folder=os.path.abspath(model_dir) if not files.is_remote(model_dir) else model_dir,
    )


# --- Cost -------------------------------------------------------------------------------------


def _images(bound: dict[str, Any], step: int) -> int:
    """Reals that D has seen."""
    return step * bound.get("GAN.d_steps", 1) * bound.get("train.batch_size", 0)


def _multiply_adds(bound: dict[str, Any], step: int, starts: list[dict]) -> float | None:
    """Of all forward passes: G and D on fakes and D on reals for each update of D, G and D for each
    of G. A backward pass costs about twice a forward one, and is not counted.
    """
    counts = (starts[-1] if starts else {}).get("multiply_adds") or {}
    generator, discriminator = counts.get("generator"), counts.get("discriminator")
    if generator is None or discriminator is None:
        return None
    of_d = bound.get("GAN.d_steps", 1) * (generator + 2 * discriminator)
    of_g = bound.get("GAN.g_steps", 1) * (generator + discriminator)
    return float(step * bound.get("train.batch_size", 0) * (of_d + of_g))


# --- Scores -----------------------------------------------------------------------------------


def _scores(model_dir: str, rule: Rule) -> tuple[dict[str, Scored], str, str | None]:
    """({metric: its scores}, status of the run, why the metric of the rule has none, or None)."""
    higher = registry.directions()
    rows = list(results.latest(results.read(results.path(model_dir))).values())
    floors = results.read(results.floor_path(model_dir))
    if not rows:
        return {}, WAITING, "it has no scores: run compare-gan evaluate"
    reported = {row["metric"] for row in rows if row["split"] == rule.report_on}
    splits = {rule.report_on} if rule.checkpoint == "last" else {rule.report_on, rule.select_on}
    for split in sorted(splits, reverse=True):
        if not _of(rows, rule.metric, split):
            return {}, WAITING, f"{rule.metric} was not scored on the split {split!r}"
    step, reason = _selected_step(rows, rule, higher)
    if step is None:
        return {}, FAILED, reason
    scores = {metric: _scored(rows, floors, metric, rule, step) for metric in sorted(reported)}
    if scores[rule.metric].best is None:
        failed = [row for row in _of(rows, rule.metric, rule.report_on) if row["step"] == step]
        if failed:
            return scores, FAILED, failed[0]["reason"]
        return scores, WAITING, f"step {step} was not scored on the split {rule.report_on!r}"
    return scores, COMPLETE, None


def _of(rows: Sequence[results.Row], metric: str, split: str) -> list[results.Row]:
    """The rows of a metric on a split, by step, of the protocol that most steps have."""
    found: dict[str, list[results.Row]] = {}
    for row in rows:
        if (row["metric"], row["split"]) == (metric, split):
            found.setdefault(row["protocol_id"], []).append(row)
    return sorted(max(found.values(), key=len, default=[]), key=lambda row: row["step"])


def _selected_step(rows, rule: Rule, higher) -> tuple[int | None, str | None]:
    """(the step that counts, why there is none)."""
    if rule.checkpoint == "last":
        return _of(rows, rule.metric, rule.report_on)[-1]["step"], None
    candidates = _of(rows, rule.metric, rule.select_on)
    known = [row for row in candidates if row["value"] is not None]
    if not known:
        return None, candidates[-1]["reason"]
    sign = -1.0 if higher.get(rule.metric) else 1.0
    return min(known, key=lambda row: (sign * row["value"], -row["step"]))["step"], None


def _scored(rows, floors, metric: str, rule: Rule, step: int) -> Scored:
    curve = _of(rows, metric, rule.select_on) or _of(rows, metric, rule.report_on)
    reported = _of(rows, metric, rule.report_on)
    best = next((row for row in reported if row["step"] == step), None)
    last = reported[-1]
    floor = results.floor_of(best or last, floors)
    return Scored(
        curve=[(row["step"], row["value"]) for row in curve],
        best_step=step,
        best=best and best["value"],
        best_interval=best and best["interval"],
        last=last["value"],
        last_interval=last["interval"],
        floor=floor and floor["value"],
        protocol=last["protocol"],
        protocol_id=last["protocol_id"],
        warnings=list(last.get("warnings", ())),
    )
