"""One line for each error of gin: what is wrong, where, and the nearest right name."""

import difflib
import inspect
import re
import tokenize
from collections.abc import Iterable

import gin

# What gin raises for a config that it cannot use.
RAISED = (
    ValueError,
    TypeError,
    LookupError,
    SyntaxError,
    tokenize.TokenError,
    ImportError,
    OSError,
)


def explain(error: Exception) -> str:
    """One line for any of `RAISED`, raised while gin parsed a config."""
    if isinstance(error, SyntaxError):
        text = f": {error.text.strip()}" if error.text else ""
        place = error.filename or "--gin_bindings"
        return f"cannot parse {place} line {error.lineno}: {error.msg}{text}"
    if isinstance(error, tokenize.TokenError):
        return f"cannot parse the config: {error.args[0]}; is a bracket or a quote not closed?"
    first, *rest = str(error).split("\n")
    if isinstance(error, KeyError):
        first = first.strip("'\"")
    hint = ""
    if match := re.match(r"No configurable matching (?:reference )?'@?([^'()]*)", first):
        hint = did_you_mean(match[1], _configurable_names())
    elif match := re.match(r"Configurable '(.*)' doesn't have a parameter named '(.*)'", first):
        hint = did_you_mean(match[2], _parameters(match[1]))
    elif match := re.match(r"No bindings specified for '(.*)/gin\.macro'", first):
        first = f"the macro %{match[1]} is used and not defined"
    return first.rstrip(". ") + hint + _location(rest)


def _location(lines: Iterable[str]) -> str:
    """The innermost place that gin names in the further lines of its message."""
    lines = list(lines)
    for line, source in zip(lines, lines[1:] + [""], strict=True):
        if match := re.match(r'\s*In file "(.*)", line (\d+)', line):
            return f" ({match[1]} line {match[2]}: {source.strip()})"
        if re.match(r"\s*In bindings string line", line):
            return f" (in --gin_bindings: {source.strip()})"
    return ""


def explain_construction(error: Exception) -> str | None:
    """One line if `error`, raised by a call through gin, says that a value is missing from the
    config; None if it says something else.
    """
    first = str(error).split("\n")[0]
    if match := re.match(r"Required bindings for `(.*)` not provided in config: \[(.*)\]", first):
        return _missing(match[1], match[2])
    called = re.search(r"In call to configurable '(.*?)'", str(error))
    missing = re.match(r"(\S+?)(?:\.__init__)?\(\) missing \d+ required .*?: (.*)", first)
    if isinstance(error, TypeError) and called and missing and missing[1] == called[1]:
        return _missing(called[1], missing[2])
    return None


def _missing(configurable: str, quoted_names: str) -> str:
    names = ", ".join(f"{configurable}.{name}" for name in re.findall(r"'(\w+)'", quoted_names))
    return f"the config gives no value for {names}; bind it in a gin file"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message: "; did you mean a or b?", or nothing if nothing known is near."""
    nearest = difflib.get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(nearest)}?" if nearest else ""


def _configurable_names() -> list[str]:
    """The short name of everything registered; gin has no public list of them."""
    return sorted({selector.split(".")[-1] for selector, _ in gin.config._REGISTRY.items()})


def _parameters(selector: str) -> list[str]:
    function = gin.get_configurable(selector)
    if inspect.isclass(function):  # the signature of a Keras class itself is (*args, **kwargs)
        function = function.__init__
    return list(inspect.signature(function).parameters)
