"""The inputs of a Keras model: one tensor, a list or a dict, with or without labels."""

import inspect

import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import OneHot
from compare_gan_tf.errors import MISFITS, UserError, first_line

ERRORS = (*MISFITS, NotImplementedError)  # what an unsuitable Keras model raises


def called(player: str, model, name: str, of: tuple, num_classes) -> tuple[dict, object]:
    """Calls a model on new inputs in the standard form, {"z" or "images", and "labels"}.

    Args:
      player: "generator" or "discriminator", for messages.
      model: a Keras model.
      name: of its first input in the standard form, "z" or "images".
      of: the shape of that input, without n.
      num_classes: number of classes, or None.

    Returns:
      (the inputs, the outputs of the model).

    Raises:
      UserError: the model takes other inputs.
    """
    first, taken = parts(model, name)
    _check_shape(player, shape(first), of)
    wants_labels = taken is not False
    if player == "generator" and first is None and not isinstance(model, keras.Sequential):
        wants_labels = wants_labels or bool(num_classes)  # a subclass that was never called may
    if wants_labels and not num_classes:
        raise UserError(
            f"GAN.{player} takes labels but GAN.conditional is False: set conditional = True, with "
            "data that has labels, or take another model"
        )
    inputs = {name: keras.Input(of, name=name)}
    given = dict(inputs)
    if wants_labels:
        inputs["labels"] = blocks.label_input()
        given["labels"] = _labels_as_taken(player, inputs["labels"], shape(taken), num_classes)
    try:
        return inputs, _call(model, name, given)
    except ERRORS as error:
        raise UserError(
            f"GAN.{player}, a {type(model).__name__}, cannot be called on {' and '.join(given)}, "
            f"{name} of shape {text(['n', *of])}: {first_line(error)}"
        ) from error


def parts(model, first: str) -> tuple:
    """The inputs that a model declares: (z or images, labels), as tensors or shapes.

    None stands for an unknown input; labels are False if the model takes none.
    """
    if isinstance(model, keras.Sequential) and model.built:
        return model.inputs[0], False
    taken = model.input if getattr(model, "inputs", None) else _built_for(model)
    if isinstance(taken, dict):
        others = [part for name, part in taken.items() if name != "labels"]
        return (others[0] if len(others) == 1 else None), taken.get("labels", False)
    if isinstance(taken, list) and len(taken) == 2:
        one, other = taken
        return (other, one) if getattr(one, "name", "") == "labels" else (one, other)
    if isinstance(taken, list):
        return (taken[0] if len(taken) == 1 else None), False
    own = "labels" in inspect.signature(model.call).parameters
    return taken, None if own else False


def _built_for(model):
    """The input shapes that a subclassed model was built for, or None."""
    config = (model.get_build_config() or {}) if model.built else {}
    taken = config.get("input_shape")
    several = isinstance(taken, tuple) and all(isinstance(one, tuple | list) for one in taken)
    return list(taken) if several else taken


def shape(part) -> tuple | None:
    """The shape of a tensor, or of an argument of `build`; None if it is unknown."""
    found = getattr(part, "shape", part)
    return tuple(found) if isinstance(found, list | tuple) else None


def _check_shape(player: str, own: tuple | None, of: tuple):
    if own is None or _fits(own[1:], of):
        return
    taken = text(["n", *own[1:]])
    if player == "generator":
        raise UserError(
            f"GAN.generator takes z {taken}, but GAN.latents draws {text(['n', *of])}: "
            "leave latents out, or give it that dimension"
        )
    raise UserError(f"GAN.discriminator takes samples {taken}, but the data has {text(['n', *of])}")


def _fits(own: tuple, of: tuple) -> bool:
    """Whether two shapes agree, where the first may leave sizes open."""
    pairs = zip(own, of, strict=False)
    return len(own) == len(of) and all(one in (None, other) for one, other in pairs)


def text(sizes) -> str:
    """A shape for a message."""
    return f"[{', '.join(map(str, sizes))}]"


def _labels_as_taken(player: str, labels, own: tuple | None, num_classes: int):
    """Converts labels int32 [n] to the model's form: [n], [n, 1] or one-hot [n, K]."""
    if own is None or len(own) == 1:
        return labels
    if own[1:] == (1,):
        return keras.layers.Reshape((1,), name="labels_in_column")(labels)
    if own[1:] == (num_classes,):
        return OneHot(num_classes, name="one_hot")(labels)
    raise UserError(
        f"GAN.{player} takes labels {text(['n', *own[1:]])}, but there are {num_classes} classes: "
        f"they must be [n], [n, 1] or one-hot [n, {num_classes}]"
    )


def _call(model, name: str, given: dict):
    """Calls the model on its inputs, in the structure that it was made or built with."""
    if isinstance(model, keras.Sequential):
        return model(given[name])
    taken = model.input if getattr(model, "inputs", None) else _built_for(model)
    if isinstance(taken, dict):
        return model({key: given[key if key == "labels" else name] for key in taken})
    if isinstance(taken, list) and len(taken) == 2:
        swapped = getattr(taken[0], "name", "") == "labels"
        return model([*given.values()][:: -1 if swapped else 1])
    if isinstance(taken, list) and len(taken) == 1:
        return model([given[name]])
    if "labels" in inspect.signature(model.call).parameters and "labels" in given:
        return model(given[name], labels=given["labels"])
    return model(given if "labels" in given else given[name])
