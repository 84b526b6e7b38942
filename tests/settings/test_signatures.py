"""Settings declared in signatures: what `checked` refuses, and what gin and Python still see."""

import inspect
from collections.abc import Callable
from typing import Annotated

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.optimizers.schedules import linear_decay
from compare_gan_tf.settings.signatures import (
    Count,
    Decay,
    Factor,
    Function,
    Made,
    Number,
    OneOf,
    Rule,
    Several,
    checked,
)
from compare_gan_tf.settings.trials import Tried, ones

Even = Annotated[int, Number(whole=True), Rule(lambda name, value: _require_even(name, value))]
Halving = Annotated[Callable, Tried(ones(2), like="a function of a vector", gives=(2,))]


def _require_even(name, value):
    if value % 2:
        raise UserError(f"{name} is {value}: it must be even")


@gin.configurable(module="test_signatures")
@checked
def scaled(x, *, factor: Factor = 1.0, times: Count = 1, decay: Decay | None = None):
    return x, factor, times, decay


class Base:
    @checked
    def __init__(self, weight: Factor = 1.0, *, pair: Even = 2):
        self.weight, self.pair = weight, pair


class Derived(Base):
    @checked
    def __init__(self, weight: Factor = 3.0, *, mode: Annotated[str, OneOf("a", "b")] = "a"):
        super().__init__(weight)
        self.mode = mode


def message_of(function, *arguments, **keywords):
    with pytest.raises(UserError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


def test_what_fits_comes_through_as_it_is():
    schedule = linear_decay(start=1.0, steps=2)
    assert scaled(5, factor=schedule, times=3, decay=0.5) == (5, schedule, 3, 0.5)
    assert scaled(5) == (5, 1.0, 1, None)
    assert scaled(5, decay=None)[3] is None
    assert (Derived().weight, Derived(2).weight, Base(pair=4).pair) == (3.0, 2, 4)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"factor": -1}, "scaled.factor is -1: it must be a number or a schedule, 0 or more"),
        ({"times": 1.5}, "scaled.times is 1.5: it must be a whole number, 1 or more"),
        ({"decay": 1.0}, "scaled.decay is 1.0: it must be a number in [0, 1)"),
        ({"times": None}, "scaled.times is None"),
    ],
)
def test_what_does_not_is_named_with_its_function(keywords, words):
    assert words in message_of(scaled, 0, **keywords)


def test_positional_arguments_are_checked_and_named_by_the_class_that_is_made():
    assert message_of(Base, -1.0).startswith("Base.weight is -1.0")
    assert message_of(Derived, -1.0).startswith("Derived.weight is -1.0")
    assert message_of(Derived, mode="c") == "Derived.mode is 'c': it must be one of 'a', 'b'"
    assert message_of(Base, pair=3) == "Base.pair is 3: it must be even"
    assert message_of(Base, pair="3").startswith("Base.pair is '3': it must be a whole number")


def test_the_body_does_not_run_where_a_setting_is_refused():
    seen = []

    @checked(name="other")
    def body(times: Count):
        seen.append(times)

    assert message_of(body, 0).startswith("other.times is 0")
    body(2)
    assert seen == [2]


def test_defaults_are_checked_too():
    """A default function may have settings of its own that a config binds."""

    def halve(x):
        return x[:1]

    @checked
    def use(function: Halving = halve):
        return function

    assert "it gives the shape (1,) where (2,) is meant" in message_of(use)


def test_the_signature_is_that_of_the_function():
    assert list(inspect.signature(scaled).parameters) == ["x", "factor", "times", "decay"]
    assert inspect.signature(Base.__init__).parameters["pair"].default == 2


@pytest.mark.parametrize(
    "call", [lambda: scaled(1, fator=2.0), lambda: scaled(), lambda: Base(1, 2)]
)
def test_calls_that_do_not_fit_the_signature_fail_as_those_of_any_function(call):
    with pytest.raises(TypeError, match=r"(scaled|__init__)\(\)"):
        call()


def test_gin_refuses_a_misspelt_parameter_and_binds_the_right_ones():
    try:
        gin.parse_config("scaled.times = 4")
        assert scaled(0)[2] == 4
        with pytest.raises(ValueError, match="fator"):
            gin.parse_config("scaled.fator = 4")
        gin.parse_config("scaled.times = 0")
        assert message_of(scaled, 0).startswith("scaled.times is 0")
    finally:
        gin.clear_config()


def refused_by(rule, value) -> str:
    return message_of(rule.check, "a.b", value)


def test_functions_and_objects():
    rule = Function(0, 0, like="a function of two, such as @hinge")
    rule.check("a.b", lambda one, other: one)
    assert "such as @hinge, without parentheses" in refused_by(rule, 3)
    made = Made(keras.layers.Layer, like="a layer")
    made.check("a.b", keras.layers.ReLU())
    assert "give @ReLU(), with parentheses" in refused_by(made, keras.layers.ReLU)


def test_lists():
    rule = Several(Number(least=2, whole=True), like="[2, 3]", instead="leave it out")
    rule.check("a.b", [2, 3])
    rule.check("a.b", (2,))
    assert refused_by(rule, 5) == "a.b is 5: it must be a list such as [2, 3]"
    assert refused_by(rule, "ab") == "a.b is 'ab': it must be a list such as [2, 3]"
    assert refused_by(rule, []) == "a.b is []: it must be a list of 1 or more; leave it out"
    assert refused_by(rule, [2, 1]).startswith("a.b: one is 1: it must be a whole number, 2 or")
    Several(Number(), least=0).check("a.b", [])
    assert refused_by(Several(Number(), number=2), [1]) == "a.b is [1]: it must be a list of 2"


def test_a_function_on_trial_is_given_tensors_and_its_results_are_looked_at():
    seen = []

    def record(x, pair):
        seen.extend([x, pair["one"], pair["name"]])
        return x, 2.0

    Tried(ones(2), {"one": ones(), "name": "z"}, like="a", gives=((2,), ())).check("a.b", record)
    assert [getattr(one, "dtype", None) for one in seen] == [tf.float32, tf.float32, None]
    np.testing.assert_array_equal(seen[0], [1.0, 1.0])
    rule = Tried(ones(2), like="a function of a vector", gives=(2,))
    assert "it gives a NoneType where (2,) is meant" in refused_by(rule, lambda x: None)
    assert "no attribute 'missing'" in refused_by(rule, lambda x: x.missing)
    assert "(too many positional" in refused_by(rule, lambda: None)


def test_nothing_is_tried_while_a_graph_is_traced():
    calls = []

    def function(x):
        calls.append(x)
        return x

    rule = Tried(ones(2), like="a function", gives=(2,))
    tf.function(lambda: rule.check("a.b", function), autograph=False)()
    assert not calls
    with pytest.raises(UserError, match=r"a.b is 3"):
        tf.function(lambda: rule.check("a.b", 3), autograph=False)()
    rule.check("a.b", function)
    assert len(calls) == 1
