"""Types for signatures: depths of networks, and shapes of the images that they support."""

import math
from collections.abc import Collection
from typing import Annotated

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Number

# Keras follows some hundred layers after each other; published GANs have 30.
Layers = Annotated[int, Number(least=0, most=100, whole=True, unit="layers")]
Blocks = Annotated[int, Number(least=0, most=100, whole=True, unit="blocks")]


class Images:
    """Checks the shape (height, width, channels) of a data set's samples.

    Args:
      square: whether height and width must be equal.
      factor: height and width must be multiples of it.
      sides: the possible sides of squares, or None for any.
    """

    def __init__(
        self, *, square: bool = False, factor: int = 1, sides: Collection[int] | None = None
    ):
        self.square, self.factor, self.sides = square, factor, sides

    def check(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuses another shape; `name` is that of the argument."""
        architecture = name.rpartition(".")[0]
        if len(shape) != 3:
            raise UserError(
                f"{architecture} needs images (height, width, channels) but the data set's samples "
                f"have shape {tuple(shape)}: use mlp.generator and mlp.discriminator"
            )
        height, width, _ = shape
        if needed := self._needed(height, width):
            raise UserError(
                f"{architecture} {needed}, but the data set's are {height} x {width}: take dcgan, "
                "sndcgan or infogan, which make any"
            )

    def _needed(self, height: int, width: int) -> str | None:
        """The requirement that these images do not meet, or None."""
        if self.square and height != width:
            return "needs square images"
        if height % self.factor or width % self.factor:
            return f"makes images whose sides are multiples of {self.factor}"
        if self.sides is not None and (height != width or height not in self.sides):
            return f"makes squares with sides of {', '.join(map(str, self.sides))}"
        return None


ImageShape = Annotated[tuple[int, ...], Images()]
SquareShape = Annotated[tuple[int, ...], Images(square=True)]


def doublings(side: int, first: int, architecture: str) -> int:
    """How often `first` px are doubled to `side` px.

    Args:
      side: of the images.
      first: the smallest possible side.
      architecture: its name, for messages.

    Raises:
      UserError: `side` is not `first` times a power of 2.
    """
    times = math.log2(side / first)
    if times < 0 or not times.is_integer():
        raise UserError(
            f"{architecture} needs images of {first}, {2 * first}, {4 * first}, ... px, but the "
            f"data set's have {side}: resize them, or take dcgan, sndcgan or infogan, which make "
            "any"
        )
    return int(times)
