"""Parts that architectures share: inputs, outputs, and layers with common initial weights."""

import functools
from typing import Annotated, Any, NamedTuple

import keras

from compare_gan_tf.architectures import logits
from compare_gan_tf.architectures.conditioning import AppendLabels, OneHot
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.layers.resized_conv import resized_conv
from compare_gan_tf.settings import keras_insides, kinds
from compare_gan_tf.settings.signatures import Function


def _initial(stddev: float):
    return keras.initializers.RandomNormal(stddev=stddev)  # one per layer, with its own seed


def dense(units: int, *, kernel_norm=None, stddev: float = 0.02, biased: bool = True, name: str):
    """A dense layer, kernel N(0, stddev), bias 0, optionally reparameterised by `kernel_norm`."""
    layer = keras.layers.Dense(
        units, use_bias=biased, kernel_initializer=_initial(stddev), name=name
    )
    return reparameterised(layer, kernel_norm)


def conv(filters: int, kernel: int, stride: int = 1, *, name: str, **options):
    """A SAME convolution, kernel N(0, 0.02), bias 0.

    Options are `kernel_norm`, and `up` and `down`, which resize maps: see `resized_conv`.
    """
    settings = {"strides": stride, "kernel_initializer": _initial(0.02), "name": name}
    return resized_conv(filters, kernel, **settings, **options)


def conv_1d(filters: int, kernel: int, *, kernel_norm=None, name: str):
    """A SAME convolution over places [n, length, c], kernel N(0, 0.02), bias 0."""
    layer = keras.layers.Conv1D(
        filters, kernel, padding="same", kernel_initializer=_initial(0.02), name=name
    )
    return reparameterised(layer, kernel_norm)


def deconv(
    filters,
    kernel,
    stride,
    *,
    size_in,
    size_out,
    kernel_norm=None,
    kernel_initializer=None,
    biased=True,
    name,
):
    """A SAME transposed convolution from sides `size_in` to `size_out` (a pair each).

    It is the gradient of the SAME convolution from `size_out` to `size_in`. Keras has an output
    padding for odd kernels; for even kernels, an odd side is an even one without its last pixel.
    `kernel_initializer` is None for N(0, 0.02).
    """
    excess = [stride * side - out for side, out in zip(size_in, size_out, strict=True)]
    padding = None
    if any(excess) and kernel % 2:
        padding = tuple(stride - 1 - surplus for surplus in excess)
    layer = keras.layers.Conv2DTranspose(
        filters,
        kernel,
        stride,
        padding="same",
        output_padding=padding,
        use_bias=biased,
        kernel_initializer=kernel_initializer or _initial(0.02),
        name=name,
    )
    layer = reparameterised(layer, kernel_norm)
    if not any(excess) or padding:
        return layer
    crop = keras.layers.Cropping2D([(0, surplus) for surplus in excess], name=f"{name}_crop")
    return lambda x: crop(layer(x))


def halved(size: tuple[int, int], times: int) -> list[tuple[int, int]]:
    """The sides after 0, 1, ..., `times` halvings, rounded up: (28, 28) -> ... (7, 7), (4, 4)."""
    sizes = [tuple(size)]
    for _ in range(times):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


def latent_input(dim: int):
    """The generator's input "z"."""
    return keras.Input((dim,), name="z")


def image_input(shape: tuple[int, ...]):
    """The discriminator's input "images"."""
    return keras.Input(shape, name="images")


def label_input():
    """The input "labels", int32 [n]."""
    return keras.Input((), dtype="int32", name="labels")


class Condition(NamedTuple):
    """What a generator's normalisations may depend on; None if it does not exist."""

    z: Any = None  # [n, d]
    labels: Any = None  # [n, c]: one-hot, embedded, or concatenated with a part of z


_NOTHING = Condition()
_NORM = "a function that makes a layer such as @batch_norm, or @no_norm for none"
Norm = Annotated[Any, Function(name="", like=_NORM, classes=True)]


def normalise(norm, x, *, name: str, condition: Condition = _NOTHING):
    """Calls the layer `norm(name=name)` on x and on the conditions that it needs.

    A layer declares them in its attribute `conditions`, such as ("labels",), and is then called on
    the list [x, labels].

    Raises:
      UserError: the network does not have one of these conditions at this layer.
    """
    layer = _made(norm, name)
    asked = getattr(layer, "conditions", ())
    missing = [kind for kind in asked if getattr(condition, kind) is None]
    if missing:
        raise UserError(
            f"{type(layer).__name__} cannot be the normalisation {name!r}: it needs "
            f"{' and '.join(missing)}, which {_lacks(missing, condition)}"
        )
    return layer([x, *(getattr(condition, kind) for kind in asked)]) if asked else layer(x)


def _made(norm, name: str):
    """The layer that `norm` makes.

    Raises:
      UserError: it makes something else.
    """
    layer = kinds.tried("norm", norm, like=_NORM, classes=True, name=name)
    if not isinstance(layer, keras.layers.Layer):
        raise UserError(
            f"norm is {kinds.shown(norm)}: it must be {_NORM}; it makes {kinds.shown(layer)}"
        )
    return layer


def _lacks(missing, condition: Condition) -> str:
    """The end of the message about missing conditions: who has them, and what to do."""
    if all(given is None for given in condition):
        return "only a generator has: take another norm for the discriminator"
    if "labels" in missing:
        return (
            "only a conditional generator has: set GAN.conditional = True, with a data set that "
            "has labels, or take another norm"
        )
    return f"this generator does not give its norms beside {_given(condition)}: take another norm"


def _given(condition: Condition) -> str:
    return " and ".join(kind for kind, x in condition._asdict().items() if x is not None)


def conditions(norm) -> tuple[str, ...]:
    """The conditions of the layers that `norm` makes: (), or some of ("z", "labels")."""
    return getattr(_made(norm, "probe"), "conditions", ())


def uses_labels(norm) -> bool:
    """Whether the layers that `norm` makes depend on labels."""
    return "labels" in conditions(norm)


def one_hot_labels(num_classes: int | None):
    """(the input {"labels": ...} of a player, one-hot labels); ({}, None) without classes."""
    if not num_classes:
        return {}, None
    labels = label_input()
    return {"labels": labels}, OneHot(num_classes, name="one_hot")(labels)


def generator_input(latent_dim: int, num_classes: int | None):
    """(G's inputs {"z", "labels"}, the `Condition` of z and one-hot labels)."""
    z = latent_input(latent_dim)
    inputs, labels = one_hot_labels(num_classes)
    return {"z": z, **inputs}, Condition(z, labels)


def first_input(z, labels, norm):
    """The input of G's first layer: z, concatenated with labels [n, c] unless `norm` uses them."""
    if labels is None or uses_labels(norm):
        return z
    return AppendLabels(name="with_labels")([z, labels])


def generator_model(inputs: dict, images):
    """The generator from the inputs of `generator_input` to images [n, H, W, C] or points."""
    return keras.Model(inputs, images, name="generator")


def unsquashed(generator: keras.Model) -> keras.Model:
    """The generator without its final tanh or sigmoid: its outputs are logits, for `GAN.alphabet`.

    A generator without a final activation is returned unchanged.
    """
    output = generator.output
    last = keras_insides.origin(output)[0]
    if isinstance(last, keras.layers.Rescaling):
        output = last.input
        last = keras_insides.origin(output)[0]
    if not isinstance(last, keras.layers.Activation):
        return generator
    return keras.Model(generator.input, last.input, name=generator.name)


def sigmoid_images(x):
    """Images 2 sigmoid(x) - 1, in (-1, 1)."""
    x = keras.layers.Activation("sigmoid", name="unit_images")(x)
    return keras.layers.Rescaling(2.0, offset=-1.0, name="images")(x)


def discriminator_input(
    sample_shape, num_classes: int | None, conditioning, *, flatten=False, unit_interval=False
):
    """D's inputs, and the tensors for its first layer.

    Args:
      sample_shape: of the images or points.
      num_classes: number of classes, or None.
      conditioning: see `conditioning`; None for none.
      flatten: whether x becomes [n, D].
      unit_interval: whether [-1, 1] is mapped to [0, 1].

    Returns:
      (inputs {"images", "labels"}; x, after the conditioning's `at_input`; one-hot labels, or None
      without classes or conditioning, when D has no input for labels).

    Raises:
      UserError: the conditioning needs labels, but there are no classes.
    """
    x = images = image_input(sample_shape)
    if unit_interval:
        x = keras.layers.Rescaling(0.5, offset=0.5, name="unit_interval")(x)
    if flatten:
        x = keras.layers.Flatten()(x)
    inputs, labels = _discriminator_labels(num_classes, conditioning)
    x = x if labels is None else conditioning.at_input(x, labels)
    return {"images": images, **inputs}, x, labels


def _discriminator_labels(num_classes: int | None, conditioning):
    """(D's input {"labels": ...}, labels [n, K]); ({}, None) without labels."""
    if not num_classes and getattr(conditioning, "needs_labels", False):
        raise UserError(
            f"conditioning is {type(conditioning).__name__} but there are no classes "
            f"(num_classes = {num_classes}): set GAN.conditional = True, with a data set that has "
            "labels, or take another conditioning"
        )
    if num_classes and getattr(conditioning, "takes_probabilities", False):
        labels = keras.Input((num_classes,), name="labels")
        return {"labels": labels}, labels
    return one_hot_labels(num_classes if conditioning else None)


@layers_in_full_precision()
def discriminator_model(
    inputs: dict, features, *, kernel_norm=None, conditioning=None, labels=None
):
    """Completes a discriminator: flat features, and one logit per sample plus the label term.

    These last layers compute in float32 under a mixed precision, too. Outputs of the conditioning
    become further outputs of D.

    Args:
      inputs: of the model, see `discriminator_input`.
      features: [n, ...].
      kernel_norm: reparameterises the last kernels; None for none.
      conditioning: see `conditioning`; None for none.
      labels: one-hot [n, K], or None.
    """
    features = keras.layers.Flatten(name="features")(features)
    logit = functools.partial(dense, 1, kernel_norm=kernel_norm, name="logit")
    return logits.scored(inputs, features, labels, logit, conditioning, kernel_norm)
