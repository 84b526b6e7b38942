"""Settings declared where they are: `Annotated` types, checked when gin or a user calls.

    @checked
    def __init__(self, *, weight: Factor = 1.0, every: Count = 1): ...

What is given, or is the default, is checked before the body runs, so that a body is the algorithm
alone. None passes where the type says so, or it is the default.

A rule is what refuses a value: it has `check(name, value)`. A type may have several.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds


class Number:
    """A finite number in a range.

    Args:
      least, above: its lower bound, which it may reach, or may not.
      most, below: its upper bound, which it may reach, or may not.
      whole: whether it counts something.
      unit: what it counts, for messages.
      schedule: whether a schedule over the training step will do.
    """

    def __init__(self, *, schedule: bool = False, **span):
        self.schedule, self.span = schedule, span

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        require = kinds.require_number_or_schedule if self.schedule else kinds.require_number
        require(name, value, **self.span)


class Function:
    """A function of so many arguments.

    Args:
      *arguments: with which it will be called; only their number counts.
      like: what it must be, and an example: "a function of a layer, such as @spectral_norm".
      classes: whether a class will do, as one of layers for a function that makes a layer.
      **keywords: with which it will be called; only their names count.
    """

    def __init__(self, *arguments, like: str, classes: bool = False, **keywords):
        self.call, self.like = (arguments, keywords), {"like": like, "classes": classes}

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        arguments, keywords = self.call
        kinds.require_function(name, value, *arguments, **self.like, **keywords)


class Tried:
    """A function that gives, on trial, what it must; it is called once, where it is handed over.

    In a graph that is being traced it is not: there it is about to be called in earnest.

    Args:
      *arguments: of the trial, such as `ones(2)`; arrays in them become tensors.
      like: what it must be, and an example.
      gives: the shape of what it gives, or a tuple of several; None for anything.
    """

    def __init__(self, *arguments, like: str, gives: tuple | None = None):
        self.arguments, self.like, self.gives = arguments, like, gives

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        if not tf.executing_eagerly():
            kinds.require_function(name, value, *self.arguments, like=self.like)
            return
        arguments = tf.nest.map_structure(_as_tensor, self.arguments)
        result = kinds.tried(name, value, *arguments, like=self.like)
        if self.gives is not None:
            kinds.require_shape(name, value, result, self.gives, like=self.like)


def ones(*shape: int) -> np.ndarray:
    """Float32 ones, for a trial."""
    return np.ones(shape, np.float32)


def _as_tensor(value):
    return tf.constant(value) if isinstance(value, np.ndarray) else value


class Made:
    """An object, as a function or class makes it.

    Args:
      fits: its class, or a function that tells whether a value is of the kind.
      like: what to give: "an optimiser such as @adam()".
    """

    def __init__(self, fits, *, like: str):
        self.fits = (lambda value: isinstance(value, fits)) if isinstance(fits, type) else fits
        self.like = like

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        kinds.require_made(name, value, self.fits, like=self.like)


class OneOf:
    """One of a few values."""

    def __init__(self, *values):
        self.values = values

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        kinds.require_one_of(name, value, self.values)


class ListOf:
    """A list or tuple whose items all keep a rule.

    Args:
      rule: of an item.
      like: an example of the list: "[@APA(), @DiffAugment()]".
      empty: what to do instead of giving an empty one; None where it may be empty.
    """

    def __init__(self, rule, *, like: str, empty: str | None = None):
        self.rule, self.like, self.empty = rule, like, empty

    def check(self, name: str, value: Any) -> None:
        """Refuses another value; `name` is that of the setting."""
        if not isinstance(value, list | tuple):
            raise UserError(
                f"{name} is {kinds.shown(value)}: it must be a list such as {self.like}"
            )
        if not value and self.empty is not None:
            raise UserError(f"{name} is empty: {self.empty}")
        for item in value:
            self.rule.check(f"{name}: one", item)


class Rule:
    """What a function of (name, value) does not refuse by a `UserError`."""

    def __init__(self, check: Callable[[str, Any], None]):
        self.check = check


Count = Annotated[int, Number(least=1, whole=True)]
Index = Annotated[int, Number(least=0, whole=True)]
Step = Annotated[int, Number(least=0, whole=True, unit="training steps")]
Positive = Annotated[float, Number(above=0)]
NotNegative = Annotated[float, Number(least=0)]
Fraction = Annotated[float, Number(least=0, most=1)]
Decay = Annotated[float, Number(least=0, below=1)]
Schedule = keras.optimizers.schedules.LearningRateSchedule
Factor = Annotated[float | Schedule, Number(least=0, schedule=True)]


def checked(function: Callable | None = None, *, name: str | None = None) -> Callable:
    """Checks what a function or constructor is given against the `Annotated` types it declares.

    Args:
      function: with such parameters.
      name: of the function in messages; None for its own, or that of the class that is made.

    Returns:
      The function, of the same signature.
    """
    if function is None:
        return functools.partial(checked, name=name)
    signature = inspect.signature(function)
    is_constructor = function.__name__ == "__init__"

    @functools.cache  # at the first call, when all names in annotations are known
    def declared() -> dict[str, tuple]:
        hints = typing.get_type_hints(function, include_extras=True)
        return {parameter: _rules(hint) for parameter, hint in hints.items()}

    @functools.wraps(function)
    def with_checks(*arguments, **keywords):
        try:
            given = signature.bind_partial(*arguments, **keywords)
        except TypeError:
            return function(*arguments, **keywords)  # which says what it does not take
        given.apply_defaults()
        owner = name or (type(arguments[0]).__name__ if is_constructor else function.__name__)
        for parameter, value in given.arguments.items():
            rules, may_be_none = declared().get(parameter, ((), True))
            if value is None and (may_be_none or signature.parameters[parameter].default is None):
                continue
            for rule in rules:
                rule.check(f"{owner}.{parameter}", value)
        return function(*arguments, **keywords)

    with_checks.__signature__ = signature  # gin looks at this one alone
    return with_checks


def _rules(hint) -> tuple[list, bool]:
    """(the rules of a type, whether it may be None)."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    members = typing.get_args(hint) if union else (hint,)
    metadata = [one for member in members for one in getattr(member, "__metadata__", ())]
    return [one for one in metadata if hasattr(one, "check")], types.NoneType in members
