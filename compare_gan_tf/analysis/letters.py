"""Compact letter display: which variants do not differ, as letters."""

import itertools
import string
from collections.abc import Iterator, Sequence

from compare_gan_tf.analysis.scores import array_of
from compare_gan_tf.errors import UserError

__all__ = ["letter_display"]


def letter_display(different, order: Sequence[int] | None = None) -> list[str]:
    """Letters of each variant; two share one where, and only where, they are not different.

    Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, 2004: a
    group of all variants, for each different pair, is split in two, without the one and without the
    other, and groups that lie in others are absorbed.

    Args:
      different: bool [V, V], symmetric, False on the diagonal.
      order: variants, best first; the group with the best of them is "a". By default as they come.

    Raises:
      UserError: the matrix is none of this kind.
    """
    different = array_of("rows of what is different", different)
    if different.ndim != 2 or different.dtype != bool or different.shape != different.T.shape:
        raise UserError("what is different must be a square matrix of True and False")
    if (different != different.T).any() or different.diagonal().any():
        raise UserError("what is different must be symmetric, and no variant differs from itself")
    variants = range(len(different)) if order is None else list(order)
    place = {variant: at for at, variant in enumerate(variants)}
    groups = [frozenset(place)] if place else []
    for u, v in itertools.combinations(place, 2):
        if different[u, v]:
            split = [group - {w} for group in groups for w in (u, v) if {u, v} <= group]
            groups = _absorbed([group for group in groups if not {u, v} <= group] + split)
    groups = sorted(groups, key=lambda group: sorted(place[variant] for variant in group))
    named = list(zip(_names(), groups, strict=False))
    return ["".join(name for name, group in named if v in group) for v in range(len(different))]


def _absorbed(groups: list[frozenset]) -> list[frozenset]:
    """Without repeated groups and those that lie in another."""
    groups = list(dict.fromkeys(groups))
    return [group for group in groups if not any(group < other for other in groups)]


def _names() -> Iterator[str]:
    """a to z, A to Z, then a1, b1 and so on."""
    letters = string.ascii_letters
    yield from letters
    for number in itertools.count(1):
        yield from (f"{letter}{number}" for letter in letters)
