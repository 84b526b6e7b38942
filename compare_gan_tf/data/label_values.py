"""Labels as files write them, numbers or names of classes, as the numbers that training needs."""

import collections
import re
from collections.abc import Sequence

import numpy as np

from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.naming import natural_key, printable
from compare_gan_tf.errors import UserError, as_user_error

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(nan|inf(inity)?)", re.I)
_MOST = 2**31 - 1


def numbered(values: list, names: Sequence[str], where: str):
    """(labels, number of classes, names of the classes), or three times None if no value is one.

    Args:
      values: of the N samples: whole numbers, also as text; or names of classes, which are numbered
        in their natural order; or lists of probabilities; None where there is no label.
      names: of the samples, for messages.
      where: they lie, for messages.

    Raises:
      UserError: they are of different kinds, or of another.
    """
    kinds = [None if value is None else _kind(value) for value in values]
    counts = collections.Counter(kind for kind in kinds if kind)
    wanted = counts.most_common(1)[0][0] if counts else None
    if wanted is None and "" not in kinds:
        return None, None, None
    for value, kind, name in zip(values, kinds, names, strict=True):
        if kind == "" or (kind and kind != wanted):
            raise UserError(
                f"the label {printable(repr(value)[:60])} of {printable(name)} in {where} is no"
                f" {wanted or _NUMERIC}: labels are all whole numbers, all names of classes, or all"
                " lists of probabilities"
            )
    if wanted == _SOFT:
        return *_soft(values, where), None
    if wanted == _NUMERIC:
        labels = [-1 if value is None else int(float(value)) for value in values]
        return *label_rules.check(np.array(labels, np.int64), None, where), None
    classes = sorted({value for value in values if value is not None}, key=natural_key)
    numbers = {each: number for number, each in enumerate(classes)}
    labels = np.array([-1 if value is None else numbers[value] for value in values], np.int32)
    return labels, len(classes), tuple(map(printable, classes))


_NUMERIC = f"whole number up to {_MOST}"
_NAMED, _SOFT = "name of a class", "list of probabilities"


def _kind(value) -> str:
    """Which of the three a value is; "" for none."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return _sized(value)
    if isinstance(value, float):
        return _sized(value) if value.is_integer() else ""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value.strip()):
            return _sized(float(value)) if _WHOLE.fullmatch(value.strip()) else ""
        return _NAMED if value.strip() else ""
    if isinstance(value, list):
        return (
            _SOFT
            if value and all(isinstance(x, float | int) and 0 <= x <= 1 for x in value)
            else ""
        )
    return ""


def _sized(value: float) -> str:
    """Of a whole number; what float() gives for text of any length is inf where it is too much."""
    return _NUMERIC if abs(value) <= _MOST else ""


def _soft(values: list, where: str):
    what = f"the lists of probabilities in {where} differ in length"
    with as_user_error(what, ValueError, TypeError, cure="give every image one for each class"):
        rows = np.array(values, np.float64)
    return label_rules.check(rows, None, where)
