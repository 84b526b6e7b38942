import dataclasses
from typing import Annotated, ClassVar

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import (
    Count,
    Counts,
    Number,
    Positive,
    Several,
    check_fields,
    checked,
)


@dataclasses.dataclass(frozen=True)
class Fields:
    name: ClassVar[str] = "fields"

    seed: Count
    rate: Positive = 0.5
    limit: Positive | None = None
    most: Count = None
    anything: object = None

    def __post_init__(self):
        check_fields(self)


@dataclasses.dataclass(frozen=True)
class More(Fields):
    rate: Positive = 1.5
    widths: Counts = (1, 2)


@pytest.mark.parametrize("made", [Fields(1), Fields(1, limit=None, most=None), More(2, 0.1)])
def test_fields_that_fit_pass(made):
    assert made == dataclasses.replace(made)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Fields(0), "Fields.seed is 0: it must be a whole number, 1 or more"),
        (lambda: Fields(None), "Fields.seed is None"),
        (lambda: Fields(1, rate=None), "Fields.rate is None"),
        (lambda: Fields(1, limit=-1.0), "Fields.limit is -1.0: it must be a number above 0"),
        (lambda: More(1, rate="x"), "More.rate is 'x'"),
        (lambda: More(1, widths=(3, 0)), "More.widths: one is 0: it must be a whole number"),
        (lambda: dataclasses.replace(More(1), seed=-1), "More.seed is -1"),
    ],
)
def test_fields_are_checked_by_their_types(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_name_stands_for_that_of_the_class():
    with pytest.raises(UserError, match="evaluate.seed is 0"):
        check_fields(type("Open", (Fields,), {"__post_init__": lambda self: None})(0), "evaluate")


@checked
def of_lists(
    widths: Counts = (1,),
    colour: Annotated[tuple, Several(Number(least=0, most=255), number=3)] = (0, 0, 0),
    units: Count | None = 3,
):
    return widths, colour, units


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": 4}, r"of_lists.widths is 4: it must be a list such as \[1, 2\]"),
        ({"widths": []}, r"widths is \[\]: it must be a list of 1 or more"),
        ({"widths": [1, 2.5]}, "widths: one is 2.5: it must be a whole number, 1 or more"),
        ({"widths": "12"}, "widths is '12'"),
        ({"widths": None}, "widths is None"),
        ({"colour": (0, 0)}, r"colour is \(0, 0\): it must be a list of 3"),
        ({"colour": (0, 0, 256)}, r"colour: one is 256: it must be a number in \[0, 255\]"),
    ],
)
def test_lists_are_of_one_kind_and_length(settings, message):
    with pytest.raises(UserError, match=message):
        of_lists(**settings)


def test_none_passes_where_the_type_has_it():
    assert of_lists(units=None) == ((1,), (0, 0, 0), None)
    with pytest.raises(UserError, match="of_lists.units is 0"):
        of_lists(units=0)
