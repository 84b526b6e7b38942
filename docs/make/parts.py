"""What the pages about objectives and metrics are made of: facts that the code itself has."""

import functools
import importlib
import inspect
import pathlib
import re
import tomllib
from collections.abc import Callable

from compare_gan_tf.config import configurables, gin_files, gin_insides
from compare_gan_tf.config.gin_statements import references, statements

DOCS = pathlib.Path(__file__).parents[1]
_REQUIRED = inspect.Parameter.empty
_SENTENCE = re.compile(r"(?<=\.)(?<!eq\.) (?=[A-Z`])")  # between two sentences


@functools.cache
def formulas() -> dict[str, dict[str, dict[str, str]]]:
    """{room: {page: {what: LaTeX}}} of formulas.toml."""
    return tomllib.loads((pathlib.Path(__file__).parent / "formulas.toml").read_text())


@functools.cache
def registered() -> dict[str, Callable]:
    """{full name: function or class} of all that a config may name."""
    import gin

    configurables.load()
    found = {name: gin.get_configurable(name) for name in gin_insides.selectors()}
    ours = (name for name, part in found.items() if module_of(part).startswith("compare_gan_tf."))
    return {name: found[name] for name in sorted(ours)}


def plain(part: Callable) -> Callable:
    """A function as it is written, without the wrappers of gin and of the checks."""
    return inspect.unwrap(part)


def module_of(part: Callable) -> str:
    """The module in which a function or class is written."""
    return getattr(plain(part), "__module__", "") or ""


def registered_in(module: str) -> dict[str, Callable]:
    """{full name: part} of those that a module registers, in the order of its source."""
    parts = {name: part for name, part in registered().items() if module_of(part) == module}
    return dict(sorted(parts.items(), key=lambda item: line_of(item[1])))


def line_of(part: Callable) -> int:
    """The line where a part begins in its source."""
    return inspect.getsourcelines(plain(part))[1]


def as_gin(value) -> str | None:
    """A value as a config has it; None if none can write it."""
    if callable(value):
        selector = gin_insides.selector_of(value) or _selector_of(plain(value))
        return f"@{gin_insides.short_name(selector)}" if selector else None
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, tuple) and type(value) is tuple:
        items = [as_gin(one) for one in value]
        comma = "," if len(items) == 1 else ""
        return None if None in items else f"({', '.join(items)}{comma})"
    return None


def _selector_of(function: Callable) -> str | None:
    """The name under which what wraps a function is registered."""
    found = (name for name, part in registered().items() if plain(part) is function)
    return next(found, None)


def parameters(part: Callable) -> dict[str, str | None]:
    """{parameter: its default as a config has it, or None if it has none that one can write}."""
    made_by = plain(part).__init__ if inspect.isclass(part) else part
    found = inspect.signature(plain(made_by)).parameters.values()
    named = [one for one in found if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return {
        one.name: None if one.default is _REQUIRED else as_gin(one.default)
        for one in named
        if one.name != "self"
    }


def bindings(selector: str) -> list[str]:
    """The lines of a config that bind each parameter of a part to its default."""
    short = gin_insides.short_name(selector)
    defaults = parameters(registered()[selector])
    return [f"{short}.{name} = {value}" for name, value in defaults.items() if value is not None]


@functools.cache
def _named_by_configs() -> dict[str, set[str]]:
    """{packaged config: what its values name, without modules}."""
    found = {}
    for config in gin_files.packaged_configs():
        values = statements(gin_files.expanded(config)).values()
        names = (one.selector for value in values for one in references(value))
        found[config] = {name.rpartition(".")[2] for name in names}
    return found


def configs_with(names: set[str]) -> list[str]:
    """The packaged configs that name one of these parts; small ones first, without
    the pieces that others include.
    """
    found = [config for config, named in _named_by_configs().items() if named & names]
    own = [config for config in found if not config.startswith("base/")]
    return sorted(own, key=lambda name: (not name.startswith("small/"), name))


def first_line(part) -> str:
    """The first sentence of a docstring, in one line."""
    text = " ".join(inspect.getdoc(part).split("\n\n")[0].split())
    return _SENTENCE.split(text)[0]


def public(package: str) -> list[str]:
    """Full names of the public functions and classes of a package.

    First come those that the package exports, then those that its modules register with gin; both
    in the order of their modules.
    """
    room = importlib.import_module(package)
    names = getattr(room, "__all__", None) or [name for name in dir(room) if name[0] != "_"]
    exported = [getattr(room, name) for name in names]
    exported = [part for part in exported if inspect.isclass(part) or inspect.isfunction(part)]
    more = [p for p in registered().values() if module_of(p).startswith(f"{package}.")]
    found = {}
    for later, part in [*((False, p) for p in exported), *((True, p) for p in more)]:
        part = plain(part)
        name = f"{part.__module__}.{part.__qualname__}"
        if part.__module__.startswith("compare_gan_tf") and part.__doc__:
            found.setdefault(name, (later, part.__module__, line_of(part)))
    return sorted(found, key=found.get)
