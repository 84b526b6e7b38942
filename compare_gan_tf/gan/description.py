"""A description of a GAN: both networks layer by layer, and all objectives with their settings."""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import keras

from compare_gan_tf.gan import multiply_adds
from compare_gan_tf.layers import ResizedConv2D
from compare_gan_tf.settings import keras_insides


def describe(gan, settings_of: Callable[[Callable], dict] = lambda function: {}) -> dict[str, Any]:
    """Describes a `GAN` by values that JSON can hold.

    Args:
      gan: the model.
      settings_of: function of a function that is a setting, such as a loss; returns those of its
        parameters that differ from their defaults.

    Returns:
      "generator" and "discriminator", see `describe_network`; "objectives", a list of {"name",
      "kind", "weight", "settings"}; "augment", the augmentation of D's inputs, or None;
      "alphabet", of a discrete G, or None; "d_steps" and "g_steps", the updates per training step;
      "precision", that the networks compute in; "accumulation", micro-batches of an update;
      "post_hoc_ema", {"lengths", "snapshot_every", "snapshot_bytes"} of its averages, or None.
    """
    return {
        "generator": describe_network(gan.generator),
        "discriminator": describe_network(gan.discriminator),
        "objectives": [_describe_objective(one, settings_of) for one in gan.objectives],
        "augment": _plain(gan.augment, settings_of),
        "alphabet": _plain(gan.alphabet, settings_of),
        "d_steps": gan.d_steps,
        "g_steps": gan.g_steps,
        "precision": gan.precision,
        "accumulation": gan.accumulation,
        "post_hoc_ema": gan.post_hoc and _describe_averages(gan.post_hoc),
    }


def _describe_averages(averages) -> dict[str, Any]:
    names = ("lengths", "snapshot_every", "snapshot_bytes")
    return {name: getattr(averages, name) for name in names}


# --- Networks ---------------------------------------------------------------------------------


def describe_network(network: keras.Model) -> dict[str, Any]:
    """Describes one network; shapes are those of one sample, without the batch.

    Returns:
      "trainable_parameters" and "non_trainable_parameters", numbers of scalars;
      "trainable_variables", number of tensors; "multiply_adds" of one sample, see `multiply_adds`;
      "computed_multiply_adds", those of `ResizedConv2D` on this device; "input_shapes", by name;
      "output_shape", a shape, or shapes by name; "layers", a list of {"name", "kind",
      "output_shape", "parameters", "multiply_adds", "computed_multiply_adds"} in the order of the
      calls.
    """
    rows = multiply_adds.rows(network)
    computed = rows
    if any(isinstance(one, ResizedConv2D) for one in keras_insides.nested_layers(network)):
        computed = multiply_adds.rows(network, computed=True)
    return {
        "trainable_parameters": _count(network.trainable_weights),
        "non_trainable_parameters": _count(network.non_trainable_weights),
        "trainable_variables": len(network.trainable_weights),
        "multiply_adds": sum(row.multiply_adds for row in rows),
        "computed_multiply_adds": sum(row.multiply_adds for row in computed),
        "input_shapes": {tensor.name: list(tensor.shape[1:]) for tensor in network.inputs},
        "output_shape": _output_shape(network),
        "layers": [_describe_layer(row, done) for row, done in zip(rows, computed, strict=True)],
    }


def _count(weights) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _output_shape(network: keras.Model):
    shapes = network.compute_output_shape({tensor.name: tensor.shape for tensor in network.inputs})
    if isinstance(shapes, dict):
        return {name: list(shape[1:]) for name, shape in shapes.items()}
    return list(shapes[1:])


def _describe_layer(row: multiply_adds.Row, computed: multiply_adds.Row) -> dict[str, Any]:
    shape = row.output_shape
    return {
        "name": row.layer.name,
        "kind": _kind(row.layer),
        "output_shape": [list(one) for one in shape] if isinstance(shape, list) else list(shape),
        "parameters": _count(getattr(row.layer, "weights", [])),
        "multiply_adds": row.multiply_adds,
        "computed_multiply_adds": computed.multiply_adds,
    }


def _kind(layer) -> str:
    """The class name; for a wrapper, such as spectral norm, also that of the wrapped layer."""
    kind = type(layer).__name__
    if isinstance(layer, ResizedConv2D):
        return f"{kind}({layer.resizing})"
    return f"{kind}({_kind(layer.layer)})" if isinstance(layer, keras.layers.Wrapper) else kind


# --- Objectives -------------------------------------------------------------------------------


def _describe_objective(objective, settings_of) -> dict[str, Any]:
    settings = _settings(objective, settings_of)
    settings.pop("weight", None)
    return {
        "name": objective.name,
        "kind": type(objective).__name__,
        "weight": _plain(objective.weight, settings_of),
        "settings": settings,
    }


def _settings(value, settings_of) -> dict[str, Any]:
    """The constructor's parameters that the object stores as attributes."""
    parameters = inspect.signature(inspect.unwrap(type(value).__init__)).parameters
    return {
        name: _plain(getattr(value, name), settings_of)
        for name in parameters
        if name not in ("self", "name") and hasattr(value, name)
    }


def _plain(value, settings_of):
    """A setting as JSON: numbers and texts as they are, a function by its name and parameters."""
    value = getattr(value, "given", value)  # the loss that `as_losses` has wrapped
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, keras.Variable):
        return value.numpy().tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, settings_of) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, settings_of) for key, item in value.items()}
    if isinstance(value, functools.partial):
        return _call(value.func.__name__, _plain(value.keywords, settings_of))
    if inspect.isroutine(value):
        return _call(value.__name__, _plain(settings_of(value), settings_of))
    return _call(type(value).__name__, _settings(value, settings_of))


def _call(name: str, settings: dict) -> str:
    inside = ", ".join(f"{key}={value}" for key, value in settings.items())
    return f"{name}({inside})" if inside else name


# --- Text -------------------------------------------------------------------------------------

_COLUMNS = ("layer", "kind", "output shape", "parameters", "multiply-adds", "computed")


def as_text(description: dict[str, Any]) -> str:
    """The description as tables for a terminal."""
    players = [_network_text(name, description[name]) for name in ("generator", "discriminator")]
    lines = ["objectives", *(_objective_text(one) for one in description["objectives"])]
    if description["augment"]:
        lines += ["", "augmentation of what the discriminator sees", f"  {description['augment']}"]
    if description["alphabet"]:
        lines += ["", "alphabet of what the generator writes", f"  {description['alphabet']}"]
    steps = description["d_steps"], description["g_steps"]
    if steps != (1, 1):
        lines += ["", "updates in a training step"]
        lines += [f"  {steps[0]} of the discriminator, then {steps[1]} of the generator"]
    if description["precision"] != "float32":
        lines += ["", "precision of the networks", f"  {description['precision']}"]
    if description["accumulation"] > 1:
        lines += ["", "gradients of each update are accumulated"]
        lines += [f"  over {description['accumulation']} micro-batches"]
    if (averages := description["post_hoc_ema"]) is not None:
        lengths, every = ", ".join(map(str, averages["lengths"])), averages["snapshot_every"]
        size = averages["snapshot_bytes"] / 1e6
        lines += ["", f"averages of lengths {lengths} for post-hoc EMA"]
        lines += [f"  every {every:,} steps a snapshot of {size:.1f} MB"]
    return "\n\n".join([*players, "\n".join(lines)])


def _network_text(name: str, network: dict[str, Any]) -> str:
    rows = [_COLUMNS] + [_cells(layer) for layer in network["layers"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [name]
    for row in rows:
        texts = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=False)]
        numbers = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        lines.append("  " + "  ".join(texts + numbers))
    total = (
        f"  {network['trainable_parameters']:,} trainable parameters in "
        f"{network['trainable_variables']} variables, "
        f"{network['non_trainable_parameters']:,} non-trainable, "
        f"{network['multiply_adds']:,} multiply-adds per sample"
    )
    computed = network["computed_multiply_adds"]
    if computed != network["multiply_adds"]:
        total += f"\n  {computed:,} are computed: on this device resizing and convolution are one"
    return "\n".join([*lines, total])


def _cells(layer: dict[str, Any]) -> tuple[str, ...]:
    shape = layer["output_shape"]
    several = bool(shape) and isinstance(shape[0], list)
    text = ", ".join(map(_shape_text, shape)) if several else _shape_text(shape)
    counts = (layer[name] for name in ("parameters", "multiply_adds", "computed_multiply_adds"))
    return layer["name"], layer["kind"], text, *(f"{count:,}" for count in counts)


def _shape_text(shape: list[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _objective_text(objective: dict[str, Any]) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in objective["settings"].items())
    return (
        f"  {objective['weight']} x {objective['name']}: {objective['kind']}"
        f"{f'({settings})' if settings else ''}"
    )
