"""The parameters that gin gives a function or class, wherever it is called."""

import inspect
from collections.abc import Callable

import gin

from compare_gan_tf.config import gin_insides


def effective(function: Callable) -> dict:
    """Parameters of one of gin's functions or classes: its defaults, and what is bound over them.

    Args:
      function: as gin hands it over, also in a scope; {} for one that gin does not know.
    """
    with gin.config_scope(gin_insides.scope_of(function)):
        while function is not None:
            try:
                return _defaults(function) | gin.get_bindings(function)
            except ValueError:  # gin may know what this one wraps
                function = getattr(function, "__wrapped__", None)
    return {}


def _defaults(function: Callable) -> dict:
    parameters = inspect.signature(function).parameters
    missing = inspect.Parameter.empty
    return {name: one.default for name, one in parameters.items() if one.default is not missing}
