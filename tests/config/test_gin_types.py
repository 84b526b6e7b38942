from collections.abc import Callable

import gin
import pytest

from compare_gan_tf.config import gin_types
from compare_gan_tf.errors import UserError


@gin.configurable(module="types_test")
def annotated(a: int = 1, b: float | None = None, c: bool = False, d: str = "", e: Callable = max):
    return a, b, c, d, e


@gin.configurable(module="types_test")
def plain(units=3, rate=0.5, norm=annotated, anything=None, splits=("a", "b")):
    return units, rate, norm, anything, splits


pytestmark = pytest.mark.usefixtures("no_bindings")


@pytest.mark.parametrize(
    "binding",
    [
        "annotated.a = 3",
        "annotated.b = 3",
        "annotated.b = None",
        "annotated.c = True",
        "annotated.d = 'x'",
        "annotated.e = @plain",
        "annotated.a = @plain()",  # what it returns is not known yet
        "plain.rate = 1",
        "plain.anything = 'x'",
        "plain.splits = ['a']",
        "x = 'y'\nplain.units = %x",  # a macro is looked at where it is used
    ],
)
def test_what_fits_passes(binding):
    gin.parse_config(binding)
    gin_types.check({})


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("annotated.a = 1.5", "annotated.a = 1.5: it must be an integer"),
        ("annotated.a = True", "annotated.a = True: it must be an integer"),
        ("annotated.b = 'x'", "annotated.b = 'x': it must be a number"),
        ("annotated.c = 1", "annotated.c = 1: it must be True or False"),
        ("annotated.d = 1", "annotated.d = 1: it must be a text in quotes"),
        ("annotated.e = 1", "annotated.e = 1: it must be a reference such as @name"),
        ("plain.units = 2.5", "plain.units = 2.5: it must be an integer"),
        ("some/plain.norm = 'x'", "some/plain.norm = 'x': it must be a reference"),
    ],
)
def test_what_does_not_fit_is_named(binding, message):
    gin.parse_config(binding)
    with pytest.raises(UserError) as caught:
        gin_types.check({})
    assert message in str(caught.value)
