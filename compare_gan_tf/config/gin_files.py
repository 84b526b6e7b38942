"""Where gin files lie, and how gin reads them: no import is made before it is allowed."""

import contextlib
import functools
import importlib.resources
import io
import os
import pathlib
from collections.abc import Iterator, Sequence

from gin import config_parser

from compare_gan_tf.config import gin_errors, gin_imports, gin_insides
from compare_gan_tf.config.gin_statements import AsData, key_of, statements
from compare_gan_tf.errors import UserError

PACKAGE = "compare_gan_tf.gin_configs"
# The first line of a run's config, by which it is told from one that somebody wrote.
HEADER = "# What this run used: the values bound, and the defaults of the rest."
_MOST_BYTES = 2**24  # of a gin file


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
    if "://" in name:
        if _remote_exists(name):
            return name
        raise UserError(f"no gin file at {name}")
    packaged, folders = _packaged_folder(), [pathlib.Path.cwd()]
    if including is not None:
        beside = os.path.dirname(including)
        if "://" in including and _remote_exists(f"{beside}/{name}"):
            return f"{beside}/{name}"
        # Those of the package mean each other, whatever lies in the current folder.
        own = [packaged] if pathlib.Path(including).is_relative_to(packaged) else []
        folders = [pathlib.Path(beside), *own, *folders]
    folders.append(packaged)
    for folder in folders:
        if (folder / name).is_file():
            return os.path.abspath(folder / name)
    if os.path.lexists(name):
        raise UserError(f"{name} is not a file: name a gin file")
    if os.path.isabs(name):
        raise UserError(f"no gin file at {name}")
    places = dict.fromkeys(map(str, folders))
    raise UserError(
        f"no gin file {name!r}, neither in {' nor in '.join(places)}"
        f"{gin_errors.did_you_mean(name, packaged_configs())}"
    )


def _remote_exists(path: str) -> bool:
    import tensorflow as tf

    try:
        return tf.io.gfile.exists(path)
    except tf.errors.OpError as error:
        raise UserError(f"cannot look for {path}: {error.message}") from error


def read(path: str) -> str:
    """The text of a gin file, which `find_config` has found.

    Raises:
      UserError: it cannot be read, or is no text.
    """
    try:
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
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a gin file: it is not UTF-8 text") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


@contextlib.contextmanager
def read_by_gin() -> Iterator[None]:
    """Lets gin find files by `find_config` while it parses, and look into each before it does.

    Gin's own search would import packages that an include names.
    """
    including: list[str] = []

    @contextlib.contextmanager
    def opened(name: str):
        path = find_config(name, including=including[-1] if including else None)
        if path in including:
            raise UserError(f"{path} includes itself, by {including[-1]}: remove that include")
        file = io.StringIO(text := read(path))
        file.name = path
        gin_imports.honour(text)
        check_imports(text, path)
        if text.startswith(HEADER):
            for model in named_models(text):
                gin_imports.doubt(model)
        including.append(path)
        yield file
        including.pop()

    with gin_insides.files_opened_by(opened):
        yield


def expanded(name: str, *, including: Sequence[str] = ()) -> str:
    """The text of a gin file with what it includes in place, one statement a line, as data.

    Args:
      name: see `find_config`.
      including: paths of the files that lead to it.

    Raises:
      UserError: a file is not there, cannot be read, or includes itself.
      SyntaxError: it is not gin.
    """
    path = find_config(name, including=including[-1] if including else None)
    if path in including:
        raise UserError(f"{path} includes itself, by {including[-1]}: remove that include")
    file = io.StringIO(read(path))
    file.name = path
    lines = []
    for statement in config_parser.ConfigParser(file, AsData()):
        if isinstance(statement, config_parser.IncludeStatement):
            lines.append(expanded(statement.filename, including=[*including, path]))
        elif isinstance(statement, config_parser.ImportStatement):
            lines.append(f"import {statement.module}\n")
        elif isinstance(statement, config_parser.BindingStatement):
            lines.append(f"{key_of(statement)} = {statement.value!r}\n")
    return "".join(lines)


def named_models(text: str) -> list[str]:
    """Paths of model files that a config names."""
    return [
        value
        for key, value in statements(text).items()
        if key.parameter == "path" and key.selector.split(".")[-1] == "model_file"
        if isinstance(value, str)
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
    file = io.StringIO(text)
    if path is not None:
        file.name = path
    folder = os.path.dirname(path) if path else os.getcwd()
    for statement in config_parser.ConfigParser(file, AsData()):
        if isinstance(statement, config_parser.ImportStatement):
            place = f"{path} line {statement.location.line_num}" if path else "--gin_bindings"
            gin_imports.check(statement.module, place, folder)
