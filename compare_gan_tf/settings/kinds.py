"""Whether a setting's value is of the kind that it must be: a number in a range, or a function.

What is of no use is refused where it is given, in one line with the setting's name, its value as a
config writes it, and what to write instead.
"""

import inspect
import math
import numbers
import operator
import sys
from collections.abc import Callable
from typing import Any

from compare_gan_tf.errors import UserError, first_line

_MOST_SHOWN = 60  # characters of a value in a message
_NEVER_CALLED = ("layers.Layer", "optimizers.Optimizer", "initializers.Initializer")


def _is_of_keras(value: Any, *classes: str) -> bool:
    """Whether it is of Keras' classes; Keras is imported by then, or there is no such value."""
    if "keras" not in sys.modules:
        return False
    of = operator.attrgetter(*classes)(sys.modules["keras"])
    return isinstance(value, of)


def shown(value: Any) -> str:
    """A value as a config writes it: @f of a function or class; what else has a long text, short.

    Args:
      value: anything.
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
    """Refuses what is not a finite number in a range.

    Args:
      name: of the setting.
      value: of it.
      least, above: its lower bound, which it may reach, or may not.
      most, below: its upper bound, which it may reach, or may not.
      whole: whether it counts something.
      schedule: whether a schedule over the training step will do, whatever its values.
      unit: what it counts, for the message.

    Raises:
      UserError: it is something else, such as gin's @linear_decay where @linear_decay() is meant.
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
    """The words for an interval, such as " in [0, 1)" or ", 0 or more"."""
    lower, upper = max(least, above), min(most, below)
    if math.isfinite(lower) and math.isfinite(upper):
        opening, closing = "(" if above == lower else "[", ")" if below == upper else "]"
        return f" in {opening}{lower}, {upper}{closing}"
    if math.isfinite(lower):
        return f" above {lower}" if above == lower else f", {lower} or more"
    return f", at most {upper}" if math.isfinite(upper) else ""


def _cure(value) -> str:
    """What to write where a function was given in the place of what it makes."""
    if isinstance(value, type) or inspect.isroutine(value):
        return f"; give {shown(value)}(), with parentheses, for what it makes"
    return ""


def require_function(
    name: str, value: Any, /, *arguments, like: str, classes: bool = False, **keywords
) -> None:
    """Refuses what cannot be called with such arguments.

    Values that gin would supply are not asked for.

    Args:
      name: of the setting.
      value: of it.
      *arguments: with which it will be called; only their number counts.
      like: what it must be, and an example: "a function of a layer, such as @spectral_norm".
      classes: whether a class will do, as one of layers for a function that makes a layer.
      **keywords: with which it will be called; only their names count.

    Raises:
      UserError: it is no function, or one of other arguments.
    """
    is_other = not callable(value) or (isinstance(value, type) and not classes)
    if is_other or _is_of_keras(value, *_NEVER_CALLED):
        raise UserError(f"{name} is {shown(value)}: it must be {like}, without parentheses")
    try:
        inspect.signature(value).bind_partial(*arguments, **keywords)
    except TypeError as error:
        raise UserError(f"{name} is {shown(value)}: it must be {like} ({error})") from None
    except ValueError:  # one of C's, which does not tell
        return


def tried(
    name: str, function: Any, /, *arguments, like: str, classes: bool = False, **keywords
) -> Any:
    """What a function gives for arguments on trial; parameters as of `require_function`.

    Raises:
      UserError: it is no function, or cannot be called with them.
    """
    require_function(name, function, *arguments, like=like, classes=classes, **keywords)
    try:
        return function(*arguments, **keywords)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{name} is {shown(function)}: it must be {like} ({first_line(error)})"
        ) from error


def require_shape(name: str, function: Callable, result: Any, shape: tuple, *, like: str) -> None:
    """Refuses a function whose result on trial is not a tensor of a shape, or several of theirs.

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
    """Of a tensor or number, of each in a tuple; None if it has none."""
    if isinstance(value, tuple) and not hasattr(value, "shape"):
        return tuple(map(_shape, value))
    if isinstance(value, numbers.Real):
        return ()
    return tuple(value.shape) if getattr(value, "shape", None) is not None else None


def require_one_of(name: str, value: Any, values: tuple) -> None:
    """Refuses what is none of a few values.

    Raises:
      UserError: names them all.
    """
    if not any(value is one or (type(value) is type(one) and value == one) for one in values):
        among = ", ".join(map(shown, values))
        raise UserError(f"{name} is {shown(value)}: it must be one of {among}")


def require_made(name: str, value: Any, fits: Callable[[Any], bool], *, like: str) -> None:
    """Refuses what is not an object of a kind, as a function or class makes it.

    Args:
      name: of the setting.
      value: of it.
      fits: whether an object is of the kind.
      like: what to give: "an optimiser such as @adam()".

    Raises:
      UserError: it is something else, or the function or class itself.
    """
    if isinstance(value, type) or not fits(value):
        raise UserError(f"{name} is {shown(value)}: it must be {like}{_cure(value)}")
