"""Files of the players in the formats of other libraries, which are written on request.

They are no part of every export. Each needs a package that not everybody has, and what an export
holds must not depend on the packages of a machine; converting takes seconds, and longer for large
networks.
"""

import importlib.util
import os
from collections.abc import Callable, Collection
from typing import NamedTuple

import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.export import litert_files, onnx_files, players, safetensors_files

_LONGEST_REASON = 300  # characters of a library's error message
_BOTH = ("generator", "discriminator")


class Format(NamedTuple):
    """A format of files.

    Attributes:
      suffix: of the name of a file, with the dot.
      packages: modules that must be installed; the extra of this package that has them is named as
        the format.
      content: makes the content of a file, after a check that it gives what the player gives.
      players: whose files there are.
    """

    suffix: str
    packages: tuple[str, ...]
    content: Callable[[players.Player], bytes]
    players: tuple[str, ...] = _BOTH


FORMATS = {
    "onnx": Format(".onnx", ("tf2onnx", "onnxruntime"), onnx_files.content),
    # Phones and browsers draw samples; D stays where it is trained.
    "litert": Format(".tflite", ("ai_edge_litert",), litert_files.content, ("generator",)),
    "safetensors": Format(".safetensors", ("safetensors",), safetensors_files.content),
}


def require(formats: Collection[str]) -> None:
    """Checks, before anything is written, that formats exist and that their packages are installed.

    Raises:
      UserError: it names what is missing.
    """
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"the format {name!r} is none of {', '.join(FORMATS)}")
        for package in FORMATS[name].packages:
            if importlib.util.find_spec(package) is None:
                raise UserError(
                    f"the format {name} needs {package}: pip install 'compare_gan_tf[{name}]'"
                )


def write(folder: str, gan, formats: Collection[str]) -> dict[str, str]:
    """Writes the files of both players into a folder, each after it was checked.

    Args:
      folder: of the export.
      gan: a built GAN.
      formats: names in `FORMATS`.

    Returns:
      {name: file}, such as {"generator_onnx": "generator.onnx"}.

    Raises:
      UserError: a format cannot express a network, or its file gives other outputs.
    """
    written = {}
    made = players.players(gan) if formats else {}
    for name in (name for name in FORMATS if name in formats):
        for player in FORMATS[name].players:
            file = player + FORMATS[name].suffix
            content = _content(name, file, made[player])
            with tf.io.gfile.GFile(os.path.join(folder, file), "wb") as opened:
                opened.write(content)
            written[f"{player}_{name}"] = file
    return written


def _content(name: str, file: str, player: players.Player) -> bytes:
    try:
        return FORMATS[name].content(player)
    except Exception as error:  # those of converters have no common base but this one
        reason = first_line(error)[:_LONGEST_REASON].removesuffix(".")
        raise UserError(
            f"{file} cannot be made: {reason}; leave {name} out of the formats"
        ) from error
