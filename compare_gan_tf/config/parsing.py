"""Parses gin files, and finds out what a run used of them; the details are in `gin_*`."""

import copy
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import gin

from compare_gan_tf.config import gin_errors, gin_files, gin_imports, gin_insides, gin_types
from compare_gan_tf.config.gin_files import find_config
from compare_gan_tf.config.gin_statements import Key, Reference, references, statements
from compare_gan_tf.errors import UserError

# A training binds nothing of these; its config carries their bindings to the stages after it.
LATER_STAGES = (
    "compare_gan_tf.evaluation",
    "compare_gan_tf.export",
    "compare_gan_tf.metrics",
    "compare_gan_tf.report",
)

_ONE_LINE = 1_000_000  # A width at which gin wraps no value.


# --- Parsing ----------------------------------------------------------------------------------


def parse(files: Sequence[str], bindings: Sequence[str] = ()) -> None:
    """Clears gin's state and parses `files`, then `bindings`, which win over them.

    Modules whose names the files use must have been imported: see `configurables`. Files may import
    further ones that the user allows: see `gin_imports`.

    Raises:
      UserError: a file is missing, gin rejects something, an import is not allowed, or a value is
        of the wrong kind; one line that names it.
    """
    paths = [find_config(name) for name in files]
    gin.clear_config()
    with gin_errors.explained(), gin_files.read_by_gin():
        gin_files.check_imports("\n".join(bindings))
        gin.parse_config_files_and_bindings(paths, list(bindings))
    gin_types.check(_bound())


def import_modules(files: Sequence[str]) -> None:
    """Imports the modules that `files`, and the files they include, import; binds nothing.

    Raises:
      UserError: a file is missing, or an import is not allowed.
    """
    paths = [find_config(name) for name in files]
    try:
        with gin_errors.explained(), gin_files.read_by_gin():
            gin.parse_config_files_and_bindings(paths, [], skip_unknown=True)
    finally:
        gin.clear_config()


# --- By name ----------------------------------------------------------------------------------


def configurable(part):
    """The configurable of a function, a class or a name, to which gin passes what is bound on it.

    Returns `part` itself where gin does not know it.
    """
    try:
        return gin.get_configurable(part)
    except (KeyError, ValueError):
        return part


def bound(configurable: str, parameter: str, default=None):
    """The value that the config binds to one parameter. No other bound object is constructed."""
    values = gin.get_bindings(configurable, resolve_references=False)
    return copy.deepcopy(values[parameter]) if parameter in values else default  # which makes it


def is_registered(name: str) -> bool:
    """Whether gin knows what has that name."""
    return configurable(name) is not name


# --- What a run used --------------------------------------------------------------------------


def _bound() -> dict[Key, Any]:
    return statements(gin.config_str(max_line_length=_ONE_LINE))


def _operative() -> dict[Key, Any]:
    return statements(gin.operative_config_str(max_line_length=_ONE_LINE))


def _configurable(selector: str) -> Callable:
    """The function or class that `selector`, however abbreviated, names."""
    return gin.get_configurable(selector)


def _reached(bound: dict[Key, Any], start: dict[Key, Any]) -> set[Key]:
    """The bindings that the statements `start` have consumed, or hand on to be consumed later.

    A loss bound as `@least_squares` is first called in the first training step; its own bindings
    count as reached once that reference is consumed, and so on down. So do those of a function that
    is the default of a parameter left alone.
    """
    consumed = {(key.scope, _configurable(key.selector), key.parameter) for key in start}
    calls, reached, waiting = set(consumed), set(), list(start.items())
    waiting += _defaults(bound, {(scope, called) for scope, called, _ in consumed})
    while waiting:
        holder, value = waiting.pop()
        for reference in references(value):
            scope, function = reference.scope or holder.scope, _configurable(reference.selector)
            if (scope, function, None) in calls:
                continue
            if not any(_within(at, scope) and called is function for at, called, _ in consumed):
                calls.add((scope, function, None))
                waiting += _defaults(bound, {(scope, function)})
        new = {key for key in bound.keys() - reached if any(_applies(key, *at) for at in calls)}
        reached |= new
        waiting += [(key, bound[key]) for key in new]
    return reached


def _defaults(bound: dict[Key, Any], calls: set) -> list[tuple[Key, Any]]:
    """The functions under gin that are defaults of unbound parameters, as if they were bound.

    They are called in no scope.
    """
    found = []
    for scope, called in calls:
        signature = inspect.signature(called.__init__ if inspect.isclass(called) else called)
        for name, parameter in signature.parameters.items():
            if not any(_applies(key, scope, called, name) for key in bound):
                found.append((Key("", "", name), _as_references(parameter.default)))
    return found


def _as_references(default) -> list[Reference]:
    """Of a default, or of the functions in a list of them."""
    functions = default if isinstance(default, list | tuple) else [default]
    registered = [gin_insides.selector_of(f) for f in functions if inspect.isfunction(f)]
    return [Reference("", selector, False) for selector in registered if selector is not None]


def _within(scope: str, outer: str) -> bool:
    """Whether `scope` is `outer` or lies in it: "a/b" lies in "a", and all lie in ""."""
    return not outer or f"{scope}/".startswith(f"{outer}/")


def _applies(key: Key, scope: str, configurable: Callable, parameter: str | None) -> bool:
    """Whether the binding `key` counts in a call of `configurable` in `scope`."""
    if parameter not in (None, key.parameter) or not _within(scope, key.scope):
        return False
    return _configurable(key.selector) is configurable


def _is_later(key: Key, later: Sequence[str]) -> bool:
    module = _configurable(key.selector).__module__
    return any(module == name or module.startswith(name + ".") for name in later)


def unused_bindings(
    later: Sequence[str] = LATER_STAGES, among: Sequence[str] | None = None
) -> list[str]:
    """Returns the bindings that nothing has consumed, as "scope/selector.parameter".

    Args:
      later: modules whose bindings are for a later stage and are left out, with the macros that
        only they use.
      among: statements of gin; only what they bind counts. None for all that is bound.
    """
    bound = _bound()
    unused = bound.keys() - _reached(bound, _operative()) - _for_later(bound, later)
    if among is not None:
        asked = {_canonical(key) for key in statements("\n".join(among))}
        unused = {key for key in unused if _canonical(key) in asked}
    return sorted(map(str, unused))


def _for_later(bound: dict[Key, Any], later: Sequence[str]) -> set[Key]:
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
    imports, text = _imports(), gin.config_str(max_line_length=_ONE_LINE)
    kept = gin_imports.kept(imports, gin_files.named_models(text))
    lines, section = [gin_files.HEADER, *kept], None
    lines += ["", *(f"import {module}" for module in imports)] if imports else []
    for key in sorted(used, key=lambda key: (key.selector != "gin.macro", str(key).lower())):
        name = str(key)
        if section != (section := name.rpartition(".")[0]):
            lines.append("")
        lines.append(f"{name} = {used[key]!r}")
    return "\n".join(lines) + "\n"


def _imports() -> list[str]:
    """Modules of others that the config imports."""
    modules = gin_insides.imported_modules()
    return sorted(name for name in modules if name.partition(".")[0] != gin_imports.PACKAGE)


def check_used(later: Sequence[str] = LATER_STAGES, *, among: Sequence[str] | None = None) -> None:
    """Refuses bindings that nothing has consumed, nor a stage of `later` will consume.

    Args:
      later, among: see `unused_bindings`.

    Raises:
      UserError: names them.
    """
    unused = unused_bindings(later, among)
    if unused:
        raise UserError(
            f"bound in the config but used by nothing: {', '.join(unused)};"
            " remove it, or refer to what it configures"
        )


def _canonical(key: Key) -> tuple:
    """The same for any abbreviation of a selector."""
    return key.scope, _configurable(key.selector), key.parameter


def _is_default(key: Key, value) -> bool:
    """Whether a value is the default of what it is bound to."""
    try:
        called = _configurable(key.selector)
    except ValueError:
        return False
    signature = inspect.signature(called.__init__ if inspect.isclass(called) else called)
    if key.parameter not in signature.parameters:
        return False
    default = signature.parameters[key.parameter].default
    written = _as_references(default) or [default]
    return repr(written[0] if inspect.isfunction(default) else default) == repr(value)


def differing_lines(old: str, new: str, free: Sequence[str] = ()) -> list[str]:
    """Returns the bindings in which two configs differ, as "- name = value" and "+ name = value".

    Args:
      old: text of the config that is there, as `operative_text` wrote it.
      new: text of the config that is wanted.
      free: regular expressions; what one of them matches, by its name in the text or by its full
        one, such as "metrics.Fid.interval", may differ, and so may what is bound on functions and
        classes to which those names alone refer.

    Raises:
      UserError: one of the texts is not gin.
    """
    with gin_errors.explained():
        old_values, new_values = statements(old), statements(new)
    lines, every = [], {*old_values, *new_values}
    for key in sorted(every - _free_keys([old_values, new_values], free), key=str):
        if key not in old_values and _is_default(key, new_values[key]):
            continue  # of a parameter that is newer than the run
        for sign, values, other in (
            ("-", old_values, new_values),
            ("+", new_values, old_values),
        ):
            if key in values and (key not in other or repr(other[key]) != repr(values[key])):
                lines.append(f"{sign} {key} = {values[key]!r}")
    return lines


def _free_keys(configs: list[dict[Key, Any]], free: Sequence[str]) -> set[Key]:
    """Those that a pattern matches, and those of what only the matched ones refer to."""
    keys = {key for values in configs for key in values}
    full = {key: key._replace(selector=gin_insides.full_name(key.selector)) for key in keys}
    rule = re.compile("|".join(free))
    matched = {key for key in keys if rule.fullmatch(str(key)) or rule.fullmatch(str(full[key]))}
    by_free, by_others = set(), set()
    for values in configs:
        for key, value in values.items():
            (by_free if key in matched else by_others).update(references(value))
    referred = {key for key in keys if any(_is_of(key, one) for one in by_free)}
    return matched | {key for key in referred if not any(_is_of(key, one) for one in by_others)}


def _is_of(key: Key, reference: Reference) -> bool:
    """Whether a key binds what a reference names; either may abbreviate the selector."""
    if "gin.macro" in (key.selector, reference.selector):
        return key[:2] == reference[:2]
    first, second = f".{key.selector}", f".{reference.selector}"
    return first.endswith(second) or second.endswith(first)
