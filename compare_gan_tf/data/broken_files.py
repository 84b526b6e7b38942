"""Policies for image files that cannot be read: `data.load.broken = @skip_broken`."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import gin
from absl import logging

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Fraction, Function, checked

_LISTED = 20


class Problem(NamedTuple):
    """A sample that cannot be used.

    Attributes:
      name: of the file or record.
      reason: why.
    """

    name: str
    reason: str


def listing(problems: list[Problem]) -> str:
    """The problems in one line; of many, the first."""
    shown = "; ".join(f"{name}: {reason}" for name, reason in problems[:_LISTED])
    more = len(problems) - _LISTED
    return f"{shown}; and {more} more" if more > 0 else shown


@gin.configurable(module="data", denylist=["problems", "total", "where"])
def refuse_broken(problems: list[Problem], total: int, where: str) -> str:
    """Refuses a data set with broken images.

    Args:
      problems: the broken images.
      total: number of all images.
      where: they lie, for the message.

    Raises:
      UserError: always; it names the first 20 of them.
    """
    raise UserError(
        f"{len(problems)} of {total} images in {where} are broken: {listing(problems)}. Repair or"
        " remove them, or set data.load.broken = @skip_broken"
    )


@gin.configurable(module="data", denylist=["problems", "total", "where"])
@checked
def skip_broken(
    problems: list[Problem], total: int, where: str, max_fraction: Fraction = 0.1
) -> str:
    """Leaves broken images out; logs and returns a note with their number and names.

    Args:
      problems: the broken images.
      total: number of all images.
      where: they lie, for the message.
      max_fraction: the largest share of all images that may be broken, in [0, 1].

    Raises:
      UserError: they are more than `max_fraction` of all.
    """
    if len(problems) > max_fraction * total:
        raise UserError(
            f"{len(problems)} of {total} images in {where} are broken, more than skip_broken."
            f"max_fraction = {max_fraction}: {listing(problems)}"
        )
    note = f"{len(problems)} of {total} images in {where} are skipped: {listing(problems)}"
    logging.warning(note)
    return note


Policy = Annotated[
    Callable[[list[Problem], int, str], str],
    Function([], 0, "", like="a function such as @skip_broken"),
]
