"""Finds extractors by name, and imports the module of an extractor when it is used.

Extractors are the functions under `@gin.configurable(module="features")` in this folder.
"""

import difflib
import functools
import importlib
import inspect

from compare_gan_tf import config
from compare_gan_tf.config import plugins
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import sources

_BOUND = f"{__package__}.extractors"  # the extractors of this module need bindings


@functools.cache
def _ours() -> dict[str, str]:
    """{name of an extractor: its module}."""
    found = sources.registered('gin.configurable(module="features")')
    return {node.name: module for module, node in found}


def names() -> list[str]:
    """The extractors of this package that need no bindings."""
    return sorted(name for name, module in _ours().items() if module != _BOUND)


def bound() -> list[str]:
    """The extractors of this package that need gin bindings."""
    return sorted(name for name, module in _ours().items() if module == _BOUND)


def check(name: str) -> None:
    """Raises a UserError with the nearest names if there is no such extractor.

    Extractors of other packages are known after the import of their modules; entry points are
    imported here.
    """
    if name in _ours() or config.is_registered(name):
        return
    plugins.load()
    if not config.is_registered(name):
        nearest = difflib.get_close_matches(name, _ours(), n=3, cutoff=0.5) or sorted(_ours())
        raise UserError(f"no extractor {name!r}: the nearest names are {', '.join(nearest)}")


def reference(name: str) -> str:
    """An extractor as gin writes it: @name() for a maker of extractors, @name for a function.

    Raises:
      UserError: there is no such extractor; the message has the nearest names.
    """
    check(name)
    return f"@{name}()" if name in _ours() or _makes(name) else f"@{name}"


def find(name: str):
    """The extractor with this name, or the function of images, under its gin bindings.

    Raises:
      UserError: there is no such extractor, or it needs more than its name.
    """
    check(name)
    if name in bound():
        raise UserError(
            f"extractor {name!r} needs more than its name: give metrics.extractors.{name}(...)"
        )
    if name in _ours():
        return getattr(importlib.import_module(_ours()[name]), name)()
    return config.configurable(name)() if _makes(name) else config.configurable(name)


def _makes(name: str) -> bool:
    """Whether a function of another package makes extractors: it needs no arguments."""
    parameters = inspect.signature(config.configurable(name)).parameters.values()
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(one.default is not one.empty or one.kind in many for one in parameters)
