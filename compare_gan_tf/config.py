"""Reading gin files, and telling what a run really used of them.

Everything about gin that is not a decorator is here and in `gin_errors`: finding a file, parsing,
the operative config as text, and the bindings that nothing has consumed.
"""

import functools
import importlib.resources
import logging
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import gin
from gin import config_parser

from compare_gan_tf import gin_errors, gin_types
from compare_gan_tf.errors import UserError

PACKAGE = "compare_gan_tf.gin_configs"

# A training binds nothing of these; its config carries their bindings to the stages after it.
LATER_STAGES = (
    "compare_gan_tf.evaluation",
    "compare_gan_tf.export",
    "compare_gan_tf.metrics",
    "compare_gan_tf.report",
)

_ONE_LINE = 1_000_000  # A width at which gin wraps no value.


# --- Files ------------------------------------------------------------------------------------


@functools.cache
def _packaged_folder() -> pathlib.Path:
    """The folder of the configs that ship with the package."""
    return pathlib.Path(str(importlib.resources.files(PACKAGE).joinpath("quickstart.gin"))).parent


def packaged_configs() -> list[str]:
    """Names of the configs that ship with the package, as `--gin_config` takes them."""
    folder = _packaged_folder()
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.gin"))


def find_config(name: str) -> str:
    """Returns where the gin file `name` lies: a path as given, or else a packaged config.

    Args:
      name: an absolute path, a path from the current folder, a remote path (`gs://...`), or the
        name of a packaged config such as "quickstart.gin".

    Raises:
      UserError: there is no such file; says where it was looked for.
    """
    if "://" in name:
        if _remote_exists(name):
            return name
        raise UserError(f"no gin file at {name}")
    for path in (pathlib.Path(name), _packaged_folder() / name):
        if path.is_file():
            return os.path.abspath(path)
    if os.path.isabs(name):
        raise UserError(f"no gin file at {name}")
    raise UserError(
        f"no gin file {name!r}, neither in {os.getcwd()} nor in {_packaged_folder()}"
        f"{gin_errors.did_you_mean(name, packaged_configs())}"
    )


def _remote_exists(path: str) -> bool:
    """Whether `path` is a remote file that exists; local ones are read by gin itself."""
    if "://" not in path:
        return False
    import tensorflow as tf

    return tf.io.gfile.exists(path)


def _open_remote(path: str):
    import tensorflow as tf

    return tf.io.gfile.GFile(path)


@functools.cache
def _let_gin_find_files() -> None:
    """Makes `include "base/x.gin"` find packaged and remote files as well."""
    gin.add_config_file_search_path(str(_packaged_folder()))
    gin.config.register_file_reader(_open_remote, _remote_exists)


# --- Parsing ----------------------------------------------------------------------------------


def parse(files: Sequence[str], bindings: Sequence[str] = ()) -> None:
    """Clears gin's state and parses `files`, then `bindings`, which win over them.

    Modules whose names the files use must have been imported: see `configurables`.

    Raises:
      UserError: a file is missing, gin rejects something, or a value is of the wrong kind; one
        line that names it.
    """
    paths = [find_config(name) for name in files]
    _let_gin_find_files()
    gin.clear_config()
    root = logging.getLogger()
    root.addFilter(_is_not_from_gins_search)
    try:
        gin.parse_config_files_and_bindings(paths, list(bindings))
    except gin_errors.RAISED as error:
        raise UserError(gin_errors.explain(error)) from error
    finally:
        root.removeFilter(_is_not_from_gins_search)
    gin_types.check()


def _is_not_from_gins_search(record: logging.LogRecord) -> bool:
    """False for the errors gin logs about each place where an include does not lie."""
    return record.module != "resource_reader"


# --- Statements: a config as data -------------------------------------------------------------


class _Reference(NamedTuple):
    """`@scope/selector`, `@scope/selector()` or `%macro` in a value."""

    scope: str
    selector: str
    called: bool

    def __repr__(self):
        if self.selector == "gin.macro":
            return f"%{self.scope}"
        scope = f"{self.scope}/" if self.scope else ""
        return f"@{scope}{self.selector}{'()' if self.called else ''}"


class _References(config_parser.ParserDelegate):
    """Reads references as data, without looking them up."""

    def configurable_reference(self, scoped_name, evaluate):
        scope, _, selector = scoped_name.rpartition("/")
        return _Reference(scope, selector, evaluate)

    def macro(self, scoped_name):
        return _Reference(scoped_name, "gin.macro", True)


class _Key(NamedTuple):
    """What one statement binds; a macro binds "value" of "gin.macro" in the scope of its name."""

    scope: str
    selector: str
    parameter: str

    def __str__(self):
        if self.selector == "gin.macro":
            return self.scope
        scope = f"{self.scope}/" if self.scope else ""
        return f"{scope}{self.selector}.{self.parameter}"


def _statements(text: str) -> dict[_Key, Any]:
    """The bindings in `text`, in its order."""
    statements = {}
    for statement in config_parser.ConfigParser(text, _References()):
        if not isinstance(statement, config_parser.BindingStatement):
            continue
        scope, selector, parameter, value, _ = statement
        if not parameter:
            scope, selector, parameter = "/".join(filter(None, (scope, selector))), "", "value"
        statements[_Key(scope, selector or "gin.macro", parameter)] = value
    return statements


def _bound() -> dict[_Key, Any]:
    return _statements(gin.config_str(max_line_length=_ONE_LINE))


def _operative() -> dict[_Key, Any]:
    return _statements(gin.operative_config_str(max_line_length=_ONE_LINE))


def _references(value) -> Iterator[_Reference]:
    """All references in a nested value."""
    if isinstance(value, _Reference):
        yield value
    elif isinstance(value, dict):
        yield from _references([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)


def _configurable(selector: str) -> Callable:
    """The function or class that `selector`, however abbreviated, names."""
    return gin.get_configurable(selector)


# --- What a run used --------------------------------------------------------------------------


def _reached(bound: dict[_Key, Any], start: dict[_Key, Any]) -> set[_Key]:
    """The bindings that the statements `start` have consumed, or hand on to be consumed later.

    A loss bound as `@least_squares` is first called in the first training step; its own bindings
    count as reached once that reference is consumed, and so on down.
    """
    consumed = {(key.scope, _configurable(key.selector), key.parameter) for key in start}
    calls, reached, waiting = set(consumed), set(), list(start.items())
    while waiting:
        holder, value = waiting.pop()
        for reference in _references(value):
            scope, function = reference.scope or holder.scope, _configurable(reference.selector)
            if not any(_within(at, scope) and called is function for at, called, _ in consumed):
                calls.add((scope, function, None))
        new = {key for key in bound.keys() - reached if any(_applies(key, *at) for at in calls)}
        reached |= new
        waiting += [(key, bound[key]) for key in new]
    return reached


def _within(scope: str, outer: str) -> bool:
    """Whether `scope` is `outer` or lies in it: "a/b" lies in "a", and all lie in ""."""
    return not outer or f"{scope}/".startswith(f"{outer}/")


def _applies(key: _Key, scope: str, configurable: Callable, parameter: str | None) -> bool:
    """Whether the binding `key` counts in a call of `configurable` in `scope`."""
    if parameter not in (None, key.parameter) or not _within(scope, key.scope):
        return False
    return _configurable(key.selector) is configurable


def _is_later(key: _Key, later: Sequence[str]) -> bool:
    module = _configurable(key.selector).__module__
    return any(module == name or module.startswith(name + ".") for name in later)


def unused_bindings(later: Sequence[str] = LATER_STAGES) -> list[str]:
    """Returns the bindings that nothing has consumed, as "scope/selector.parameter".

    Args:
      later: modules whose bindings are for a later stage and are left out, with the macros that
        only they use.
    """
    bound = _bound()
    used = _reached(bound, _operative()) | _for_later(bound, later)
    return sorted(str(key) for key in bound.keys() - used)


def _for_later(bound: dict[_Key, Any], later: Sequence[str]) -> set[_Key]:
    """Bindings of the modules `later`, and all that those bindings refer to."""
    own = {key: value for key, value in bound.items() if _is_later(key, later)}
    return _reached(bound, own)


def operative_text(later: Sequence[str] = LATER_STAGES) -> str:
    """The config that the process has used so far, as gin text with one binding a line, sorted.

    Holds every value consumed, the defaults of what was left alone, and the bindings that are
    for functions called later: in the first training step, or by a later stage.
    """
    bound, operative = _bound(), _operative()
    later_keys = _reached(bound, operative) | _for_later(bound, later)
    used = {key: bound[key] for key in later_keys} | operative
    lines, section = ["# What this run used: the values bound, and the defaults of the rest."], None
    for key in sorted(used, key=lambda key: (key.selector != "gin.macro", str(key).lower())):
        name = str(key)
        if section != (section := name.rpartition(".")[0]):
            lines.append("")
        lines.append(f"{name} = {used[key]!r}")
    return "\n".join(lines) + "\n"


def check_used(later: Sequence[str] = LATER_STAGES) -> None:
    """Refuses bindings that nothing has consumed, nor a stage of `later` will consume.

    Raises:
      UserError: names them.
    """
    if unused := unused_bindings(later):
        raise UserError(
            f"bound in the config but used by nothing: {', '.join(unused)};"
            " remove it, or refer to what it configures"
        )


def differing_lines(old: str, new: str, free: Sequence[str] = ()) -> list[str]:
    """Returns the bindings in which two configs differ, as "- name = value" and "+ name = value".

    Args:
      old: text of the config that is there, as `operative_text` wrote it.
      new: text of the config that is wanted.
      free: regular expressions; a name that one of them matches in full may differ.

    Raises:
      UserError: one of the texts is not gin.
    """
    try:
        old_values, new_values = _statements(old), _statements(new)
    except SyntaxError as error:
        raise UserError(gin_errors.explain(error)) from error
    lines = []
    for key in sorted(old_values.keys() | new_values.keys(), key=str):
        if any(re.fullmatch(pattern, str(key)) for pattern in free):
            continue
        for sign, values in (("-", old_values), ("+", new_values)):
            other = new_values if sign == "-" else old_values
            if key in values and (key not in other or repr(other[key]) != repr(values[key])):
                lines.append(f"{sign} {key} = {values[key]!r}")
    return lines
