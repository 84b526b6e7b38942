"""Residual networks over lines of characters (Hjelm et al., 2018, of Gulrajani et al., 2017).

Samples are one-hot vectors [length, symbols]; the generator's outputs are logits of that shape, for
`GAN.alphabet = @Characters()`.
"""

from typing import Annotated

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.shapes import Blocks
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, checked

_PROJECTION = Projection()
_NOTHING = blocks.Condition()


class _Characters:
    def check(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuses what is not (length, symbols); `name` is that of the argument."""
        if len(shape) != 2:
            raise UserError(
                f"{name.rpartition('.')[0]} needs one-hot characters (length, symbols) but the "
                f"samples have shape {tuple(shape)}: it is for GAN.alphabet = @Characters()"
            )


TextShape = Annotated[tuple[int, ...], _Characters()]


@gin.configurable(module="text_networks")
@checked(name="text_networks.generator")
def generator(
    sample_shape: TextShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 256,
    depth: Blocks = 3,
    kernel: Count = 5,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
):
    """A dense layer, `depth` residual blocks of two 1D convolutions, a convolution to the symbols.

    Args:
      sample_shape: (length, symbols).
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels; published: 256.
      depth: residual blocks; published: 3.
      kernel: places that a convolution sees; published: 5.
      norm: makes the normalisations, before each convolution of the blocks.
      kernel_norm: reparameterises every kernel; None for none.
    """
    length, symbols = sample_shape
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, norm)
    x = blocks.dense(length * width, kernel_norm=kernel_norm, name="dense")(x)
    x = keras.layers.Reshape((length, width))(x)
    for index in range(depth):
        x = _block(x, width, kernel, norm, kernel_norm, f"block{index}", condition)
    x = blocks.normalise(norm, x, name="norm", condition=condition)
    x = keras.layers.ReLU()(x)
    logits = blocks.conv_1d(symbols, 1, kernel_norm=kernel_norm, name="characters")(x)
    return blocks.generator_model(inputs, logits)


@gin.configurable(module="text_networks")
@checked(name="text_networks.discriminator")
def discriminator(
    sample_shape: TextShape,
    num_classes=None,
    *,
    width: Count = 256,
    depth: Blocks = 3,
    kernel: Count = 5,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _PROJECTION,
):
    """A 1x1 convolution, `depth` residual blocks, one logit.

    Args:
      sample_shape: (length, symbols).
      num_classes: of the labels, or None.
      width: channels; published: 256.
      depth: residual blocks; published: 3.
      kernel: places that a convolution sees; published: 5.
      norm: makes the normalisations of the blocks; published: none.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
    """
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = blocks.conv_1d(width, 1, kernel_norm=kernel_norm, name="embedding")(x)
    for index in range(depth):
        x = _block(x, width, kernel, norm, kernel_norm, f"block{index}")
    x = keras.layers.ReLU()(x)
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )


def _block(x, width, kernel, norm, kernel_norm, name, condition=_NOTHING):
    """x + conv(relu(norm(conv(relu(norm(x))))))."""
    shortcut = x
    for index in range(2):
        x = blocks.normalise(norm, x, name=f"{name}_norm{index}", condition=condition)
        x = keras.layers.ReLU()(x)
        x = blocks.conv_1d(width, kernel, kernel_norm=kernel_norm, name=f"{name}_conv{index}")(x)
    return keras.layers.Add(name=name)([shortcut, x])
