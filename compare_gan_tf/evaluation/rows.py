"""Outcomes as rows: dicts of JSON."""

import os

from compare_gan_tf.runs import results


def row(outcome, protocol, warnings=()) -> results.Score:
    """One score as it is stored.

    Args:
      outcome: see `evaluation.outcomes`.
      protocol: see `metrics.protocol`.
      warnings: more than the outcome has, if it has a value.
    """
    made = {
        "metric": outcome.name,
        "value": outcome.value,
        "reason": outcome.reason,
        "interval": outcome.interval,
        "protocol": protocol.to_dict(),
        "protocol_id": protocol.id,
        "seconds": outcome.seconds,
        "time": results.now(),
    }
    said = list(dict.fromkeys((*warnings, *outcome.warnings)))
    return made | ({"warnings": said} if said and outcome.value is not None else {})


def row_of_run(
    model_dir, outcome, protocol, *, step: int, checkpoint: str, split: str, warnings=()
) -> results.Row:
    """One score of a run as it is stored.

    Args:
      model_dir: the run's folder.
      outcome, protocol, warnings: see `row`.
      step: of the checkpoint.
      checkpoint: its fingerprint.
      split: of the real samples.
    """
    run = os.path.basename(os.path.normpath(str(model_dir)))
    which = {"run": run, "step": step, "checkpoint": checkpoint, "split": split}
    return which | row(outcome, protocol, warnings)
