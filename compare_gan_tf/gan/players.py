"""Converts Keras models of any form into players.

A generator maps z [n, d], and labels if it takes them, to samples; a discriminator maps samples to
logits [n, 1] or [n], or to {"logits", "features"}. Players have one standard form: inputs "z" or
"images", and "labels"; outputs as in `architectures`. A player shares the weights of the given
model, which therefore trains in place, as under Keras' `fit`.
"""

import inspect
import weakref

import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.gan.player_ends import end, with_features
from compare_gan_tf.gan.player_inputs import ERRORS, called, parts, shape, text

# {Keras model: the step variable of the GAN that trains it}.
_steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def generator(model, *, sample_shape, latent_dim: int, num_classes=None, discrete=False):
    """Converts a model into a generator: {"z"} or {"z", "labels"} -> samples.

    Args:
      model: a Keras model, given or made by a function.
      sample_shape: (H, W, C) or (D,); images are checked for a final activation in [-1, 1].
      latent_dim: dimension of z.
      num_classes: number of classes, or None.
      discrete: whether the outputs are logits of symbols.

    Raises:
      UserError: the model is not a generator.
    """
    if not _needs_form(model, "z"):
        return model
    inputs, samples = called("generator", model, "z", (latent_dim,), num_classes)
    if not _is_tensor(samples):
        raise UserError(f"GAN.generator gives {_kind(samples)}: it must give samples [n, ...]")
    _check_range(model, len(sample_shape) == 3, discrete)
    return _with_weights("generator", keras.Model(inputs, samples, name="generator"))


def discriminator(model, *, sample_shape, num_classes=None):
    """Converts a model into a discriminator: samples -> {"logits": [n], "features": [n, F]}.

    If a model outputs logits only, its features are the input of its last layer with weights. For a
    subclass, whose order of layers is unknown, they are the logits.

    Args:
      model: a Keras model, given or made by a function.
      sample_shape: (H, W, C) or (D,).
      num_classes: number of classes, or None.

    Raises:
      UserError: the model is not a discriminator.
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
    """The player with outputs cast to float32; the model itself if they are float32 already.

    The cast is part of the player, so that samples in training, in scores and in exports have one
    type, and losses are summed in float32.

    Args:
      player: "generator" or "discriminator", for messages.
      model: a Keras model; anything else is returned unchanged.

    Raises:
      UserError: an output is not of a float type.
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
    """Refuses players that share weights, or are one model.

    Raises:
      UserError: they do.
    """
    of_d = {id(variable) for variable in discriminator.variables}
    if any(id(variable) in of_d for variable in generator.variables):
        raise UserError("GAN.generator and GAN.discriminator share weights: make two models")


# --- What a model declares ---------------------------------------------------------------------


def latent_dim(model) -> int:
    """The dimension of z that a Keras generator declares.

    Raises:
      UserError: it declares none.
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
    """The shape of samples that one of two Keras players declares.

    Raises:
      UserError: neither declares one.
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
    """A copy of a model with its own weights, for the moving average.

    Raises:
      UserError: Keras cannot copy the model.
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
    """Refuses a copy that cannot hold the average.

    Raises:
      UserError: the copy has weights of other shapes, or shares variables with the generator.
    """
    shapes = [[variable.shape for variable in one.variables] for one in (average, generator)]
    if shapes[0] != shapes[1]:
        raise UserError(_uncopied("its config makes other layers"))
    own = {id(variable) for variable in generator.variables}
    if any(id(variable) in own for variable in average.variables):
        raise UserError(_uncopied("its config hands on the same layers"))


def _accepted(kind: type, config: dict) -> dict:
    """The entries of a config that the constructor takes: Keras adds others to it."""
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
    """Records that a GAN trains these models; returns whether another GAN has trained one of them.

    Args:
      models: players as given to the GAN; only Keras models are recorded.
      step: the variable that counts the GAN's training steps.
    """
    models = [model for model in models if isinstance(model, keras.Model)]
    known = [_steps[model] for model in models if model in _steps]
    _steps.update({model: step for model in models})
    return any(int(other.numpy()) > 0 for other in known)


# --- Forms --------------------------------------------------------------------------------------


def _needs_form(model, first: str) -> bool:
    """Whether a Keras model is not in the standard form of players."""
    if not isinstance(model, keras.Model):
        return False  # `compatibility.check_players` tells
    inputs = getattr(model, "inputs", None) or ()
    if not {tensor.name for tensor in inputs} <= {first, "labels"} or not inputs:
        return True
    labels = next((tensor.shape[1:] for tensor in inputs if tensor.name == "labels"), ())
    if labels == (1,) or (labels and first == "z"):  # D may take one-hot labels, see `as_taken`
        return True
    if first == "z":
        return isinstance(model, keras.Sequential) or not isinstance(model.input, dict)
    outputs = model.outputs if isinstance(model, keras.Sequential) else model.output
    if not isinstance(outputs, dict) or not {"logits", "features"} <= outputs.keys():
        return True
    return len(outputs["logits"].shape) != 1


# --- Outputs -----------------------------------------------------------------------------------


def _is_tensor(value) -> bool:
    return isinstance(value, keras.KerasTensor)


def _kind(value) -> str:
    return text(["n", *value.shape[1:]]) if _is_tensor(value) else f"a {type(value).__name__}"


def _named(made) -> dict:
    """Names the outputs of a model: logits, or logits and features."""
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
