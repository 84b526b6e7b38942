"""SNGAN checkpoints of torch-mimicry as players of this package.

The networks of github.com/kwotsin/mimicry are those of `sagan` without attention. Their files are
read by `torch.load(weights_only=True)`, which runs no code of them.
"""

import pickle
import re

import keras
import numpy as np

from compare_gan_tf.architectures import sagan
from compare_gan_tf.architectures.residual import bilinear
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.layers import batch_norm, spectral_norm

# {number of G's blocks: {side of the first maps: side of the images}}
_SIDES = {3: {4: 32, 6: 48}, 4: {4: 64}, 5: {4: 128}}
# {side of the images: multiples of `ch` in G's first and D's last maps; blocks of D that halve}
_WIDTHS = {32: (4, 2, 2), 48: (8, 16, 4), 64: (16, 16, 5), 128: (16, 16, 5)}
_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
         "moving_variance": "running_var"}  # fmt: skip
_UNREADABLE = (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError)


def read(path: str) -> tuple[dict[str, np.ndarray], int]:
    """(arrays by name, step) of a file such as netG_100000_steps.pth.

    Raises:
      UserError: torch is missing, or the file is no checkpoint of mimicry.
    """
    try:
        import torch
    except ImportError as error:
        raise UserError(f"{path} needs torch: pip install torch") from error
    cure = "give a checkpoint that mimicry has saved"
    with as_user_error(f"cannot read {path}", *_UNREADABLE, cure=cure):
        found = torch.load(path, weights_only=True, map_location="cpu")
    try:
        arrays = {name: value.numpy() for name, value in found["model_state_dict"].items()}
        return arrays, int(found["global_step"])
    except (LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} has no model_state_dict and global_step: {cure}") from error


def generator(arrays: dict[str, np.ndarray]) -> keras.Model:
    """The generator with these weights: {"z": [n, nz]} -> images [n, side, side, 3] in [-1, 1].

    Raises:
      UserError: they are not those of an SNGAN generator.
    """
    with _told("generator"):
        blocks = sum(re.fullmatch(r"block\d+\.c1\.weight", name) is not None for name in arrays)
        units, dim = arrays["l1.weight"].shape
        width = arrays["block2.c1.weight"].shape[1]
        first = round((units / width) ** 0.5)
        side = _SIDES[blocks][first]
        model = sagan.generator(
            (side, side, 3), dim, ch=width // _WIDTHS[side][0], norm=batch_norm, kernel_norm=None,
            upsample=bilinear, attention=(),
        )  # fmt: skip
        last = blocks + 2
        layers = {"fc_noise": "l1", "final_norm": f"b{last}", "final_conv": f"c{last}"}
        for i in range(1, blocks + 1):
            layers |= _block(i, i + 1)
            layers |= {f"B{i}_1_norm": f"block{i + 1}.b1", f"B{i}_2_norm": f"block{i + 1}.b2"}
        # z -> [channels, height, width] there, and [height, width, channels] here.
        reordered = arrays | {
            name: _channels_last(arrays[name], width, first) for name in ("l1.weight", "l1.bias")
        }
        return _filled(model, layers, reordered)


def discriminator(arrays: dict[str, np.ndarray], side: int) -> keras.Model:
    """The discriminator with these weights: {"images"} -> {"logits": [n], "features": [n, F]}.

    Raises:
      UserError: they are not those of an SNGAN discriminator for images of this side.
    """
    with _told("discriminator"):
        _, multiple, halvings = _WIDTHS[side]
        blocks = sum(re.fullmatch(r"block\d+\.c1\.bias", name) is not None for name in arrays)
        logit = min(name for name in arrays if name.startswith("l")).split(".")[0]
        width = arrays[f"{logit}.weight_orig"].shape[1]
        model = sagan.discriminator(
            (side, side, 3), ch=width // multiple, kernel_norm=spectral_norm, attention=(),
            halvings=halvings, narrow=True, relu_shortcut=True,
        )  # fmt: skip
        layers = {"logit": logit}
        for i in range(1, blocks + 1):
            layers |= _block(i, i)
        return _filled(model, layers, arrays)


def _block(ours: int, theirs: int) -> dict[str, str]:
    names = {"conv1": "c1", "conv2": "c2", "shortcut": "c_sc"}
    return {f"B{ours}_{name}": f"block{theirs}.{other}" for name, other in names.items()}


def _channels_last(values: np.ndarray, channels: int, side: int) -> np.ndarray:
    """The rows of the first layer in the order of maps [height, width, channels]."""
    maps = values.reshape(channels, side, side, *values.shape[1:])
    return np.moveaxis(maps, 0, 2).reshape(values.shape)


def _filled(model: keras.Model, layers: dict[str, str], arrays) -> keras.Model:
    """`model`, with each variable taken from the file; every array of the file must be used."""
    used = set()
    for variable in model.variables:
        layer, own = variable.path.split("/")[0], variable.path.split("/")[-1]
        name, value = _found(layers[layer], own, arrays)
        if tuple(value.shape) != tuple(variable.shape):
            raise ValueError(f"{name} is of the shape {value.shape}, not {tuple(variable.shape)}")
        variable.assign(value)
        used.add(name)
    unused = {n for n in arrays if not n.endswith(("num_batches_tracked", "weight_u"))} - used
    if unused:
        raise ValueError(f"{min(unused)} has no counterpart")
    return model


def _found(layer: str, own: str, arrays) -> tuple[str, np.ndarray]:
    """(name in the file, value in our order of axes) of a variable."""
    if own == "kernel":
        name = f"{layer}.weight" if f"{layer}.weight" in arrays else f"{layer}.weight_orig"
        value = arrays[name]
        return name, value.T if value.ndim == 2 else value.transpose(2, 3, 1, 0)
    if own == "u":  # their v, of the inputs of the kernel: [in, height, width] there
        name = f"{layer}.weight_v"
        kernel, value = arrays[f"{layer}.weight_orig"], arrays[name]
        return name, np.moveaxis(value.reshape(kernel.shape[1:]), 0, -1).reshape(-1)
    name = f"{layer}.{_NORM.get(own, own)}"
    return name, arrays[name]


def _told(player: str):
    return as_user_error(
        f"this is no {player} of mimicry's SNGAN", LookupError, ValueError, TypeError,
        cure="give netG and netD of an SNGAN of 32, 48, 64 or 128 px",
    )  # fmt: skip
