"""Outcomes as rows: dicts of JSON."""

import os

from compare_gan_tf.runs import results


def row_of_run(
    model_dir, outcome, protocol, *, step: int, checkpoint: str, split: str, warnings=()
) -> results.Row:
    """One score as a row.

    Args:
      model_dir: the run's folder.
      outcome: see `evaluation.outcomes`.
      protocol: see `metrics.protocol`.
      step: of the checkpoint.
      checkpoint: its fingerprint.
      split: of the real samples.
      warnings: more than the outcome has, if it has a value.
    """
    made = {
        "run": os.path.basename(os.path.normpath(str(model_dir))),
        "step": step,
        "checkpoint": checkpoint,
        "split": split,
        "metric": outcome.name,
        "value": outcome.value,
        "reason": outcome.reason,
        "interval": outcome.interval,
        "protocol": protocol.to_dict(),
        "protocol_id": protocol.id,
        "seconds": outcome.seconds,
        "time": results.now(),
    }
    return made | warned(outcome, warnings)


def warned(outcome, warnings) -> dict:
    """{"warnings": of a score, each once}; {} where there are none or no value."""
    found = list(dict.fromkeys((*warnings, *outcome.warnings)))
    return {"warnings": found} if found and outcome.value is not None else {}
