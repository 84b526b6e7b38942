"""What the architectures share: inputs, heads, and layers with the field's initial weights."""

import keras

from compare_gan_tf.errors import UserError


def _initial(stddev: float):
    return keras.initializers.RandomNormal(stddev=stddev)  # one per layer: a seed of its own


def dense(units: int, *, kernel_norm=None, stddev: float = 0.02, name: str):
    """A dense layer, kernel N(0, stddev), bias 0, optionally reparameterised by `kernel_norm`."""
    layer = keras.layers.Dense(units, kernel_initializer=_initial(stddev), name=name)
    return kernel_norm(layer) if kernel_norm else layer


def conv(filters: int, kernel: int, stride: int = 1, *, kernel_norm=None, name: str):
    """A SAME convolution, kernel N(0, 0.02), bias 0, optionally under `kernel_norm`."""
    layer = keras.layers.Conv2D(
        filters, kernel, stride, padding="same", kernel_initializer=_initial(0.02), name=name
    )
    return kernel_norm(layer) if kernel_norm else layer


def deconv(filters, kernel, stride, *, size_in, size_out, kernel_norm=None, name):
    """A SAME transposed convolution from sides `size_in` to `size_out` (a pair each)."""
    padding = None
    if any(out != stride * side for side, out in zip(size_in, size_out, strict=True)):
        padding = tuple(
            out - (side - 1) * stride - kernel + 2 * (kernel // 2)
            for side, out in zip(size_in, size_out, strict=True)
        )
    layer = keras.layers.Conv2DTranspose(
        filters,
        kernel,
        stride,
        padding="same",
        output_padding=padding,
        kernel_initializer=_initial(0.02),
        name=name,
    )
    return kernel_norm(layer) if kernel_norm else layer


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


def discriminator_model(inputs: dict, features, *, kernel_norm=None):
    """Ends a discriminator: flat features, one logit each."""
    features = keras.layers.Flatten(name="features")(features)
    logits = dense(1, kernel_norm=kernel_norm, name="logit")(features)
    logits = keras.layers.Reshape((), name="logits")(logits)
    return keras.Model(inputs, {"logits": logits, "features": features}, name="discriminator")


def require_images(shape: tuple[int, ...], architecture: str):
    """Refuses sample shapes that are not images.

    Raises:
      UserError: the shape is not (height, width, channels).
    """
    if len(shape) != 3:
        raise UserError(
            f"{architecture} needs images (height, width, channels) but the data set's samples "
            f"have shape {tuple(shape)}: use mlp.generator and mlp.discriminator"
        )


def require_unconditional(num_classes, architecture: str):
    """Refuses labels where an architecture has no place for them.

    Raises:
      UserError: `num_classes` is given.
    """
    if num_classes:
        raise UserError(
            f"{architecture} takes no labels but GAN.conditional is True: use mlp, or set "
            "GAN.conditional = False"
        )
