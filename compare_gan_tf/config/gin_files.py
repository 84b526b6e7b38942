"""Finds gin files, and lets gin read them without an import that the user has not allowed."""

import contextlib
import functools
import importlib.resources
import io
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence

from gin import config_parser

from compare_gan_tf.config import gin_errors, gin_imports, gin_insides
from compare_gan_tf.config.gin_statements import AsData, imports, key_of, statements
from compare_gan_tf.errors import UserError, as_user_error

PACKAGE = "compare_gan_tf.gin_configs"
# The first line of a run's config, by which it is told from one that somebody wrote.
HEADER = "# What this run used: the values bound, and the defaults of the rest."
_MOST_BYTES = 2**24  # of a gin file
_MOST_FILES = 1_000  # of a config; two files that each include the next twice mean 2^n
_DEEPEST = 50  # of includes in includes


@functools.cache
def _packaged_folder() -> pathlib.Path:
    """The folder of the configs that ship with the package."""
    return pathlib.Path(str(importlib.resources.files(PACKAGE).joinpath("quickstart.gin"))).parent


def packaged_configs() -> list[str]:
    """Names of the configs that ship with the package, as `--gin_config` takes them."""
    folder = _packaged_folder()
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.gin"))


def find_config(name: str, *, including: str | None = None) -> str:
    """Returns where the gin file `name` lies.

    Args:
      name: an absolute path; a path from the folder of the file that includes it, or from the
        current folder; a remote path (`gs://...`); or the name of a packaged config such as
        "quickstart.gin".
      including: path of the file that includes it, or None.

    Raises:
      UserError: there is no such file; says where it was looked for.
    """
    places = _places(name, including)
    for place in places:
        if _is_file(place):
            return place
    if os.path.lexists(name):
        raise UserError(f"{name} is not a file: name a gin file")
    looked = f", neither at {' nor at '.join(places)}" if len(places) > 1 else ""
    nearest = gin_errors.did_you_mean(name, packaged_configs())
    raise UserError(f"no gin file {name!r}{looked}{nearest}")


def _places(name: str, including: str | None) -> list[str]:
    """The paths that a name may mean, in the order in which they are tried."""
    if "://" in name or os.path.isabs(name):
        return [name]
    packaged = _packaged_folder()
    folders = [os.getcwd(), str(packaged)]
    if including is not None:
        # Those of the package mean each other, whatever lies in the current folder.
        own = [str(packaged)] if pathlib.Path(including).is_relative_to(packaged) else []
        folders = [os.path.dirname(including), *own, *folders]
    paths = (os.path.join(folder, name) for folder in folders)
    return list(dict.fromkeys(p if "://" in p else os.path.abspath(p) for p in paths))


def _is_file(path: str) -> bool:
    """Whether there is a file at a path, which may be remote."""
    if "://" not in path:
        return os.path.isfile(path)
    import tensorflow as tf

    with as_user_error(f"cannot look for {path}", tf.errors.OpError):
        return tf.io.gfile.exists(path)


def read(path: str) -> str:
    """The text of a gin file, which `find_config` has found.

    Raises:
      UserError: it cannot be read, or is no text.
    """
    with as_user_error(f"cannot read the gin file {path}", UnicodeDecodeError, OSError):
        if "://" in path:
            import tensorflow as tf

            with tf.io.gfile.GFile(path, "rb") as file:
                content = file.read(_MOST_BYTES + 1)
        else:
            with open(path, "rb") as file:
                content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UserError(f"{path} has more than {_MOST_BYTES} bytes: it is no gin file")
        return content.decode()


@contextlib.contextmanager
def read_by_gin() -> Iterator[None]:
    """Lets gin find files by `find_config` while it parses, and look into each before it does.

    Gin's own search would import packages that an include names.
    """
    including: list[str] = []
    number = itertools.count(1)

    @contextlib.contextmanager
    def opened(name: str):
        path = _included(name, including, number)
        file = io.StringIO(text := read(path))
        file.name = path
        gin_imports.honour(text)
        check_imports(text, path)
        including.append(path)
        yield file
        including.pop()

    with gin_insides.files_opened_by(opened):
        yield


def _included(name: str, including: Sequence[str], number: Iterator[int]) -> str:
    """Where a file lies that the last of the files `including` includes, the `number`-th of all.

    Raises:
      UserError: there is no such file, it includes itself, or there are too many.
    """
    path = find_config(name, including=including[-1] if including else None)
    if path in including:
        raise UserError(f"{path} includes itself, by {including[-1]}: remove that include")
    if len(including) > _DEEPEST or next(number) > _MOST_FILES:
        raise UserError(
            f"{path} is included by {including[-1]} beyond {_DEEPEST} levels or {_MOST_FILES:,}"
            " files: remove that include"
        )
    return path


def expanded(
    name: str, *, including: Sequence[str] = (), number: Iterator[int] | None = None
) -> str:
    """The text of a gin file with what it includes in place, one statement a line, as data.

    Args:
      name: see `find_config`.
      including: paths of the files that lead to it.
      number: counts all files.

    Raises:
      UserError: a file is not there, cannot be read, or includes itself, or there are too many.
      SyntaxError: it is not gin.
    """
    number = number or itertools.count(1)
    path = _included(name, including, number)
    file = io.StringIO(read(path))
    file.name = path
    lines = []
    for statement in config_parser.ConfigParser(file, AsData()):
        if isinstance(statement, config_parser.IncludeStatement):
            inner = [*including, path]
            lines.append(expanded(statement.filename, including=inner, number=number))
        elif isinstance(statement, config_parser.ImportStatement):
            lines.append(f"import {statement.module}\n")
        elif isinstance(statement, config_parser.BindingStatement):
            lines.append(f"{key_of(statement)} = {statement.value!r}\n")
    return "".join(lines)


def named_models(text: str) -> list[str]:
    """Paths that a config binds, which may be those of networks."""
    return [
        value
        for key, value in statements(text).items()
        if key.parameter == "path" and isinstance(value, str)
    ]


def check_imports(text: str, path: str | None = None) -> None:
    """Refuses what gin must not import, before gin begins with a text.

    Args:
      text: of a gin file, or of bindings.
      path: of the file; None for bindings.

    Raises:
      UserError: see `gin_imports.check`.
      SyntaxError: it is not gin.
    """
    folder = os.path.dirname(path) if path else os.getcwd()
    for module, line in imports(text, path):
        gin_imports.check(module, f"{path} line {line}" if path else "--gin_bindings", folder)
