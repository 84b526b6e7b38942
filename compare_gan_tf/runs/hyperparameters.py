"""The settings of a run as flat names and values, for TensorBoard's HParams tab."""

import functools
import inspect
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api

from compare_gan_tf.config.gin_statements import Reference, statements
from compare_gan_tf.runs.logs import LOGS

_FILE = "events.out.tfevents.0.hparams"  # TensorBoard reads what has "tfevents" in its name
_MOST_LEVELS = 4  # of nested objects


def of_text(text: str) -> dict[str, Any]:
    """{name: value} of a config's bindings; lists and references are given as text."""
    return {str(key): _plain(value) for key, value in statements(text).items()}


def of_arguments(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """{name: value} of the arguments of a call, with names like those of a config.

    The value of a function is its name, that of an object its class. Their own arguments are added
    under that name: GAN.generator is "mlp.generator", and mlp.generator.units is 256.

    Args:
      name: name of the called function.
      arguments: {parameter: value}.
    """
    found: dict[str, Any] = {}
    for parameter, value in arguments.items():
        _add(found, f"{name}.{parameter}", value, 0)
    return found


def of_call(name: str, function: Callable, values: dict[str, Any]) -> dict[str, Any]:
    """`of_arguments` for those of the values that are parameters of a function, without self."""
    parameters = inspect.signature(function).parameters.keys() - {"self"}
    return of_arguments(name, {key: values[key] for key in parameters})


def write(model_dir: str, settings: dict[str, Any]) -> None:
    """Writes the settings of a run into its logs, and replaces those of an earlier start.

    The file is in the parent folder of all other events, so that TensorBoard shows losses and
    scores as the metrics of this run.

    Args:
      model_dir: the run's folder.
      settings: {name: bool, int, float or str}.
    """
    folder = os.path.join(model_dir, LOGS)
    tf.io.gfile.makedirs(folder)
    summary = tf.compat.v1.Summary.FromString(api.hparams_pb(settings).SerializeToString())
    events = [tf.compat.v1.Event(file_version="brain.Event:2"), tf.compat.v1.Event(summary=summary)]
    partial = os.path.join(folder, "hparams.partial")
    with tf.io.TFRecordWriter(partial) as writer:
        for event in events:
            writer.write(event.SerializeToString())
    tf.io.gfile.rename(partial, os.path.join(folder, _FILE), overwrite=True)


def _add(found: dict, name: str, value: Any, depth: int) -> None:
    found[name] = _plain(value)
    if depth < _MOST_LEVELS:
        for further, part in _parts(name, value):
            _add(found, further, part, depth + 1)


def _plain(value: Any) -> bool | int | float | str:
    """The value, or its description as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return value
    if value is None or isinstance(value, Reference):
        return repr(value)
    if isinstance(value, functools.partial):
        return _plain(value.func)
    if isinstance(value, list | tuple):
        return f"[{', '.join(str(_plain(item)) for item in value)}]"
    if isinstance(value, keras.Model):
        weights = sum(math.prod(one.shape) for one in value.variables)
        return f"{type(value).__name__} of {weights} weights"
    if isinstance(value, type) or not hasattr(value, "__qualname__"):
        return (value if isinstance(value, type) else type(value)).__qualname__
    module = (getattr(value, "__module__", None) or "").rpartition(".")[2]
    return f"{module}.{value.__qualname__}" if module else value.__qualname__


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields (name, value) of the arguments that a value was made with."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _parts(name, item)
    elif isinstance(value, functools.partial):
        yield from ((f"{_plain(value)}.{key}", part) for key, part in value.keywords.items())
    elif isinstance(value, keras.optimizers.Optimizer):
        config = value.get_config().items()
        yield from ((f"{name}.{key}", part) for key, part in config if isinstance(part, float))
    elif hasattr(value, "__dict__") and not isinstance(value, keras.Model | type):
        for key in inspect.signature(type(value).__init__).parameters:
            if not inspect.isroutine(value) and hasattr(value, key):
                yield f"{type(value).__name__}.{key}", getattr(value, key)
