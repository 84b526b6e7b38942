"""One line for each error of gin: what is wrong, where, and the nearest right name."""

import collections
import contextlib
import difflib
import inspect
import itertools
import re
import tokenize
from collections.abc import Iterable, Iterator

import gin

from compare_gan_tf.config import gin_imports, gin_insides
from compare_gan_tf.errors import MISFITS, UserError, first_line

_MOST_NESTED = 20  # calls of one function within each other; deeper ones have no end

# What gin raises for a config that it cannot use.
RAISED = (
    ValueError,
    TypeError,
    LookupError,
    SyntaxError,
    tokenize.TokenError,
    ImportError,
    OSError,
    RecursionError,
    MemoryError,
)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns errors that gin raises in its block into a `UserError` of one line.

    Raises:
      UserError: instead of any of `RAISED`.
    """
    try:
        yield
    except RAISED as error:
        raise UserError(explain(error)) from error


def explain(error: Exception) -> str:
    """One line for any of `RAISED`, raised while gin parsed a config."""
    if isinstance(error, SyntaxError):
        text = f": {error.text.strip()}" if error.text else ""
        place = error.filename or "--gin_bindings"
        said = " ".join(str(error.msg).split())
        if name := re.search(r"Failed to parse token '([\w.]+)'", said):
            said = f"{name[0]}; @{name[1]} refers to a function or class"
        return f"cannot parse {place} line {error.lineno}: {said}{text}"
    if isinstance(error, tokenize.TokenError):
        return f"cannot parse the config: {error.args[0]}; is a bracket or a quote not closed?"
    if isinstance(error, RecursionError | MemoryError):
        return "cannot parse the config: a value in it has too many brackets within each other"
    first, *rest = str(error).split("\n")
    if isinstance(error, KeyError):
        first = first.strip("'\"")
    hint = ""
    if match := re.match(r"No configurable matching (?:reference )?'@?([^'()]*)", first):
        hint = gin_imports.unregistered(match[1]) or did_you_mean(match[1], _configurable_names())
    elif match := re.match(r"Configurable '(.*)' doesn't have a parameter named '(.*)'", first):
        hint = did_you_mean(match[2], _parameters(match[1]))
    elif match := re.match(r"No bindings specified for '(.*)/gin\.macro'", first):
        first = f"the macro %{match[1]} is used and not defined"
    return first.rstrip(". ") + hint + _location(rest)


def _location(lines: Iterable[str]) -> str:
    """The innermost place that gin names in the further lines of its message."""
    lines = list(lines)
    for line, source in itertools.zip_longest(lines, lines[1:], fillvalue=""):
        if match := re.match(r'\s*In file "(.*)", line (\d+)', line):
            return f" ({match[1]} line {match[2]}: {source.strip()})"
        if re.match(r"\s*In bindings string line", line):
            return f" (in --gin_bindings: {source.strip()})"
    return ""


def explain_construction(error: Exception) -> str | None:
    """One line if `error`, raised by a call through gin, says that a value is missing from the
    config, or that a function is called too early; None if it says something else.
    """
    first = str(error).split("\n")[0]
    if match := re.match(r"Required bindings for `(.*)` not provided in config: \[(.*)\]", first):
        return _missing(match[1], match[2])
    place = place_of(error)
    most = collections.Counter(_places(error)).most_common(1)
    if isinstance(error, RecursionError) and most and most[0][1] > _MOST_NESTED:
        place = most[0][0]
        return (
            f"@{place}() must be made before it is made, for its own settings name it: give the "
            f"inner one a scope, as in @inner/{place}()"
        )
    pattern = r"(\S+?)(?:\.__init__)?\(\) missing \d+ required (positional|keyword-only) .*?: (.*)"
    missing = re.match(pattern, first)
    if not isinstance(error, TypeError) or not place or not missing:
        return None
    if missing[1].split(".")[-1] != place.split(".")[-1]:  # of a call inside of it
        return None
    if missing[2] == "keyword-only":
        return _missing(place, missing[3])
    return _called_too_early(place, missing[3])


def _missing(configurable: str, quoted_names: str) -> str:
    names = ", ".join(f"{configurable}.{name}" for name in _names(quoted_names))
    return f"the config gives no value for {names}; bind it in a gin file"


def _called_too_early(configurable: str, quoted_names: str) -> str:
    """Of missing positional arguments: a function's are given by those who call it."""
    if inspect.isclass(gin.get_configurable(configurable)):
        return (
            f"{_missing(configurable, quoted_names)}, or write @{configurable}, without "
            "parentheses, where the class itself is meant"
        )
    return (
        f"@{configurable}() calls the function without its arguments "
        f"({', '.join(_names(quoted_names))}): write @{configurable}, without parentheses"
    )


def _names(quoted: str) -> list[str]:
    return re.findall(r"'(\w+)'", quoted)


def place_of(error: BaseException) -> str | None:
    """The innermost function or class under gin that `error` was raised in, as a config names it.

    None if it was raised outside of all. Gin itself tells the last part of the name only, which all
    generators share.
    """
    places = _places(error)
    return places[-1] if places else None


def _places(error: BaseException) -> list[str]:
    """All functions and classes under gin that `error` came through, the innermost last."""
    found, trace = [], error.__traceback__
    while trace is not None:
        selector = gin_insides.called_in(trace.tb_frame)
        if selector is not None:
            found.append(gin_insides.short_name(selector))
        trace = trace.tb_next
    return found


def with_place(error: UserError) -> str:
    """The message of `error` on one line, with the `place_of` it unless it names that itself."""
    message, place = first_line(error), place_of(error)
    if place is None or place.split(".")[-1] in message and place.split(".")[0] in message:
        return message
    return f"{message} (in {place})"


def explain_misfit(error: Exception) -> str | None:
    """One line for an error that arose in a call through gin: of something that a config binds.

    None for another error, and for one of ours that gin has no part in.
    """
    place = place_of(error)
    if place is None or not isinstance(error, MISFITS):
        return None
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return (
        f"{kind}{first_line(error)}, in {place}: mend its settings (--verbosity=1 shows the "
        "place in the code)"
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message: "; did you mean a or b?", or nothing if nothing known is near."""
    by_lower = {one.lower(): one for one in known}  # for FID is called Fid
    nearest = difflib.get_close_matches(name.lower(), list(by_lower), n=3)
    nearest = [by_lower[one] for one in nearest]
    return f"; did you mean {' or '.join(nearest)}?" if nearest else ""


def _configurable_names() -> list[str]:
    """The last part of the name of everything registered."""
    return sorted({selector.split(".")[-1] for selector in gin_insides.selectors()})


def _parameters(selector: str) -> list[str]:
    function = gin.get_configurable(selector)
    if inspect.isclass(function):  # the signature of a Keras class itself is (*args, **kwargs)
        function = function.__init__
    return list(inspect.signature(function).parameters)
