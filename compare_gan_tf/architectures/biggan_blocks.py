"""The residual blocks of SAGAN and BigGAN, and the layers before the first and after the last one.

Implementations differ in the shortcuts of D's blocks that keep the number of channels. So shortcuts
are functions: values for the `shortcut=` of a discriminator.
"""

import functools
from typing import Annotated, Any

import gin
import keras

from compare_gan_tf.architectures import blocks, logits
from compare_gan_tf.architectures.biggan_kernels import Kernels
from compare_gan_tf.architectures.pooling import pooled
from compare_gan_tf.architectures.residual import resized
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.precision import layers_in_full_precision
from compare_gan_tf.layers.resizing import mean_halving
from compare_gan_tf.settings.signatures import Function

FIRST_SIDE = 4  # of the maps that G begins with
_NOTHING = blocks.Condition()
Shortcut = Annotated[
    Any,
    Function(0, 0, halved=True, conv=None, like="a function such as @identity_shortcut"),
]


@gin.configurable(module="biggan")
def identity_shortcut(x, filters: int, *, halved: bool, conv):
    """x if it has `filters` channels, else conv(x).

    Args:
      x: [n, h, w, c], the block's input, pooled if the block halves the sides.
      filters: channels that the result must have.
      halved: whether x was pooled.
      conv: makes the layer of a 1x1 convolution to `filters` channels.
    """
    return x if x.shape[-1] == filters else conv()(x)


@gin.configurable(module="biggan")
def learned_shortcut(x, filters: int, *, halved: bool, conv):
    """conv(x) in blocks that change the sides or the channels, as in BigGAN-PyTorch; else x."""
    return conv()(x) if halved else identity_shortcut(x, filters, halved=halved, conv=conv)


@gin.configurable(module="biggan")
def no_shortcut(x, filters: int, *, halved: bool, conv):
    """conv(x) in blocks that change the channels, else no shortcut, as in compare_gan."""
    return None if x.shape[-1] == filters else conv()(x)


def first_maps(z, filters: int, *, kernels: Kernels, side: int = FIRST_SIDE):
    """A dense layer from z to maps [n, side, side, filters]."""
    x = kernels.dense(side**2 * filters, name="fc_noise")(z)
    return keras.layers.Reshape((side, side, filters), name="maps")(x)


def activate(x, *, norm, name: str, condition=_NOTHING, relu: bool = True):
    """relu(norm(x)), or without the ReLU."""
    x = blocks.normalise(norm, x, name=f"{name}_norm", condition=condition)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def generator_block(x, filters: int, *, name: str, kernels: Kernels, norm, condition, upsample):
    """conv1x1(up(x)) + conv3x3(relu(norm(conv3x3(up(relu(norm(x))))))): the sides are doubled.

    Args:
      x: [n, h, w, c].
      filters: channels of the result.
      name: prefix of the layers'.
      kernels: makes the convolutions.
      norm: makes the two normalisations.
      condition: what these may depend on.
      upsample: makes a layer that doubles the sides.
    """
    shortcut = kernels.conv(filters, 1, up=upsample, name=f"{name}_shortcut")(x)
    x = activate(x, norm=norm, name=f"{name}_1", condition=condition)
    x = kernels.residual_conv(filters, up=upsample, name=f"{name}_conv1")(x)
    x = activate(x, norm=norm, name=f"{name}_2", condition=condition)
    x = kernels.residual_conv(filters, name=f"{name}_conv2")(x)
    return keras.layers.Add(name=name)([shortcut, x])


def discriminator_block(
    x,
    filters: int,
    *,
    name: str,
    kernels: Kernels,
    norm,
    shortcut,
    halve: bool,
    first_relu: bool,
    hidden: int | None = None,
    relu_shortcut: bool = False,
):
    """shortcut(down(x)) + down(conv3x3(relu(norm(conv3x3(relu(norm(x))))))).

    down is the mean over 2x2 pixels. It comes before the shortcut's 1x1 convolution, which is the
    same as after it.

    Args:
      x: [n, h, w, c].
      filters: channels of the result.
      name: prefix of the layers'.
      kernels: makes the convolutions.
      norm: makes the two normalisations.
      shortcut: `identity_shortcut`, `learned_shortcut` or `no_shortcut`.
      halve: whether the sides are halved.
      first_relu: whether there is a first ReLU; use False if x are images in [-1, 1].
      hidden: channels between the two convolutions; None for `filters`.
      relu_shortcut: whether the shortcut takes relu(x).
    """
    down = mean_halving if halve else None
    source = keras.layers.ReLU(name=f"{name}_shortcut_relu")(x) if relu_shortcut else x
    bypass = shortcut(
        resized(source, down, f"{name}_shortcut_down"),
        filters,
        halved=halve,
        conv=lambda: kernels.conv(filters, 1, name=f"{name}_shortcut"),
    )
    x = activate(x, norm=norm, name=f"{name}_1", relu=first_relu)
    x = kernels.residual_conv(hidden or filters, name=f"{name}_conv1")(x)
    x = activate(x, norm=norm, name=f"{name}_2")
    x = kernels.residual_conv(filters, down=down, name=f"{name}_conv2")(x)
    # Keras numbers the weights of the first addend first, and checkpoints go by number.
    addends = [x, bypass] if halve else [bypass, x]
    return x if bypass is None else keras.layers.Add(name=name)(addends)


def to_images(x, channels: int, *, kernels: Kernels, norm, condition, filters: int | None = None):
    """Norm, ReLU, a 3x3 convolution and tanh to images [n, H, W, channels] in [-1, 1].

    With `filters` the convolution has that many channels; the first ones are the images.
    """
    x = activate(x, norm=norm, name="final", condition=condition)
    x = kernels.conv(filters or channels, 3, name="final_conv")(x)
    return keras.layers.Activation("tanh", name="images")(x[..., :channels] if filters else x)


@layers_in_full_precision()
def discriminator_model(inputs: dict, x, labels, *, kernels: Kernels, conditioning, pooling):
    """Completes a discriminator: features pooling(relu(x)), [n, c], and one logit per sample.

    Args:
      inputs: of the model, see `blocks.discriminator_input`.
      x: [n, h, w, c].
      labels: one-hot [n, K], or None.
      kernels: makes the last layer; its `norm` also reparameterises the conditioning's kernels.
      conditioning: see `conditioning`; None for none.
      pooling: see `pooling`.
    """
    features = pooled(keras.layers.ReLU(name="final_relu")(x), pooling)
    features = keras.layers.Identity(name="features")(features)
    logit = functools.partial(kernels.dense, 1, name="logit")
    return logits.scored(inputs, features, labels, logit, conditioning, kernels.norm)


def published(table: dict, side: int, option: str):
    """The entry of a table of published networks for images of this side.

    Raises:
      UserError: there is none.
    """
    if side not in table:
        sides = ", ".join(map(str, table))
        raise UserError(
            f"{option} is known for images of {sides} px, but the data set's have {side}: resize "
            "them, or take dcgan, sndcgan or infogan, which make any"
        )
    return table[side]
