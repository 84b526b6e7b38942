"""Settings declare their valid values by `Annotated` types, which are checked at every call.

    @checked
    def __init__(self, *, weight: Factor = 1.0, every: Count = 1): ...

All arguments, given or default, are checked before the body runs, so that the body has only the
algorithm. None is valid if it is the default, or if the type has `| None`. A rule is an object with
a method `check(name, value)`; a type may have several. Dataclasses use
`__post_init__ = check_fields`.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds


class Number:
    """A finite number in a range, or a schedule over the training step.

    Args:
      **span: least, above, most, below, whole, schedule and unit of `kinds.require_number`.
    """

    def __init__(self, **span):
        self.span = span

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        kinds.require_number(name, value, **self.span)


class Function:
    """A function that takes certain arguments; see `kinds.require_function`.

    Args:
      *arguments: positional arguments of the future call; only their number matters.
      like: what it must be, with an example: "a function of a layer, such as @spectral_norm".
      classes: whether a class is accepted, such as a layer class for a function that makes a layer.
      **keywords: keyword arguments of the future call; only their names matter.
    """

    def __init__(self, *arguments, like: str, classes: bool = False, **keywords):
        self.call, self.like = (arguments, keywords), {"like": like, "classes": classes}

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        arguments, keywords = self.call
        kinds.require_function(name, value, *arguments, **self.like, **keywords)


class Made:
    """An object of a certain kind, not the function or class that makes it.

    Args:
      fits: its class, or a function (value) -> whether it is of the kind.
      like: what to write: "an optimiser such as @adam()".
    """

    def __init__(self, fits, *, like: str):
        self.fits = (lambda value: isinstance(value, fits)) if isinstance(fits, type) else fits
        self.like = like

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        kinds.require_made(name, value, self.fits, like=self.like)


class OneOf:
    """One of a few values."""

    def __init__(self, *values):
        self.values = values

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        kinds.require_one_of(name, value, self.values)


class Several:
    """A list or tuple of values of one kind.

    Args:
      rule: rule for each value, such as `Number(above=0)`.
      number: exact length; None for any length from `least` on.
      least: minimum length.
      like: an example: "[@APA(), @DiffAugment()]".
      instead: what to do instead of giving too few: "leave the objective out".
    """

    def __init__(
        self,
        rule,
        *,
        number: int | None = None,
        least: int = 1,
        like: str = "[1, 2]",
        instead: str = "",
    ):
        self.rule, self.number, self.least = rule, number, least
        self.like, self.instead = like, f"; {instead}" if instead else ""

    def check(self, name: str, value: Any) -> None:
        """Raises a `UserError` unless `value` fits; `name` is the name of the setting."""
        if not isinstance(value, list | tuple):
            given = kinds.shown(value)
            raise UserError(f"{name} is {given}: it must be a list such as {self.like}")
        if len(value) < self.least or (self.number and len(value) != self.number):
            wanted = f"a list of {self.number or f'{self.least} or more'}{self.instead}"
            raise UserError(f"{name} is {kinds.shown(value)}: it must be {wanted}")
        for one in value:
            self.rule.check(f"{name}: one", one)


class Rule:
    """A rule given by a function (name, value), which raises a `UserError` for an invalid value."""

    def __init__(self, check: Callable[[str, Any], None]):
        self.check = check


_GIVEN, _MAKER = "_given", "_maker"  # attributes of what `checked` constructors and makers make

Count = Annotated[int, Number(least=1, whole=True)]
Counts = Annotated[tuple[int, ...], Several(Number(least=1, whole=True))]
Index = Annotated[int, Number(least=0, whole=True)]
Step = Annotated[int, Number(least=0, whole=True, unit="training steps")]
Positive = Annotated[float, Number(above=0)]
NotNegative = Annotated[float, Number(least=0)]
Fraction = Annotated[float, Number(least=0, most=1)]
Decay = Annotated[float, Number(least=0, below=1)]
Factor = Annotated[Any, Number(least=0, schedule=True)]  # a number, or a Keras schedule


def checked(function: Callable | None = None, *, name: str | None = None) -> Callable:
    """Decorator that checks the arguments of a function or constructor by their `Annotated` types.

    Args:
      function: the function.
      name: its name in messages; None for its own name, or the class name of a constructor.

    Returns:
      A function with the same signature.
    """
    if function is None:
        return functools.partial(checked, name=name)
    signature = inspect.signature(function)
    is_constructor = function.__name__ == "__init__"
    defaults = {key: parameter.default for key, parameter in signature.parameters.items()}
    rules: dict[str, tuple] = {}

    @functools.wraps(function)
    def with_checks(*arguments, **keywords):
        if not rules:
            rules.update(_rules(function, defaults))
        try:
            given = signature.bind_partial(*arguments, **keywords)
        except TypeError:
            return function(*arguments, **keywords)  # raises Python's usual TypeError
        given.apply_defaults()
        owner = name or (type(arguments[0]).__name__ if is_constructor else function.__name__)
        _check(owner, given.arguments, rules)
        if is_constructor and type(arguments[0]).__init__ is with_checks:
            made = {key: value for key, value in given.arguments.items() if key != "self"}
            object.__setattr__(arguments[0], _GIVEN, made)  # not what Keras' layers would track
        return function(*arguments, **keywords)

    with_checks.__signature__ = signature  # the signature that gin reads
    return with_checks


def maker(function: Callable) -> Callable:
    """Decorator of a function that makes an object, so that `given` tells how it was made."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def noted(*arguments, **keywords):
        made = function(*arguments, **keywords)
        given = signature.bind(*arguments, **keywords).arguments
        object.__setattr__(made, _GIVEN, given)
        object.__setattr__(made, _MAKER, noted)
        return made

    noted.__signature__ = signature
    return noted


def given(instance) -> tuple[Callable, dict[str, Any]] | None:
    """(class or function that made an instance, {parameter: value}).

    Returns None where that is not known: the class is not `checked`, and no `maker` made it.
    """
    made_with = getattr(instance, _GIVEN, None)
    return None if made_with is None else (getattr(instance, _MAKER, type(instance)), made_with)


def check_fields(instance, name: str | None = None) -> None:
    """Checks the fields of a dataclass instance by their `Annotated` types.

    Args:
      instance: the instance.
      name: its name in messages; None for its class name.
    """
    fields = dataclasses.fields(instance)
    rules = _rules(type(instance), {field.name: field.default for field in fields})
    given = {field.name: getattr(instance, field.name) for field in fields}
    _check(name or type(instance).__name__, given, rules)


def _check(owner: str, given: dict, rules: dict[str, tuple]) -> None:
    for name, value in given.items():
        may_be_none, required = rules.get(name, (True, ()))
        if value is None and may_be_none:
            continue
        for rule in required:
            rule.check(f"{owner}.{name}", value)


def _rules(annotated, defaults: dict) -> dict[str, tuple]:
    """{name of a parameter: (whether it may be None, its rules)}."""
    return {
        name: (
            defaults.get(name, "") is None or type(None) in typing.get_args(hint),
            [rule for rule in _metadata(hint) if hasattr(rule, "check")],
        )
        for name, hint in typing.get_type_hints(annotated, include_extras=True).items()
    }


def _metadata(hint) -> tuple:
    """The metadata of an `Annotated` type, or of the one inside an Optional."""
    inner = [one for one in typing.get_args(hint) if one is not type(None)]
    if not hasattr(hint, "__metadata__") and type(None) in typing.get_args(hint):
        hint = inner[0]
    return getattr(hint, "__metadata__", ())
