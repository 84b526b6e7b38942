"""The positions of attention in SAGAN and BigGAN: the blocks that it follows."""

from typing import Annotated, Any

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import shown


class _Places:
    def check(self, name: str, value: Any) -> None:
        """Refuses what names no blocks; `name` is that of the setting."""
        places = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(place, str | int) for place in places):
            raise UserError(
                f"{name} is {shown(value)}: it must be a block such as 'B4', a side of maps such "
                "as 64, or a list of these"
            )


Attention = Annotated[Any, _Places()] | None


def attended_blocks(attention, resolutions: dict[str, int], *, last: bool, option: str):
    """The names of the blocks that attention follows, as a set.

    Args:
      attention: names of blocks, such as "B4", or sides of their maps, such as 64, or a tuple of
        several; () for none.
      resolutions: {name of a block: side of its output maps}, in order.
      last: whether a side means the last block with maps of that side, else the first.
      option: name of the setting, for the message.

    Raises:
      UserError: there is no such block.
    """
    places = (attention,) if isinstance(attention, str | int) else attention
    return {_block(place, resolutions, last, option) for place in places}


def _block(place, resolutions, last, option):
    if place in resolutions:
        return place
    names = [name for name, side in resolutions.items() if side == place]
    if not names:
        there = ", ".join(f"{name} ({side} px)" for name, side in resolutions.items())
        raise UserError(
            f"{option} has {place!r}, but the blocks here are {there}: give names or sides of "
            "these, or () for no attention"
        )
    return names[-1 if last else 0]
