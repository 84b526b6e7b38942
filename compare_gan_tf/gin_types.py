"""Refuses bindings whose values are of another kind than their parameters.

A parameter's kind is its annotation, or else the kind of its default: without this check a string
where a number belongs is found hours later, in the middle of some formula.
"""

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterator

import gin

from compare_gan_tf.errors import UserError

_WORDS = {int: "an integer", float: "a number", bool: "True or False", str: "a text in quotes"}


def check() -> None:
    """Checks every binding in gin's state.

    Raises:
      UserError: names the binding, its value, and what it must be.
    """
    for name, selector, parameter, value in _literals():
        kinds = _kinds(gin.get_configurable(selector), parameter)
        if kinds and not any(_is(value, kind) for kind in kinds):
            wanted = " or ".join(_WORDS.get(kind, "a reference such as @name") for kind in kinds)
            raise UserError(f"{name} = {value!r}: it must be {wanted}")


def _literals() -> Iterator[tuple]:
    """(name, selector, parameter, value) of bindings to numbers, texts and the like."""
    for (scope, selector), parameters in gin.config._CONFIG.items():
        if selector == "gin.macro":
            continue
        for parameter, value in parameters.items():
            if value is not None and isinstance(value, int | float | bool | str):
                short = gin.config._REGISTRY.minimal_selector(selector)
                yield f"{scope}/{short}.{parameter}".strip("/"), selector, parameter, value


def _kinds(function, parameter: str) -> list:
    """What a parameter may be, out of `_WORDS` and Callable; empty if it is not known."""
    called = function.__init__ if inspect.isclass(function) else function
    called = inspect.unwrap(called)
    declared = inspect.signature(called).parameters.get(parameter)
    if declared is None:
        return []
    hint = typing.get_type_hints(called).get(parameter)
    if hint is None:
        default = declared.default
        if default is None or default is inspect.Parameter.empty:
            return []
        is_function = inspect.isfunction(default)
        return _known([collections.abc.Callable if is_function else type(default)])
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else [hint]
    return _known([kind for kind in members if kind is not type(None)])


def _known(kinds) -> list:
    """The kinds, or none at all if one of them is not checked here."""
    kinds = [typing.get_origin(kind) or kind for kind in kinds]
    checked = {*_WORDS, collections.abc.Callable}
    return kinds if all(kind in checked for kind in kinds) else []


def _is(value, kind) -> bool:
    if isinstance(value, bool) and kind is not bool:
        return False
    if kind is float:
        return isinstance(value, int | float)
    return kind is not collections.abc.Callable and isinstance(value, kind)
