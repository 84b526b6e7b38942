"""The bottleneck block of BigGAN-deep (Brock et al., 2019, figure 16)."""

import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.biggan_blocks import activate
from compare_gan_tf.architectures.biggan_kernels import Kernels
from compare_gan_tf.architectures.residual import resized

_NOTHING = blocks.Condition()


def deep_block(
    x,
    filters: int,
    *,
    name: str,
    kernels: Kernels,
    norm,
    condition=_NOTHING,
    upsample=None,
    downsample=None,
):
    """shortcut(x) + h, where h is x after four times conv(relu(norm(.))): 1x1, 3x3, 3x3, 1x1.

    The first three convolutions have max(c, filters) / 4 channels. If c > filters, the shortcut
    drops the last channels of x; if c < filters, it appends channels from a 1x1 convolution.

    Args:
      x: [n, h, w, c].
      filters: channels of the result.
      name: prefix of the layers'.
      kernels: makes the convolutions.
      norm: makes the four normalisations.
      condition: what these may depend on.
      upsample: makes a layer that doubles the sides, in front of the first 3x3, or None.
      downsample: makes a layer that halves them, in front of the last 1x1, or None.
    """
    few = max(x.shape[-1], filters) // 4
    h = x
    for index, (width, side) in enumerate([(few, 1), (few, 3), (few, 3), (filters, 1)], start=1):
        h = activate(h, norm=norm, name=f"{name}_{index}", condition=condition)
        h = resized(h, downsample, f"{name}_down") if index == 4 else h
        up = upsample if index == 2 else None
        h = kernels.conv(width, side, up=up, name=f"{name}_conv{index}")(h)
    shortcut = _shortcut(x, filters, name, kernels, upsample or downsample)
    return keras.layers.Add(name=name)([shortcut, h])


def _shortcut(x, filters, name, kernels, resize):
    missing = filters - x.shape[-1]
    x = x[..., :filters] if missing < 0 else x
    x = resized(x, resize, f"{name}_shortcut_resize")
    if missing <= 0:
        return x
    added = kernels.conv(missing, 1, name=f"{name}_shortcut")(x)
    return keras.layers.Concatenate(name=f"{name}_shortcut_joined")([x, added])
