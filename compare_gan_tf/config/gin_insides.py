"""All that this library needs of gin and gin does not offer: its private parts, in one place.

Each was seen in the version `SEEN_IN`; tests/config/test_gin_insides.py says which one is gone
where another version has none of it.
"""

import contextlib
import inspect
import types
from collections.abc import Callable, Iterator

import gin

SEEN_IN = "0.5.0"  # of gin-config


def selectors() -> list[str]:
    """The full names of everything registered."""
    return [selector for selector, _ in gin.config._REGISTRY.items()]


def short_name(selector: str) -> str:
    """The shortest name that a config may give it."""
    return gin.config._REGISTRY.minimal_selector(selector)


def full_name(name: str) -> str:
    """The full name that a config abbreviates as `name`; the same if it names nothing."""
    try:
        found = gin.config._REGISTRY.get_match(name)
    except KeyError:  # it may mean several
        return name
    return name if found is None else found.selector


def denied(selector: str) -> list[str]:
    """The parameters of a full name that no config may bind."""
    return list(gin.config._REGISTRY[selector].denylist or ())


def selector_of(function: Callable) -> str | None:
    """The full name under which a function is registered, or None."""
    found = gin.config._inverse_lookup(function)
    return None if found is None else found.selector


def imported_modules() -> set[str]:
    """Names of the modules that the parsed configs import."""
    return {statement.module for statement in gin.config._IMPORTS}


def bindings() -> Iterator[tuple]:
    """(scope, full name, parameter, value) of all that is bound, macros too."""
    for (scope, selector), parameters in gin.config._CONFIG.items():
        for parameter, value in parameters.items():
            yield scope, selector, parameter, value


@contextlib.contextmanager
def files_opened_by(opened: Callable) -> Iterator[None]:
    """Lets gin open every file by one function, by its name as it is written.

    Args:
      opened: (name) -> context manager of a text file.
    """
    before = gin.config._FILE_READERS, gin.config._LOCATION_PREFIXES
    gin.config._FILE_READERS = [(opened, lambda name: True)]
    gin.config._LOCATION_PREFIXES = [""]
    try:
        yield
    finally:
        gin.config._FILE_READERS, gin.config._LOCATION_PREFIXES = before


def called_in(frame: types.FrameType) -> str | None:
    """The full name of what gin calls in a frame, or None if the frame is none of gin's calls."""
    code, values = frame.f_code, frame.f_locals
    return values.get("current_selector") if code.co_name == "gin_wrapper" else None


def scope_of(function: Callable) -> list[str]:
    """That of gin's reference @scope/name, which keeps it in a closure; else the current one."""
    inside = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    return inside.get("scope_components", gin.current_scope())
