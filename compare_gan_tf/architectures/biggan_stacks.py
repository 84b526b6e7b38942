"""Stacks of residual blocks with attention, for SAGAN and BigGAN."""

from typing import NamedTuple

from compare_gan_tf.architectures.biggan_attention import attended_blocks
from compare_gan_tf.architectures.biggan_blocks import (
    FIRST_SIDE,
    discriminator_block,
    generator_block,
)
from compare_gan_tf.architectures.biggan_kernels import Kernels
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import attention as attend


class Widths(NamedTuple):
    """An entry of a table of published networks."""

    multiples: tuple[int, ...]  # of `ch`: of G's first maps and each block's; of D's blocks
    attention: tuple = ()  # see `attended_blocks`
    halvings: int | None = None  # number of D's first blocks that halve the sides


def doubling_blocks(
    x, widths, *, conditions, kernels: Kernels, norm, upsample, attention, architecture: str
):
    """G's blocks B1, B2, ... with `widths` channels; each doubles the sides.

    Args:
      x: [n, h, w, c].
      widths: channels of each block.
      conditions: a `blocks.Condition` for each block.
      kernels: makes the convolutions.
      norm: makes the normalisations.
      upsample: makes layers that double the sides.
      attention: names of blocks, or sides of the maps that they make.
      architecture: for messages.
    """
    names = [f"B{index + 1}" for index in range(len(widths))]
    sides = {name: x.shape[1] * 2 ** (index + 1) for index, name in enumerate(names)}
    attended = attended_blocks(attention, sides, last=False, option=f"{architecture}.attention")
    for name, width, condition in zip(names, widths, conditions, strict=True):
        x = generator_block(
            x,
            width,
            name=name,
            kernels=kernels,
            norm=norm,
            condition=condition,
            upsample=upsample,
        )
        x = attention_behind(x, name, attended, kernels)
    return x


def halving_blocks(
    x,
    widths,
    halvings: int,
    *,
    kernels: Kernels,
    norm,
    shortcut,
    attention,
    first_relu: bool,
    architecture: str,
    narrow: bool = False,
    relu_shortcut: bool = False,
):
    """D's blocks B1, B2, ... with `widths` channels; the first ones halve the sides.

    Args:
      x: [n, h, w, c].
      widths: channels of each block.
      halvings: number of first blocks that halve the sides, rounded up.
      kernels: makes the convolutions.
      norm: makes the normalisations.
      shortcut: of each block, see `discriminator_block`.
      attention: names of blocks, or sides of the maps that they make.
      first_relu: whether B1 begins with a ReLU.
      architecture: for messages.
      narrow: whether the first convolution of each block but B1 keeps the number of channels.
      relu_shortcut: whether the shortcuts of all blocks but B1 take relu(x).
    """
    if not 0 <= halvings <= len(widths):
        raise UserError(
            f"{architecture}.halvings is {halvings}, but there are {len(widths)} blocks: take 0 "
            f"to {len(widths)}"
        )
    names = [f"B{index + 1}" for index in range(len(widths))]
    sides = {
        name: -(-x.shape[1] // 2 ** min(index + 1, halvings)) for index, name in enumerate(names)
    }
    attended = attended_blocks(attention, sides, last=True, option=f"{architecture}.attention")
    for index, (name, width) in enumerate(zip(names, widths, strict=True)):
        x = local_features(x) if name == names[-1] else x
        x = discriminator_block(
            x,
            width,
            name=name,
            kernels=kernels,
            norm=norm,
            shortcut=shortcut,
            halve=index < halvings,
            first_relu=first_relu or index > 0,
            hidden=x.shape[-1] if narrow and index else None,
            relu_shortcut=relu_shortcut and index > 0,
        )
        x = attention_behind(x, name, attended, kernels)
    return x


def attention_behind(x, name: str, attended, kernels: Kernels):
    """Applies attention to x if block `name` is in `attended`; else returns x."""
    if name not in attended:
        return x
    return attend(
        x, kernel_norm=kernels.norm, initializer=kernels.initializer, name=f"{name}_attention"
    )


def require_doublings(multiples, side: int, architecture: str):
    """Raises a UserError if G's blocks do not lead from 4 px to the size of the images."""
    made = FIRST_SIDE * 2 ** (len(multiples) - 1)
    if made != side:
        raise UserError(
            f"{architecture}.multiples has {len(multiples)} numbers, which makes images of {made} "
            f"px, but the data set's have {side}: give one for 4 px and one for each doubling"
        )
