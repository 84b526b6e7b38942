"""`rollbacks.jsonl`: where a training went back to a checkpoint, since a loss was not finite."""

import json
import os

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import files

FILE = "rollbacks.jsonl"


def read(model_dir: str) -> list[dict]:
    """The rows, in order: {"step", "term", "restored", "rate"}.

    `step` is that of the failure, `term` what was not finite, `restored` that of the checkpoint,
    and `rate` the factor of all learning rates from then on.

    Raises:
      UserError: the file is damaged.
    """
    path = os.path.join(model_dir, FILE)
    rows = []
    for line in (files.read_text(path) or "").splitlines():
        try:
            row = json.loads(line)
            rows.append({"step": int(row["step"]), "term": str(row["term"])})
            rows[-1] |= {"restored": int(row["restored"]), "rate": float(row["rate"])}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"{path} is damaged: {line[:80]!r}") from error
    return rows


def add(model_dir: str, row: dict) -> None:
    """Adds a row atomically.

    Raises:
      OSError, tf.errors.OpError: the folder cannot be written.
    """
    rows = [*read(model_dir), row]
    tf.io.gfile.makedirs(model_dir)
    files.write_text(os.path.join(model_dir, FILE), "".join(json.dumps(one) + "\n" for one in rows))


def sentences(model_dir: str) -> list[str]:
    """What a page says of them."""
    return [
        f"At step {row['step']:,} {row['term']} was not finite: training went back to step "
        f"{row['restored']:,}, with learning rates times {row['rate']:g}."
        for row in read(model_dir)
    ]
