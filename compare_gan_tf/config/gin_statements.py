"""A config as data: its statements, without looking up what they name."""

import functools
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from gin import config_parser


class Reference(NamedTuple):
    """`@scope/selector`, `@scope/selector()` or `%macro` in a value."""

    scope: str
    selector: str
    called: bool

    def __repr__(self):
        if self.selector == "gin.macro":
            return f"%{self.scope}"
        scope = f"{self.scope}/" if self.scope else ""
        return f"@{scope}{self.selector}{'()' if self.called else ''}"


class AsData(config_parser.ParserDelegate):
    """Reads references as data, without looking them up."""

    def configurable_reference(self, scoped_name, evaluate):
        scope, _, selector = scoped_name.rpartition("/")
        return Reference(scope, selector, evaluate)

    def macro(self, scoped_name):
        return Reference(scoped_name, "gin.macro", True)


class Key(NamedTuple):
    """What one statement binds; a macro binds "value" of "gin.macro" in the scope of its name."""

    scope: str
    selector: str
    parameter: str

    def __str__(self):
        if self.selector == "gin.macro":
            return self.scope
        scope = f"{self.scope}/" if self.scope else ""
        return f"{scope}{self.selector}.{self.parameter}"


def key_of(statement: config_parser.BindingStatement) -> Key:
    """What a statement binds."""
    scope, selector, parameter = statement[:3]
    if not parameter:
        scope, selector, parameter = "/".join(filter(None, (scope, selector))), "", "value"
    return Key(scope, selector or "gin.macro", parameter)


def statements(text: str) -> dict[Key, Any]:
    """The bindings in `text`, in its order."""
    return dict(_statements(text))


@functools.lru_cache(maxsize=4)  # the text of a config is read several times, 0.1 s each
def _statements(text: str) -> dict[Key, Any]:
    found = {}
    for statement in config_parser.ConfigParser(text, AsData()):
        if isinstance(statement, config_parser.BindingStatement):
            found[key_of(statement)] = statement.value
    return found


def imports(text: str, path: str | None = None) -> Iterator[tuple[str, int]]:
    """(module, number of the line) of each import in a text.

    Args:
      text: of a gin file, or of bindings.
      path: of the file, which errors name; None for bindings.

    Raises:
      SyntaxError: it is not gin.
    """
    file = io.StringIO(text)
    if path is not None:
        file.name = path
    for statement in config_parser.ConfigParser(file, AsData()):
        if isinstance(statement, config_parser.ImportStatement):
            yield statement.module, statement.location.line_num


def references(value) -> Iterator[Reference]:
    """All references in a nested value."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, dict):
        yield from references([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
