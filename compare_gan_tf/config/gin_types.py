"""Refuses bindings whose values are of another kind than their parameters.

A parameter's kind is its annotation, or else the kind of its default: without this check a string
where a number belongs is found hours later, in the middle of some formula.
"""

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import gin

from compare_gan_tf.config import gin_insides, gin_sizes
from compare_gan_tf.config.gin_statements import Key
from compare_gan_tf.errors import UserError

_WORDS = {
    int: "an integer",
    float: "a number",
    bool: "True or False",
    str: "a text in quotes",
    list: "a list such as [1, 2]",
    tuple: "a list such as [1, 2]",
    collections.abc.Callable: "a reference such as @name",
    types.NoneType: "None",
}


def check(bound: dict[Key, Any]) -> None:
    """Checks every binding in gin's state.

    Args:
      bound: all of them as data.

    Raises:
      UserError: names the binding, its value, and what it must be.
    """
    gin_sizes.check(bound)
    for name, selector, parameter, value in _bindings():
        kinds = _kinds(gin.get_configurable(selector), parameter)
        if kinds and not any(_is(value, kind) for kind in kinds):
            wanted = " or ".join(dict.fromkeys(_WORDS[k] for k in kinds if k is not types.NoneType))
            raise UserError(f"{name} = {value!r}: it must be {wanted}{_cure(value)}")


def _bindings() -> Iterator[tuple]:
    """(name, selector, parameter, value) of all but references that gin calls or looks up."""
    for scope, selector, parameter, value in gin_insides.bindings():
        called = isinstance(value, gin.config.ConfigurableReference) and value.evaluate
        if selector != "gin.macro" and not called:  # what a call returns is not known yet
            short = gin_insides.short_name(selector)
            yield f"{scope}/{short}.{parameter}".strip("/"), selector, parameter, value


def _cure(value) -> str:
    """What to write where a function is bound in the place of what it makes."""
    if not isinstance(value, gin.config.ConfigurableReference):
        return ""
    return f"; bind {value!r}(), with parentheses, for what it makes"


def _kinds(function, parameter: str) -> list:
    """What a parameter may be, out of `_WORDS`; empty if it is not known."""
    called = function.__init__ if inspect.isclass(function) else function
    called = inspect.unwrap(called)
    declared = inspect.signature(called).parameters.get(parameter)
    if declared is None:
        return []
    hint, default = typing.get_type_hints(called).get(parameter), declared.default
    if hint is not None:
        is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
        union = typing.get_args(hint) if is_union else [hint]
        tells = hasattr(declared.annotation, "__metadata__")  # itself what is no function
        tells = tells and collections.abc.Callable in [typing.get_origin(k) or k for k in union]
        return _known([*union, types.NoneType] if default is None or tells else union)
    if default is None or default is inspect.Parameter.empty:
        return []
    if inspect.isfunction(default):  # in whose place None may mean to do nothing
        return [collections.abc.Callable, types.NoneType]
    return _known([type(default)])


def _known(kinds) -> list:
    """The kinds, or none at all if one of them is not checked here."""
    kinds = [typing.get_origin(kind) or kind for kind in kinds]
    return kinds if all(kind in _WORDS for kind in kinds) else []


def _is(value, kind) -> bool:
    if isinstance(value, gin.config.ConfigurableReference):
        return kind is collections.abc.Callable
    if isinstance(value, bool) and kind is not bool:
        return False
    if kind is float:
        return isinstance(value, int | float)
    if kind in (list, tuple):
        return isinstance(value, list | tuple)
    return kind is not collections.abc.Callable and isinstance(value, kind)
