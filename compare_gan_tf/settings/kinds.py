"""Checks that a setting's value is of the right kind, such as a number in a range or a function.

An invalid value gives a one-line error with the setting's name, the value as a config writes it,
and what to write instead.
"""

import contextlib
import functools
import inspect
import math
import numbers
import operator
import sys
from collections.abc import Callable
from typing import Any

from compare_gan_tf.errors import UserError, with_origin

_MOST_SHOWN = 60  # longest text of a value in a message
_NEVER_CALLED = ("layers.Layer", "optimizers.Optimizer", "initializers.Initializer")


def _is_of_keras(value: Any, *classes: str) -> bool:
    """Whether a value is an instance of these Keras classes. Without Keras imported, it is not."""
    if "keras" not in sys.modules:
        return False
    of = operator.attrgetter(*classes)(sys.modules["keras"])
    return isinstance(value, of)


def shown(value: Any) -> str:
    """A value as a config writes it: @f for a function or class f; "a C object" for a long text.

    Args:
      value: any value.
    """
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return f"@{value.__name__}"
    text = repr(value)
    if text.startswith("<") or len(text) > _MOST_SHOWN or "\n" in text:
        return f"a {type(value).__name__} object"
    return text


def require_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    whole: bool = False,
    schedule: bool = False,
    unit: str = "",
) -> None:
    """Checks that a value is a finite number in a range.

    Args:
      name: name of the setting.
      value: its value.
      least, above: inclusive and exclusive lower bound.
      most, below: inclusive and exclusive upper bound.
      whole: whether it must be an integer.
      schedule: whether a Keras schedule over the training step is accepted; its values are not
        checked.
      unit: what the number counts, for the message.

    Raises:
      UserError: it is not, for example gin's @linear_decay instead of @linear_decay().
    """
    if schedule and _is_of_keras(value, "optimizers.schedules.LearningRateSchedule"):
        return
    wanted = numbers.Integral if whole else numbers.Real
    is_number = isinstance(value, wanted) and not isinstance(value, bool)
    is_finite = is_number and -math.inf < value < math.inf  # also of ints beyond floats
    if is_finite and least <= value <= most and above < value < below:
        return
    kind = "a whole number" if whole else "a number or a schedule" if schedule else "a number"
    unit = f" of {unit}" if unit else ""
    span = _range(least, above, most, below)
    raise UserError(f"{name} is {shown(value)}: it must be {kind}{unit}{span}{_cure(value)}")


def _range(least, above, most, below) -> str:
    """A range as text, such as " in [0, 1)" or ", 0 or more"."""
    lower, upper = max(least, above), min(most, below)
    if math.isfinite(lower) and math.isfinite(upper):
        opening, closing = "(" if above == lower else "[", ")" if below == upper else "]"
        return f" in {opening}{lower}, {upper}{closing}"
    if math.isfinite(lower):
        return f" above {lower}" if above == lower else f", {lower} or more"
    return f", at most {upper}" if math.isfinite(upper) else ""


def _cure(value) -> str:
    """The hint to write parentheses, for a function that was given instead of its result."""
    if isinstance(value, type) or inspect.isroutine(value):
        return f"; give {shown(value)}(), with parentheses, for what it makes"
    return ""


def require_function(
    name: str, value: Any, /, *arguments, like: str, classes: bool = False, **keywords
) -> None:
    """Checks that a value is a function that can be called with these arguments.

    Further arguments without a default are accepted: gin may supply them.

    Args:
      name: name of the setting.
      value: its value.
      *arguments: positional arguments of the future call; only their number matters.
      like: what it must be, with an example: "a function of a layer, such as @spectral_norm".
      classes: whether a class is accepted, such as a layer class for a function that makes a layer.
      **keywords: keyword arguments of the future call; only their names matter.

    Raises:
      UserError: it is not a function, or takes other arguments.
    """
    is_other = not callable(value) or (isinstance(value, type) and not classes)
    if is_other or _is_of_keras(value, *_NEVER_CALLED):
        raise UserError(f"{name} is {shown(value)}: it must be {like}, without parentheses")
    try:
        if isinstance(value, functools.partial):  # its own arguments may be wrong
            _bind(value.func, *value.args, **value.keywords)
        _bind(value, *arguments, **keywords)
    except TypeError as error:
        raise UserError(f"{name} is {shown(value)}: it must be {like} ({error})") from None


def _bind(function: Any, *arguments, **keywords):
    """Raises a TypeError if a function cannot take these arguments, as far as is known."""
    with contextlib.suppress(ValueError):  # a function of C, whose signature is unknown
        inspect.signature(function).bind_partial(*arguments, **keywords)


def takes(function: Any, parameter: str) -> bool:
    """Whether a function has a parameter of this name; False if its signature is unknown."""
    with contextlib.suppress(ValueError):
        return parameter in inspect.signature(function).parameters
    return False


def tried(
    name: str, function: Any, /, *arguments, like: str, classes: bool = False, **keywords
) -> Any:
    """Calls a function on trial and returns its result; for the arguments see `require_function`.

    Raises:
      UserError: it is not a function, or the call fails.
    """
    require_function(name, function, *arguments, like=like, classes=classes, **keywords)
    try:
        return function(*arguments, **keywords)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{name} is {shown(function)}: it must be {like} ({with_origin(error)})"
        ) from error


def require_shape(name: str, function: Callable, result: Any, shape: tuple, *, like: str) -> None:
    """Checks that a function's result on trial has the given shape, or tuple of shapes.

    Raises:
      UserError: it has another shape, or none.
    """
    found = _shape(result)
    if found != tuple(shape):
        gives = f"a {type(result).__name__}" if found is None else f"the shape {found}"
        raise UserError(
            f"{name} is {shown(function)}: it must be {like}; it gives {gives} where "
            f"{tuple(shape)} is meant"
        )


def _shape(value: Any) -> tuple | None:
    """Shape of a tensor or number, or tuple of shapes; None if the value has no shape."""
    if isinstance(value, tuple) and not hasattr(value, "shape"):
        return tuple(map(_shape, value))
    if isinstance(value, numbers.Real):
        return ()
    return tuple(value.shape) if getattr(value, "shape", None) is not None else None


def require_one_of(name: str, value: Any, values: tuple) -> None:
    """Checks that a value is one of the given values.

    Raises:
      UserError: it is not; the message lists them.
    """
    if not any(value is one or (type(value) is type(one) and value == one) for one in values):
        among = ", ".join(map(shown, values))
        raise UserError(f"{name} is {shown(value)}: it must be one of {among}")


def require_made(name: str, value: Any, fits: Callable[[Any], bool], *, like: str) -> None:
    """Checks that a value is an object of a certain kind, not the function or class that makes it.

    Args:
      name: name of the setting.
      value: its value.
      fits: function (value) -> whether it is of the kind.
      like: what to write: "an optimiser such as @adam()".

    Raises:
      UserError: it is not.
    """
    if isinstance(value, type) or not fits(value):
        raise UserError(f"{name} is {shown(value)}: it must be {like}{_cure(value)}")
