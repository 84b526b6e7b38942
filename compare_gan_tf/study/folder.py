"""The folder of a study on this machine, and which study it belongs to."""

import json
import os

from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.storage import files
from compare_gan_tf.study import connection

BASE = "base.gin"  # the config of all runs, which they name
_NOTE = "study.json"


def check(study_dir: str, name: str, url: str) -> None:
    """Refuses the folder of another study.

    Args:
      study_dir: the folder.
      name: of the study.
      url: of its storage.

    Raises:
      UserError: it belongs to another, or is no folder.
    """
    known = read_note(study_dir)
    if known is not None and known != (name, _kept(study_dir, url)):
        raise UserError(
            f"{study_dir} is the folder of the study {known[0]!r} in"
            f" {known[1] or connection.DATABASE}: choose another --study_dir"
        )


def note(study_dir: str, name: str, url: str) -> None:
    """Writes into a study's folder which study of which storage it belongs to.

    A password is not kept. Parameters and errors as of `check`.

    Raises:
      UserError: it cannot be written.
    """
    check(study_dir, name, url)
    storage = _kept(study_dir, url)
    write(study_dir, _NOTE, json.dumps({"name": name, "storage": storage}, indent=2) + "\n")


def write(study_dir: str, name: str, text: str) -> None:
    """Writes a file of the folder, which any number of workers may do at once.

    Raises:
      UserError: it cannot be written.
    """
    path = os.path.join(study_dir, name)
    own = f"{path}.{os.getpid()}"
    try:
        os.makedirs(study_dir, exist_ok=True)
        if files.read_text(path) != text:
            files.refuse_link(path)
            files.write_text(own, text)
            os.replace(own, path)
    except OSError as error:
        raise UserError(unwritable(f"cannot write to {study_dir}", error)) from error


def read_note(study_dir: str) -> tuple[str, str | None] | None:
    """(name of the study that a folder belongs to, URL of its storage, or None where that is a
    file of the folder); None for a new folder.

    Raises:
      UserError: the file is not ours.
    """
    path = os.path.join(study_dir, _NOTE)
    try:
        text = files.read_text(path)
    except NotADirectoryError as error:
        raise UserError(f"--study_dir={study_dir} is not a folder") from error
    if text is None:
        return None
    try:
        found = json.loads(text)
        name, storage = found["name"], found["storage"]
        if isinstance(name, str) and isinstance(storage, str | None):
            return name, storage
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise UserError(
        f"{path} is damaged or not ours: remove it, and name the study's --gin_config or --storage"
    )


def _kept(study_dir: str, url: str) -> str | None:
    """What the note says of a storage: nothing of the folder's own, so that it may be moved."""
    is_own = url == connection.default_url(study_dir)
    return None if is_own else connection.without_password(url)
