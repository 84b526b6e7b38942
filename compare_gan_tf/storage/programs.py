"""Networks that are programs: SavedModels, frozen graphs, ONNX files and handles of TF Hub.

Their operations may read and write files of the user. So one is loaded only if this user has
exported it on this machine, which its SHA-256 tells, or says that it is trusted.
"""

import hashlib
import os
import pathlib
from collections.abc import Iterable

from compare_gan_tf.errors import UserError

EVERYTHING = "*"
_SAVED_MODEL = "saved_model.pb"

_trusted: set[str] = set()


def settings_folder() -> str:
    """The folder of what this package keeps for the user: $XDG_CONFIG_HOME/compare_gan_tf."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(home, "compare_gan_tf")


def trust(paths: Iterable[str]) -> None:
    """Lets these paths and handles be loaded from now on; `EVERYTHING` for all."""
    _trusted.update(paths)


def is_trusted(path: str) -> bool:
    """Whether the user has said so."""
    return not _trusted.isdisjoint((EVERYTHING, path))


def require(path: str | os.PathLike, kind: str, trusted: bool = False) -> None:
    """Refuses a network that the user has neither exported here nor trusts.

    Args:
      path: file, folder or handle.
      kind: what it is, such as "a SavedModel".
      trusted: whether the caller trusts it.

    Raises:
      UserError: nobody has said that it is trusted.
    """
    path = os.fspath(path)
    if not (trusted or is_trusted(path) or _is_own(path)):
        raise UserError(
            f"{path} is {kind}, a program that may do all that you may: if you trust its origin,"
            f" give --trust, or --allow_imports={path} to a verb without it, or trust=True in"
            " Python"
        )


# --- What this user has exported ---------------------------------------------------------------


def note(folder: str) -> None:
    """Notes all networks in a local folder as this user's own."""
    found = [path.parent for path in pathlib.Path(folder).rglob(_SAVED_MODEL)]
    found += pathlib.Path(folder).rglob("*.onnx")
    lines = "".join(f"{_size(path)} {_digest(path)}\n" for path in found)
    try:
        os.makedirs(settings_folder(), mode=0o700, exist_ok=True)
        with open(os.open(_exports(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
            file.write(lines)
    except OSError:  # then they need --trust, as on another machine
        return


def _exports() -> str:
    return os.path.join(settings_folder(), "exports")


def _is_own(path: str) -> bool:
    try:
        with open(_exports()) as file:
            known = dict(reversed(line.split()) for line in file)
        sizes, size = set(known.values()), str(_size(pathlib.Path(path)))
        return size in sizes and known.get(_digest(pathlib.Path(path))) == size
    except (OSError, ValueError):  # it is remote, or nothing was exported here
        return False


def _inside(path: pathlib.Path) -> list[pathlib.Path]:
    """A file, or all files in a folder, in order."""
    return [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())


def _size(path: pathlib.Path) -> int:
    return sum(one.stat().st_size for one in _inside(path))


def _digest(path: pathlib.Path) -> str:
    """SHA-256 of the names and SHA-256s of all files."""
    lines = []
    for one in _inside(path):
        with open(one, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{sha256}  {one.relative_to(path).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()
