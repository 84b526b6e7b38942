"""Objects that a GAN is made of as plain JSON, for Keras' `get_config` and `from_config`.

An object is written as its class and the arguments that it was made with, a function as its name.
Only names of this package, and names that `keras.saving` knows (`register_keras_serializable` or
`custom_objects`), are read again: a file cannot name other code.
"""

import functools
import importlib
import inspect
from contextlib import nullcontext
from typing import Any

import gin
import keras
import numpy as np

from compare_gan_tf.config import gin_insides
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import signatures

_ROOMS = ("architectures", "augment", "gan", "latents", "layers", "objectives", "optimizers")
_OURS = "compare_gan_tf."
_TO_REGISTER = (
    "decorate it with @keras.saving.register_keras_serializable(), or give custom_objects"
)


class Configured:
    """Base of objects with a `checked` constructor: Keras saves what they were made with.

    Keras knows the subclasses of this package by their names; a class of a user is registered with
    `keras.saving.register_keras_serializable`, as any.
    """

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if cls.__module__.startswith(_OURS):
            room = ".".join(cls.__module__.split(".")[:2])  # one of which has its own Orthogonal
            keras.saving.register_keras_serializable(package=room)(cls)

    def get_config(self, **instead) -> dict[str, Any]:
        """{parameter: plain JSON} of all arguments of the constructor.

        Args:
          **instead: arguments that replace those that were given.

        Raises:
          UserError: an argument has no name by which Keras could find it again.
        """
        made = signatures.given(self)
        return super().get_config() if made is None else _arguments(made[1] | instead)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None):
        """A new object, made with the arguments of which `config` is.

        Raises:
          UserError: the config is damaged, or names what is not known here.
        """
        scope = keras.saving.custom_object_scope(custom_objects) if custom_objects else None
        with scope or nullcontext():  # an empty one would hide the one around it
            return cls(**_settings(config))


def to_json(value: Any) -> Any:
    """A value as plain JSON.

    Raises:
      UserError: the value, or a part of it, has no name by which it could be found again.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.name}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [to_json(one) for one in value]}
    if isinstance(value, functools.partial):
        whole = inspect.signature(value.func).bind_partial(*value.args, **value.keywords)
        return {"partial": to_json(value.func), "with": _arguments(whole.arguments)}
    if inspect.isroutine(value) or isinstance(value, type):
        bound = _bound_by_gin(value)
        name = {"name": _name(value)}
        return {"partial": name, "with": _arguments(bound)} if bound else name
    if (made := signatures.given(value)) is not None:
        return {"made": _name(made[0]), "with": _arguments(made[1])}
    return {"keras": _of_keras(value)}


def from_json(value: Any) -> Any:
    """The value of which `to_json` made `value`.

    Raises:
      UserError: the value is damaged, or names what is not known here.
    """
    if not isinstance(value, dict):
        return value
    match value:
        case {"list": parts}:
            return [from_json(one) for one in parts]
        case {"tuple": parts}:
            return tuple(from_json(one) for one in parts)
        case {"array": rows, "dtype": dtype}:
            return np.array(rows, dtype)
        case {"name": name}:
            return _find(name)
        case {"partial": function, "with": given}:
            return functools.partial(from_json(function), **_settings(given))
        case {"made": name, "with": given}:
            return _find(name)(**_settings(given))
        case {"keras": config}:
            return keras.saving.deserialize_keras_object(config)
    raise UserError(f"a config has {value!r}: it is damaged")


def _arguments(given: dict) -> dict:
    return {key: to_json(one) for key, one in given.items()}


def _settings(given: dict) -> dict:
    return {key: from_json(one) for key, one in given.items()}


def _bound_by_gin(function) -> dict:
    """What gin hands to a function that a config refers to; {} for all others."""
    selector = gin_insides.selector_of(function)
    if selector is None or isinstance(function, type):
        return {}
    with gin.config_scope("/".join(gin_insides.scope_of(function))):
        return gin.get_bindings(selector)


def _of_keras(value) -> dict:
    try:
        return keras.saving.serialize_keras_object(value)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UserError(
            f"Keras cannot save a {type(value).__name__}: give it a get_config of all "
            "that its constructor takes, and register it with keras.saving"
        ) from error


def _name(thing) -> str:
    """The name by which `_find` finds a function or class."""
    registered = keras.saving.get_registered_name(thing)
    if ">" in registered:  # package>name
        return registered
    name = f"{thing.__module__}:{thing.__qualname__}"
    if thing.__module__.startswith(_OURS) and _of_ours(name) is not None:
        return name
    if keras.saving.get_registered_object(thing.__name__) is thing:  # of custom_objects
        return thing.__name__
    raise UserError(f"Keras cannot save {thing.__qualname__}: {_TO_REGISTER}")


def _find(name: str):
    found = _of_ours(name) if ":" in name else keras.saving.get_registered_object(name)
    if found is None:
        raise UserError(f"a config names {name!r}, which is not known: {_TO_REGISTER}")
    return found


def _of_ours(name: str):
    """A function or class that a module of this package defines; None if it is none."""
    module, _, path = name.partition(":")
    if not module.startswith(tuple(f"{_OURS}{room}." for room in _ROOMS)):
        return None
    try:
        found = getattr(importlib.import_module(module), path, None)
    except ImportError:
        return None
    return found if callable(found) and getattr(found, "__module__", None) == module else None
