"""Networks in files: Keras, SavedModel and ONNX, each opened as a function of float32 images."""

import os
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.metrics import downloads
from compare_gan_tf.metrics.replicated import replicated
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.storage import programs, saved_models


class Outlets(NamedTuple):
    """The outputs of a network that are used.

    Attributes:
      features: name of an output, or of a layer of a Keras model; None for the only output, or the
        first of `usual` that exists.
      logits: name of an output or layer, or None for no logits.
      usual: names of outputs that are features by convention.
    """

    features: str | None = None
    logits: str | None = None
    usual: tuple[str, ...] = ()


class Network(NamedTuple):
    """A network from a file of any format.

    Attributes:
      forward: scaled float32 [n, H, W, C] -> (features [n, ...], logits [n, K] or None).
      shape: (height, width, channels), with None for a size that the network leaves open.
      weights_sha256: of the file, or `downloads.tree_digest` of the folder.
      logit_bias: float32 [K], or None if it is not known.
      batch: number of images in a batch, or None for any.
    """

    forward: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
    shape: tuple[int | None, int | None, int | None]
    weights_sha256: str
    logit_bias: np.ndarray | None = None
    batch: int | None = None


def open_model(path: str | os.PathLike, outlets: Outlets, trusted: bool = False) -> Network:
    """Opens a .keras, .h5 or .onnx file, or the folder of a SavedModel.

    Args:
      path: of it.
      outlets: what is used of it.
      trusted: whether a SavedModel or an ONNX file of other origin than this user's exports is
        loaded, see `programs.require`. Of Keras' files no code is loaded.

    Raises:
      UserError: the path does not exist, has another format, lacks a requested output, or is not
        trusted.
    """
    path = pathlib.Path(path).expanduser()
    if not path.exists():
        raise UserError(f"there is no network at {path}: put it there, or set another path")
    if path.is_dir():
        return open_saved_model(path, outlets, trusted)
    if not path.is_file():
        raise UserError(f"{path} is no file: put a network there, or set another path")
    if path.suffix == ".onnx":
        return open_onnx(path, outlets, trusted)
    if path.suffix not in (".h5", ".keras"):
        raise UserError(
            f"{path} is no network that can be read: it must end in .h5, .keras or .onnx,"
            " or be the folder of a SavedModel"
        )
    return open_keras(path, outlets)


# --- Keras -----------------------------------------------------------------------------------


def open_keras(path: pathlib.Path, outlets: Outlets) -> Network:
    """A model saved whole by Keras; `outlets` may name any layer of it."""
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the file leads it into
        raise _unreadable(path, "a Keras model", error) from error
    return keras_network(model, outlets, str(path), downloads.digest(path))


def keras_network(
    model: keras.Model, outlets: Outlets, source: str, weights_sha256: str
) -> Network:
    """A functional or sequential Keras model of one input, cut at the layers that are asked for."""
    if len(model.inputs) != 1:
        raise UserError(f"{source} has {len(model.inputs)} inputs: one of images is needed")
    names = getattr(model, "output_names", [model.layers[-1].name])  # a sequential one has none
    tensors = dict(zip(names, model.outputs, strict=True))
    for name in (outlets.features, outlets.logits):
        if name and name not in tensors and name in {layer.name for layer in model.layers}:
            tensors[name] = model.get_layer(name).output
    features = pick(tensors, outlets, source)
    logits = _named(tensors, outlets.logits, source) if outlets.logits else None
    wanted = {"features": features} | ({} if logits is None else {"logits": logits})
    layout, shape = _layout(model.inputs[0].shape)
    cut, batch = keras.Model(model.inputs, wanted), model.inputs[0].shape[0]
    forward = (replicated if batch is None else tf.function)(
        lambda inputs: cut(inputs["images"], training=False)
    )
    bias = None if logits is None else getattr(keras_insides.origin(logits)[0], "bias", None)

    def run(images):
        found = forward({"images": tf.constant(layout(images), tf.float32)})
        return found["features"].numpy(), found["logits"].numpy() if "logits" in found else None

    return Network(
        run,
        shape,
        weights_sha256,
        None if bias is None else bias.numpy(),
        batch,
    )


# --- SavedModel ------------------------------------------------------------------------------


def open_saved_model(path: pathlib.Path, outlets: Outlets, trusted: bool) -> Network:
    """The folder of a SavedModel with a signature "serving_default" or "serve" of one input."""
    module = saved_models.load(path, trusted=trusted)
    signatures = module.signatures
    names = [name for name in ("serving_default", "serve") if name in signatures]
    if not names or len(signatures[names[0]].structured_input_signature[1]) != 1:
        raise UserError(
            f"{path} has no signature serving_default of one input: it has"
            f" {', '.join(signatures) or 'none'}"
        )
    signature = signatures[names[0]]
    ((keyword, spec),) = signature.structured_input_signature[1].items()
    layout, shape = _layout(spec.shape)

    def call(images, keep_alive=module):  # its variables live as long as the module does
        outputs = signature(**{keyword: tf.constant(layout(images), spec.dtype)})
        return {name: value.numpy() for name, value in outputs.items()}

    run = _picking(call, signature.structured_outputs, outlets, str(path))
    return Network(run, shape, downloads.tree_digest(path), batch=spec.shape[0])


# --- ONNX ------------------------------------------------------------------------------------


def open_onnx(path: pathlib.Path, outlets: Outlets, trusted: bool) -> Network:
    """A file in ONNX; its input is [n, C, H, W] unless its shape says otherwise."""
    session = onnx_session(path, trusted)
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs)
        raise UserError(f"{path} has the inputs {names}: one of images is needed")
    shape = [size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape]
    kind = {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(inputs[0].type)
    layout, sizes = _layout(shape, open_channels_first=True)
    names = [each.name for each in session.get_outputs()]

    def call(images):
        found = session.run(names, {inputs[0].name: layout(images).astype(kind or np.float32)})
        return dict(zip(names, found, strict=True))

    run = _picking(call, names, outlets, str(path))
    return Network(run, sizes, _onnx_sha256(path), batch=shape[0] if shape else None)


def onnx_session(path, trusted: bool):
    """An open session of onnxruntime on the CPU or what else it was built for.

    Raises:
      UserError: the file is not trusted, see `programs.require`; onnxruntime is not installed, or
        cannot read the file.
    """
    try:
        import onnxruntime  # an extra: most users have no ONNX files
    except ImportError as error:
        raise UserError(f"{path} needs onnxruntime: pip install 'compare_gan_tf[onnx]'") from error
    programs.require(path, "an ONNX file", trusted)
    try:
        return onnxruntime.InferenceSession(
            str(path), providers=onnxruntime.get_available_providers()
        )
    except Exception as error:  # its errors have no common base but this one
        raise _unreadable(path, "an ONNX file", error) from error


def _onnx_sha256(path: pathlib.Path) -> str:
    """SHA-256 of the file, or of all files if it has external files of weights."""
    beside = [other for other in path.parent.glob(f"{path.name}?*") if other.is_file()]
    return downloads.files_digest([path, *beside]) if beside else downloads.digest(path)


# --- Shared ----------------------------------------------------------------------------------


def pick(outputs: dict, outlets: Outlets, source: str):
    """The features among outputs by name.

    Raises:
      UserError: there are several outputs, and none is named.
    """
    if outlets.features is not None:
        return _named(outputs, outlets.features, source)
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    for name in outlets.usual:
        if name in outputs:
            return outputs[name]
    raise UserError(
        f"{source} has the outputs {', '.join(sorted(outputs))}: set features to one of them"
    )


def _named(outputs: dict, name: str, source: str):
    if name not in outputs:
        raise UserError(f"{source} has no output {name!r}, only {', '.join(sorted(outputs))}")
    return outputs[name]


def _picking(call, names, outlets: Outlets, source: str):
    """Makes a network's forward function from a function that returns outputs by name."""
    pick(dict.fromkeys(names), outlets, source)
    if outlets.logits:
        _named(dict.fromkeys(names), outlets.logits, source)

    def run(images):
        outputs = call(images)
        logits = outputs[outlets.logits] if outlets.logits else None
        return pick(outputs, outlets, source), logits

    return run


def _layout(shape, open_channels_first: bool = False):
    """(function to the layout of an input [n, H, W, C] or [n, C, H, W], (H, W, C)) of its shape."""
    sizes = [None] * 4 if shape is None or len(shape) != 4 else list(shape)
    first, last = sizes[1] in (1, 3), sizes[3] in (1, 3)
    if first and not last or (open_channels_first and not last):
        return _channels_first, (sizes[2], sizes[3], sizes[1])
    return _channels_last, tuple(sizes[1:])


def _channels_first(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(images, 3, 1))


def _channels_last(images: np.ndarray) -> np.ndarray:
    return images


def _unreadable(path, what: str, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as {what}: {first_line(error)[:200]}")
