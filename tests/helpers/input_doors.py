"""The doors through which input comes, and a command with wrong input for each of them."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that must be refused.

    Attributes:
      arguments: of compare-gan.
      culprit: what the message must name; "" for nothing in particular.
      may_be_right: whether the input may be right by chance; then it is not counted.
      secret: what the message must not have.
    """

    arguments: list
    culprit: str = ""
    may_be_right: bool = False
    secret: str = ""


@dataclasses.dataclass(frozen=True)
class Door:
    """A kind of input.

    Attributes:
      name: of it.
      share: of the 1,000 inputs that belong to it.
      make: function (draw, folder, made) -> `Command`, which writes its files into the folder.
    """

    name: str
    share: int
    make: Callable


DOORS: dict[str, Door] = {}


def door(name: str, share: int) -> Callable:
    """Adds a function to `DOORS`."""

    def add(make):
        DOORS[name] = Door(name, share, make)
        return make

    return add
