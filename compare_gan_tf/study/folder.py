"""The folder of a study on this machine, and which study it belongs to."""

import json
import os
from typing import Any

from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.storage import files
from compare_gan_tf.study.connection import shown

_NOTE = "study.json"


def note(study_dir: str, name: str, url: str) -> None:
    """Writes into a study's folder which study of which storage it belongs to.

    Raises:
      UserError: it belongs to another, or cannot be written.
    """
    known = read_note(study_dir)
    if known is not None and (known["name"], known["storage"]) != (name, shown(url)):
        raise UserError(
            f"{study_dir} is the folder of the study {known['name']!r} in {known['storage']}:"
            " choose another --study_dir"
        )
    try:
        os.makedirs(study_dir, exist_ok=True)
        text = json.dumps({"name": name, "storage": shown(url)}, indent=2)
        files.write_text(os.path.join(study_dir, _NOTE), text + "\n")
    except OSError as error:
        raise UserError(unwritable(f"cannot write to {study_dir}", error)) from error


def read_note(study_dir: str) -> dict[str, Any] | None:
    """{"name", "storage"} of the study that a folder belongs to; None for a new folder.

    Raises:
      UserError: the file is not ours.
    """
    path = os.path.join(study_dir, _NOTE)
    text = files.read_text(path)
    if text is None:
        return None
    try:
        found = json.loads(text)
        return {"name": str(found["name"]), "storage": str(found["storage"])}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{path} is damaged or not ours: remove it") from error
