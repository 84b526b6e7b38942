import functools
import math

import keras
import numpy as np
import pytest

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.optimizers.schedules import linear_decay
from compare_gan_tf.settings import kinds


def one(value):
    return value


def message_of(function, *arguments, **keywords):
    with pytest.raises(UserError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25), np.int64(1)])
def test_numbers_in_range_pass(value):
    kinds.require_number("a.b", value, least=0, most=1)


@pytest.mark.parametrize(
    ("value", "span", "words"),
    [
        (-1, {"least": 0}, "a.b is -1: it must be a number, 0 or more"),
        (0.0, {"above": 0}, "a.b is 0.0: it must be a number above 0"),
        (2, {"most": 1}, "a.b is 2: it must be a number, at most 1"),
        (1.0, {"least": 0, "below": 1}, "a.b is 1.0: it must be a number in [0, 1)"),
        (-1.0, {"above": -1, "below": 1}, "a.b is -1.0: it must be a number in (-1, 1)"),
        (1.5, {"least": 1, "whole": True}, "a.b is 1.5: it must be a whole number, 1 or more"),
        (True, {"least": 0}, "a.b is True: it must be a number, 0 or more"),
        (None, {}, "a.b is None: it must be a number"),
        (math.nan, {}, "a.b is nan: it must be a number"),
        (math.inf, {"least": 0}, "a.b is inf: it must be a number, 0 or more"),
        (one, {}, "a.b is @one: it must be a number; give @one(), with parentheses, for what"),
        (0, {"least": 1, "whole": True, "unit": "codes"}, "a whole number of codes, 1 or more"),
    ],
)
def test_numbers_out_of_range_are_named_with_the_range(value, span, words):
    assert words in message_of(kinds.require_number, "a.b", value, **span)


def test_a_schedule_may_stand_for_a_number():
    kinds.require_number("a.b", linear_decay(start=1.0, steps=2), least=0, schedule=True)
    kinds.require_number("a.b", 0.5, least=0, schedule=True)
    words = "it must be a number or a schedule, 0 or more"
    assert words in message_of(kinds.require_number, "a.b", -1, least=0, schedule=True)


def test_functions_are_told_by_what_they_take():
    kinds.require_function("a.b", one, 0, like="a function")
    kinds.require_function("a.b", lambda x, *, slope: x, 0, like="a function")  # slope is gin's
    assert "(too many positional" in message_of(
        kinds.require_function, "a.b", one, 0, 0, like="a function"
    )
    for value in (None, 3, "one", int, keras.layers.Identity()):
        message = message_of(kinds.require_function, "a.b", value, 0, like="a function as @one")
        assert "it must be a function as @one, without parentheses" in message
    kinds.require_function("a.b", keras.layers.Dense, 3, like="a layer", classes=True)


def test_a_partial_with_arguments_of_another_function_is_refused():
    wrong = functools.partial(one, slop=1)
    message = message_of(kinds.require_function, "a.b", wrong, 0, like="a function as @one")
    assert "it must be a function as @one (" in message and "'slop'" in message
    kinds.require_function("a.b", functools.partial(lambda x, y: x, y=1), 0, like="a function")
    assert not kinds.takes(wrong, "slop") and kinds.takes(lambda slop: 0, "slop")


def test_what_a_function_raises_on_trial_is_in_the_message():
    assert kinds.tried("a.b", one, 5, like="a function") == 5
    message = message_of(kinds.tried, "a.b", lambda x: x.missing, 5, like="a function")
    assert message.startswith("a.b is @<lambda>: it must be a function (")
    assert "no attribute 'missing'" in message


def test_values_are_shown_as_a_config_writes_them():
    assert kinds.shown(one) == "@one"
    assert kinds.shown(UserError) == "@UserError"
    assert kinds.shown("x") == "'x'"
    assert kinds.shown(keras.layers.Identity()) == "a Identity object"
    assert kinds.shown(list(range(100))) == "a list object"


def test_the_first_line_of_an_error_is_without_what_gin_and_keras_add():
    assert first_line(ValueError("a is 1\n  but b is 2\n  In call to configurable 'f' (<f>)")) == (
        "a is 1 but b is 2"
    )
    in_keras = "Exception encountered when calling X.call().\n\n\x1b[1ma is 1\x1b[0m\n\nArguments"
    assert first_line(ValueError(in_keras)) == "a is 1"
    assert first_line(KeyError()) == "KeyError"
