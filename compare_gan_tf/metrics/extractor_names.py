"""Extractors by name; the module of one is imported when it is asked for.

They are the functions under `@gin.configurable(module="features")` in this folder.
"""

import difflib
import functools
import importlib
import inspect

from compare_gan_tf import config
from compare_gan_tf.config import plugins
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import sources

_BOUND = f"{__package__}.extractors"  # those in here need more than their name


@functools.cache
def _ours() -> dict[str, str]:
    """{name of an extractor: its module}."""
    found = sources.registered('gin.configurable(module="features")')
    return {node.name: module for module, node in found}


def names() -> list[str]:
    """Those of this package that need no more than their name."""
    return sorted(name for name, module in _ours().items() if module != _BOUND)


def bound() -> list[str]:
    """Those of this package of which gin must bind something."""
    return sorted(name for name, module in _ours().items() if module == _BOUND)


def check(name: str) -> None:
    """Raises a UserError, with the nearest names, unless there is such an extractor.

    Others' are known once their module is imported, as those of entry points are here.
    """
    if name in _ours() or config.is_registered(name):
        return
    plugins.load()
    if not config.is_registered(name):
        nearest = difflib.get_close_matches(name, _ours(), n=3, cutoff=0.5) or sorted(_ours())
        raise UserError(f"no extractor {name!r}: the nearest names are {', '.join(nearest)}")


def reference(name: str) -> str:
    """A known extractor as gin writes it: @name() of what makes one, @name of a function of images.

    Raises:
      UserError: there is none; tells the nearest names.
    """
    check(name)
    return f"@{name}()" if name in _ours() or _makes(name) else f"@{name}"


def find(name: str):
    """The extractor of a name, or the function of images, with what gin binds on it.

    Raises:
      UserError: there is none, or it needs more than its name.
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
    """Whether a function of others makes an extractor: it can be called without arguments."""
    parameters = inspect.signature(config.configurable(name)).parameters.values()
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(one.default is not one.empty or one.kind in many for one in parameters)
