"""Which modules a config may import. A config is data, but an import in it runs code.

A SavedModel that a config names runs code as well: its graph may read and write files.

A config may always import this package, and the modules that an installed distribution names as
entry points of the group `compare_gan_tf`. The user allows all others by `--allow_imports`. A run
keeps in its config what it imports and that the user allowed it, signed by a key that only this
user has. So the verbs after a training need no flag, and the config of a stranger's run imports
nothing.
"""

import hashlib
import hmac
import importlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import secrets
import sys
from collections.abc import Iterable, Iterator

from absl import logging

from compare_gan_tf.errors import UserError, with_origin

PACKAGE = "compare_gan_tf"
_MARK = "# allowed by --allow_imports: "

_allowed: set[str] = set()
_doubted: set[str] = set()  # paths of SavedModels that only a run's config names


def allow(modules: Iterable[str]) -> None:
    """Lets configs import these modules, and those in them, from now on."""
    _allowed.update(modules)


def doubt(path: str) -> None:
    """Notes a SavedModel that a run's config names, for `check_model`."""
    _doubted.add(path)


def check_model(path: str) -> None:
    """Refuses a SavedModel that only a run's config names.

    Raises:
      UserError: its user has not allowed it.
    """
    if path in _doubted and path not in _allowed:
        raise UserError(
            f"{path} is a SavedModel that the run's config names, and would run what it holds: if"
            f" you trust it, allow it by --allow_imports={path}"
        )


def plugins() -> list[str]:
    """Modules that installed distributions add, by entry points of the group `compare_gan_tf`."""
    return sorted({entry.module for entry in importlib.metadata.entry_points(group=PACKAGE)})


def check(module: str, place: str, folder: str) -> None:
    """Refuses an import that nobody allowed; imports a module of the user, to report its errors.

    Args:
      module: its name, as the config imports it.
      place: the config and its line, for the message.
      folder: where a module of the user's is looked for, after Python's own path and before the
        current folder.

    Raises:
      UserError: the import is not allowed, or there is no such module.
    """
    if module.startswith("__gin__."):
        raise UserError(
            f"{place}: {module.removeprefix('__gin__.')} would let a config call any function:"
            " register functions by @gin.configurable in a module, and import that"
        )
    if _is_within(module, (PACKAGE, *plugins())):
        return
    if not _is_within(module, _allowed):
        raise UserError(
            f"{place} imports {module}, which would run its code: if you trust it, allow it by"
            f" --allow_imports={module}"
        )
    _make_findable(module, place, [folder, os.getcwd()])
    _try(module, place)


def unregistered(name: str) -> str:
    """The end of a message where an imported module of the user's has a part of that name, which
    it has not registered; "" otherwise.

    Args:
      name: as a config writes it, with the module or a scope in front of it or without.
    """
    short = name.rpartition("/")[2].rpartition(".")[2]
    for module in sorted({*_allowed, *plugins()}):
        part = getattr(sys.modules.get(module), short, None)
        if callable(part):
            mark = "@gin.register" if isinstance(part, type) else "@gin.configurable"
            return f": {module} has {short} but does not register it; put {mark} above it"
    return ""


def _is_within(module: str, names: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{name}.") for name in names)


def _make_findable(module: str, place: str, folders: list[str]) -> None:
    root = module.partition(".")[0]
    if root in sys.modules or importlib.util.find_spec(root) is not None:
        return
    for folder in folders:
        path = os.path.join(folder, root)
        if os.path.isfile(f"{path}.py") or os.path.isdir(path):
            sys.path.append(folder)
            importlib.invalidate_caches()
            return
    raise UserError(
        f"{place} imports {module}, which is neither installed nor in {' nor in '.join(folders)}"
    )


def _try(module: str, place: str) -> None:
    """Imports a module of the user; what it raises is an error of the user and no bug of ours."""
    try:
        importlib.import_module(module)
    except Exception as error:
        logging.debug("the error in full", exc_info=True)
        raise UserError(f"{place} imports {module}, which fails: {with_origin(error)}") from error


def hashes() -> dict[str, str]:
    """{module: SHA-256 of its source} of the user's modules and of plugins that are imported."""
    users = (*_allowed, *plugins())
    files = {
        name: module.__file__
        for name, module in sorted(sys.modules.items())
        if _is_within(name, users) and getattr(module, "__file__", None)
    }
    return {
        name: hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
        for name, file in files.items()
        if os.path.isfile(file)
    }


# --- What a run keeps -------------------------------------------------------------------------


def kept(modules: Iterable[str], models: Iterable[str] = ()) -> Iterator[str]:
    """Comments for a run's config: that the user allowed these imports, and where they were.

    Args:
      modules: that the config imports.
      models: paths of model files that it names; those that the user named are allowed.
    """
    for path in sorted(set(models)):
        if (path not in _doubted or path in _allowed) and (key := _key(make=True)) is not None:
            yield _MARK + json.dumps([path, "", _signature(key, path, "")])
    for module in sorted(set(modules)):
        if _is_within(module, (PACKAGE, *plugins())) or not _is_within(module, _allowed):
            continue
        folder, key = _folder(module), _key(make=True)
        if key is not None:
            yield _MARK + json.dumps([module, folder, _signature(key, module, folder)])


def honour(text: str) -> None:
    """Allows the imports that a config says this user has allowed, if the user has."""
    for line in text.splitlines():
        if not line.startswith(_MARK):
            continue
        try:
            module, folder, signature = json.loads(line.removeprefix(_MARK))
        except (ValueError, TypeError, RecursionError):
            continue
        key, given = _key(), str(signature).encode(errors="replace")
        if key and hmac.compare_digest(given, _signature(key, module, folder).encode()):
            allow([module])
            if folder and folder not in sys.path:
                sys.path.append(folder)


def _folder(module: str) -> str:
    """The folder in Python's path that an imported module was found in."""
    root = sys.modules[module.partition(".")[0]]
    paths = list(getattr(root, "__path__", [])) or [root.__file__]
    return os.path.dirname(os.path.abspath(paths[0]))


def _signature(key: bytes, module: str, folder: str) -> str:
    return hmac.new(key, json.dumps([module, folder]).encode(), hashlib.sha256).hexdigest()


def _key(*, make: bool = False) -> bytes | None:
    """This user's key; None where there is none, or none can be kept."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = os.path.join(folder, PACKAGE, "key")
    try:
        if make and not os.path.exists(path):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            partial = f"{path}.{os.getpid()}"
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            os.replace(partial, path)
        found = os.stat(path)
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            return None  # others could have written or read it
        with open(path, "rb") as file:
            return file.read() or None
    except OSError:
        return None
