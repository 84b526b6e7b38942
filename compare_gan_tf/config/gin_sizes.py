"""Refuses a config whose few lines mean more values than any memory has.

Gin makes what a macro or a call stands for in each place anew: of thirty macros that are a list of
the one before twice, the last one means a billion values.
"""

from collections.abc import Callable
from typing import Any

from compare_gan_tf.config import gin_insides
from compare_gan_tf.config.gin_statements import Key, references
from compare_gan_tf.errors import UserError

_MOST = 100_000  # values


def check(bound: dict[Key, Any]) -> None:
    """Counts what every binding means, whether it is used or not.

    Args:
      bound: all bindings.

    Raises:
      UserError: names the first that means more than `_MOST` values.
    """
    count = _counter(bound)
    for key, value in bound.items():
        if (number := sum(count(key.scope, one) for one in references(value))) > _MOST:
            raise UserError(
                f"{key} means {number:,} values through the macros and calls in it, more than"
                f" {_MOST:,}: name fewer of them"
            )


def _counter(bound: dict[Key, Any]) -> Callable:
    """A function (scope, reference) -> number of values that the reference means there."""
    of_function: dict[str, list] = {}
    for key, value in bound.items():
        name = gin_insides.full_name(key.selector)
        of_function.setdefault(name, []).append((key.scope, list(references(value))))
    known: dict[tuple[str, str], int] = {}

    def count(scope: str, reference) -> int:
        if not reference.called:
            return 1
        called = reference.scope or scope, gin_insides.full_name(reference.selector)
        if called not in known:
            known[called] = 1  # of one that means itself, which gin refuses
            known[called] += sum(
                count(called[0], one)
                for at, inner in of_function.get(called[1], ())
                if not at or f"{called[0]}/".startswith(f"{at}/")
                for one in inner
            )
        return known[called]

    return count
