"""`.keras` files of the players. Importing this module registers all layers of this package."""

import importlib.util
import io
import json
import os
import pkgutil
import zipfile

import keras
import tensorflow as tf

from compare_gan_tf import architectures, layers
from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.storage import files

PACKAGE = "compare_gan_tf"
_LONGEST_REASON = 300  # characters

for _package in (architectures, layers):
    for _module in pkgutil.iter_modules(_package.__path__):
        importlib.import_module(f"{_package.__name__}.{_module.name}")


class OwnLayersError(UserError):
    """A network has layers of the user that another process cannot load from a `.keras` file."""


def load_keras(path: str) -> keras.Model:
    """Loads a `.keras` file that `compare-gan export` wrote.

    Args:
      path: path of the file, such as "runs/mine/hub/1000/generator.keras".

    Returns:
      The network as in this package. A generator maps {"z": float32 [n, dim]}, and "labels": int32
      [n] if conditional, to images float32 [n, H, W, C] in [-1, 1], to points [n, D] or to logits.
      A discriminator maps {"images"}, and "labels" if conditional, to {"logits": [n], "features":
      [n, F]}.

    Raises:
      UserError: the file does not exist, is damaged, or has layers that are not registered with
        Keras.
    """
    path = os.path.expanduser(os.fspath(path))
    if not files.is_file(path):
        raise UserError(f"there is no file {path}")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the file leads it into
        raise UserError(f"cannot load {path}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Keras' error message about a file, without the configuration of the whole network."""
    innermost = str(error).split("Exception encountered: ")[-1]
    text = first_line(type(error)(innermost) if innermost != str(error) else error)
    text = text.split(" Full object config")[0].strip().removesuffix(".")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def own_modules(path: str) -> set[str]:
    """The user's own modules, which must be imported before a `.keras` file is loaded.

    Raises:
      OwnLayersError: the file has a class or function that is not registered with Keras, or that
        another process cannot import.
    """
    modules = set()
    for name in sorted(_own_names(path)):
        found = keras.saving.get_registered_object(name)
        if found is None:
            raise OwnLayersError(
                f"{os.path.basename(path)} would hold {name}, which nothing could load: write a "
                "layer of your own, decorated by @keras.saving.register_keras_serializable()"
            )
        module = found.__module__
        if module == "__main__" or not _is_importable(module):
            raise OwnLayersError(
                f"{os.path.basename(path)} would hold {name} of {module}, which another process "
                "cannot import: move it into a module of its own"
            )
        modules.add(module)
    return modules


def own_classes(model) -> dict[str, type]:
    """{name: class} of a model's layers that are neither Keras' own nor registered with Keras."""
    kinds = {type(layer) for layer in keras_insides.nested_layers(model)}
    return {
        kind.__name__: kind
        for kind in kinds
        if not kind.__module__.startswith("keras.")
        and keras.saving.get_registered_name(kind) == kind.__name__
    }


def _own_names(path: str) -> set[str]:
    """Registered names in a `.keras` file of classes and functions of the user."""
    with tf.io.gfile.GFile(path, "rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        config = json.loads(archive.read("config.json"))
    return {name for name in _names(config) if not name.startswith(f"{PACKAGE}>")}


def _names(config):
    """Yields the names in a configuration, at any depth, that are not Keras' own."""
    if isinstance(config, list):
        for item in config:
            yield from _names(item)
    elif isinstance(config, dict):
        kind, name = config.get("class_name"), config.get("registered_name")
        if str(config.get("module")).split(".")[0] == "keras":
            name = None
        if kind == "function":
            name = config["config"]
            name = None if any(hasattr(module, name) for module in _FUNCTIONS) else name
        if kind in ("Lambda", "__lambda__") or isinstance(config.get("value"), list):
            kind, name = "function", "a lambda"
        if kind and name:
            yield name
        for item in config.values():
            yield from _names(item)


_FUNCTIONS = (keras.activations, keras.constraints, keras.initializers, keras.regularizers)


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
