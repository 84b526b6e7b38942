"""Keras models of any form as players.

A generator maps z [n, d], and labels where it takes them, to samples; a discriminator maps samples
to logits [n, 1] or [n], or to {"logits", "features"}. What comes out here has the one form that all
else knows: inputs "z" or "images", and "labels"; outputs as in `architectures`. Weights are those
of the model itself, which therefore trains in place, as under Keras' `fit`.
"""

import inspect
import weakref

import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.gan.player_ends import end, with_features
from compare_gan_tf.gan.player_inputs import ERRORS, called, parts, shape, text

# Of each model that a GAN was made of, the step of that GAN.
_steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def generator(model, *, sample_shape, latent_dim: int, num_classes=None, discrete=False):
    """The generator that `model` is, as a model from {"z"} or {"z", "labels"} to samples.

    Args:
      model: what stands for a generator, or what a function has made.
      sample_shape: (H, W, C) or (D,), for the check of its range.
      latent_dim: of z.
      num_classes: of the labels, or None.
      discrete: whether its outputs are the logits of symbols.

    Raises:
      UserError: it is no such model; `GAN` compares the shape of its samples with the data's.
    """
    if not _needs_form(model, "z"):
        return model
    inputs, samples = called("generator", model, "z", (latent_dim,), num_classes)
    if not _is_tensor(samples):
        raise UserError(f"GAN.generator gives {_kind(samples)}: it must give samples [n, ...]")
    _check_range(model, len(sample_shape) == 3, discrete)
    return _with_weights("generator", keras.Model(inputs, samples, name="generator"))


def discriminator(model, *, sample_shape, num_classes=None):
    """The discriminator that `model` is, as a model to {"logits": [n], "features": [n, F]}.

    Features of a model that gives logits alone are what its last layer with weights takes; of a
    subclass, whose layers no one sees in order, they are the logits.

    Args:
      model: what stands for a discriminator, or what a function has made.
      sample_shape: (H, W, C) or (D,).
      num_classes: of the labels, or None.

    Raises:
      UserError: it is no such model.
    """
    if not _needs_form(model, "images"):
        return model
    outputs = with_features(model)
    inputs, made = called("discriminator", outputs, "images", tuple(sample_shape), num_classes)
    made = made if isinstance(made, dict) else _named(made)
    logits = made.get("logits")
    if not _is_tensor(logits) or tuple(logits.shape[1:]) not in ((), (1,)):
        raise UserError(
            f"GAN.discriminator gives {_kind(logits)}: it must give logits [n, 1] or [n], or a dict"
            " of logits [n] and features [n, F]"
        )
    if (activation := end(model)) in ("sigmoid", "hard_sigmoid", "softmax"):
        raise UserError(
            f"GAN.discriminator ends in a {activation}, but losses are of logits: leave it out"
            " (@least_squares_on_probabilities applies one of its own)"
        )
    made["logits"] = keras.layers.Reshape((), name="logits")(logits)
    made["features"] = keras.layers.Flatten(name="features")(made.get("features", logits))
    return _with_weights("discriminator", keras.Model(inputs, made, name="discriminator"))


def in_float32(player: str, model):
    """The player with float32 outputs, whatever its layers compute in; itself if they are.

    Here, where a model becomes a player, and not where its samples stand beside real ones: so those
    that are trained on, drawn, scored and exported are of one type, and losses are summed in it.

    Args:
      player: "generator" or "discriminator", for messages.
      model: of Keras; anything else is returned as it is.

    Raises:
      UserError: an output is not of floats.
    """
    if not isinstance(model, keras.Model):
        return model  # `compatibility.check_players` tells
    outputs = model.output if isinstance(model.output, dict) else {None: model.output}
    for output in outputs.values():
        if not keras.backend.is_float_dtype(output.dtype):
            raise UserError(f"GAN.{player} gives {output.dtype}: it must give floats")
    if all(output.dtype == "float32" for output in outputs.values()):
        return model
    cast = {
        name: keras.layers.Activation("linear", dtype="float32", name=name and f"{name}_float32")(x)
        for name, x in outputs.items()
    }
    return keras.Model(model.input, cast.get(None, cast), name=model.name)


def check_apart(generator, discriminator):
    """Refuses one model as both players, or two that share weights.

    Raises:
      UserError: as it says.
    """
    of_d = {id(variable) for variable in discriminator.variables}
    if any(id(variable) in of_d for variable in generator.variables):
        raise UserError("GAN.generator and GAN.discriminator share weights: make two models")


# --- What a model tells of itself --------------------------------------------------------------


def latent_dim(model) -> int:
    """The dimension of z that a Keras generator takes.

    Raises:
      UserError: it does not tell.
    """
    taken = shape(parts(model, "z")[0])
    if taken is None or len(taken) != 2 or taken[1] is None:
        takes = "is not built" if taken is None else f"takes {text(['n', *taken[1:]])}"
        raise UserError(
            f"GAN.generator {takes}, which does not tell the dimension of z [n, d]: begin it with "
            "keras.Input((d,)), or give latents=Normal(d)"
        )
    return taken[1]


def sample_shape(generator, discriminator) -> tuple[int, ...]:
    """The shape of samples that two Keras players tell.

    Raises:
      UserError: neither does.
    """
    found = []
    if isinstance(discriminator, keras.Model):
        found.append(shape(parts(discriminator, "images")[0]))
    if isinstance(generator, keras.Model):
        outputs = getattr(generator, "outputs", None)
        found.append(shape(outputs[0]) if outputs else None)
    for known in found:
        if known is not None and len(known) > 1 and None not in known[1:]:
            return known[1:]
    raise UserError(
        "GAN.sample_shape is not given: it must be (height, width, channels), or (D,) of points; "
        "Keras models that begin with keras.Input tell it themselves, and train that of the data "
        "(write @GAN, without parentheses, or functools.partial(GAN, ...))"
    )


def copy(model):
    """Another model of the same layers, for the moving average; with weights of its own.

    Raises:
      UserError: Keras cannot make one.
    """
    try:
        if getattr(model, "inputs", None):
            twin = keras.models.clone_model(model)
        else:
            twin = type(model).from_config(_accepted(type(model), model.get_config()))
    except NotImplementedError as error:
        raise UserError(_uncopied("it has no get_config")) from error
    except ERRORS as error:
        raise UserError(_uncopied(first_line(error))) from error
    return twin


def check_copy(average, generator):
    """Refuses an average that a copied model cannot keep.

    Raises:
      UserError: it has other weights than the generator, or the same variables.
    """
    shapes = [[variable.shape for variable in one.variables] for one in (average, generator)]
    if shapes[0] != shapes[1]:
        raise UserError(_uncopied("its config makes other layers"))
    own = {id(variable) for variable in generator.variables}
    if any(id(variable) in own for variable in average.variables):
        raise UserError(_uncopied("its config hands on the same layers"))


def _accepted(kind: type, config: dict) -> dict:
    """What of a config the constructor takes: Keras adds names that many do not hand on."""
    parameters = inspect.signature(kind.__init__).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return config
    return {name: value for name, value in config.items() if name in parameters}


def _uncopied(reason: str) -> str:
    return (
        f"GAN.ema_decay needs a second generator, but Keras cannot copy this one ({reason}): give "
        "its class a get_config of all that its constructor takes, or give a function "
        "(sample_shape, latent_dim, num_classes) that makes it"
    )


def note(models, step) -> bool:
    """Notes that a GAN at `step`, a variable, trains the models; whether another has before."""
    models = [model for model in models if isinstance(model, keras.Model)]
    known = [_steps[model] for model in models if model in _steps]
    _steps.update({model: step for model in models})
    return any(int(other.numpy()) > 0 for other in known)


# --- Forms --------------------------------------------------------------------------------------


def _needs_form(model, first: str) -> bool:
    """Whether it is a Keras model whose inputs and outputs are named otherwise."""
    if not isinstance(model, keras.Model):
        return False  # `compatibility.check_players` tells
    inputs = getattr(model, "inputs", None) or ()
    if not {tensor.name for tensor in inputs} <= {first, "labels"} or not inputs:
        return True
    if first == "z":
        return isinstance(model, keras.Sequential) or not isinstance(model.input, dict)
    outputs = model.outputs if isinstance(model, keras.Sequential) else model.output
    if not isinstance(outputs, dict) or not {"logits", "features"} <= outputs.keys():
        return True
    return len(outputs["logits"].shape) != 1


# --- What it gives -----------------------------------------------------------------------------


def _is_tensor(value) -> bool:
    return isinstance(value, keras.KerasTensor)


def _kind(value) -> str:
    return text(["n", *value.shape[1:]]) if _is_tensor(value) else f"a {type(value).__name__}"


def _named(made) -> dict:
    """The outputs of a model without names: logits, or logits and features."""
    if isinstance(made, list | tuple) and len(made) == 2:
        return {"logits": made[0], "features": made[1]}
    return {"logits": made}


def _check_range(model, is_images: bool, discrete: bool):
    activation = end(model)
    if discrete and activation in ("sigmoid", "softmax", "tanh"):
        raise UserError(
            f"GAN.generator ends in a {activation}, but with GAN.alphabet it must give logits: "
            "leave it out"
        )
    if is_images and not discrete and activation in ("sigmoid", "hard_sigmoid", "softmax", "relu"):
        raise UserError(
            f"GAN.generator ends in a {activation}, which has no values below 0, but images are in "
            "[-1, 1]: end it in tanh"
        )


def _with_weights(player: str, model):
    if not model.trainable_variables:
        raise UserError(f"GAN.{player} has no weights to train: give a model that has")
    strategy = tf.distribute.get_strategy()
    if not all(strategy.extended.variable_created_in_scope(v.value) for v in model.variables):
        raise UserError(
            f"GAN.{player} was made outside of the strategy that distributes it: make it within "
            "`with strategy.scope()`, or give a function that makes it"
        )
    return model
