"""A study's file: what is read, and one line for all that it cannot heed."""

import dataclasses
import os
import pathlib
import re

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, reading
from compare_gan_tf.study.plan import SEARCHES, Choice, Plan, Search, Span

AXIS = '{{"loss": {{"a": {}}}}}'.format


def read(path, *bindings):
    plan, _ = reading.read(path, bindings)
    return plan, cells.cells(plan)


# --- What is read -----------------------------------------------------------------------------


def test_every_parameter(write):
    path = write(
        name='"ours"',
        bindings='["train.batch_size = 8"]',
        axes='{"loss": {"a": "L.loss = @a", "b": ["L.loss = @b", "L.x = 1"]},'
        ' "adam.beta_1": [0.0, 0.5]}',
        tasks='{"digits": ["load.name = \'x\'"], "faces": {"bindings": ["load.name = \'y\'"]}}',
        settings='{"adam.rate": ("log", 1e-5, 1e-2), "n.units": ("whole", 8, 64), "p.w": [1, 2.5]}',
        exclude='[{"loss": "a", "adam.beta_1": 0.5}, {"task": ["faces"], "loss": ["b"]}]',
        search="@tpe()",
        seeds="[3, 1]",
        trials="7",
        hours="1.5",
        metric='"recall"',
        select_on='"train"',
        report_on='"validation"',
        checkpoint='"last"',
    )
    with open(path, "a") as file:
        file.write("tpe.startup = 3\n")
    plan, found = read(path)
    assert (plan.name, plan.base, plan.bindings) == (
        "ours",
        ("base.gin",),
        ("train.batch_size = 8",),
    )
    assert plan.axes["loss"]["b"] == Choice(("L.loss = @b", "L.x = 1"))
    assert list(plan.axes["adam.beta_1"]) == ["0.0", "0.5"]
    assert plan.axes["adam.beta_1"]["0.5"].bindings == ("adam.beta_1 = 0.5",)
    assert plan.settings["adam.rate"] == Span(1e-5, 1e-2, log=True)
    assert plan.settings["n.units"] == Span(8, 64, whole=True)
    assert plan.settings["p.w"]["2.5"].bindings == ("p.w = 2.5",)
    assert plan.search == Search("tpe", {"startup": 3})
    assert (plan.seeds, plan.trials, plan.hours) == ((3, 1), 7, 1.5)
    assert (plan.metric, plan.select_on, plan.report_on) == ("recall", "train", "validation")
    assert [one.label for one in found] == [
        "a, 0.0, digits", "a, 0.0, faces", "b, 0.0, digits", "b, 0.5, digits",
    ]  # fmt: skip
    assert [one.number for one in found] == [0, 1, 2, 3]


def test_macros_stand_for_values_and_includes_for_files(write, tmp_path):
    (tmp_path / "axes.gin").write_text('losses = {"a": ["L.loss = @a"], "b": %none}\nnone = []\n')
    path = write(axes='{"loss": %losses}')
    with open(path, "a") as file:
        file.write('include "axes.gin"\n')
    plan, texts = reading.read(path)
    assert plan.axes["loss"] == {"a": Choice(("L.loss = @a",)), "b": Choice(())}
    assert "include" not in texts.study
    assert reading.parse(texts.study, "one") == plan


def test_bindings_win_and_are_kept(write):
    plan, texts = reading.read(write(seeds="2"), ["study.seeds = 3"])
    assert plan.seeds == (0, 1, 2)
    assert reading.parse(texts.study, "one").seeds == (0, 1, 2)


def test_a_value_may_add_settings_and_take_away_others(write):
    axes = (
        '{"penalty": {"none": {"settings": {"p.weight": None}}, "l2": [],'
        ' "gp": {"bindings": ["p.kind = 1"], "settings": {"p.more": [1, 2]}}}}'
    )
    _, found = read(write(axes=axes, settings='{"p.weight": [1, 10]}'))
    assert [list(one.settings) for one in found] == [[], ["p.weight"], ["p.weight", "p.more"]]
    assert [len(one.grid()) for one in found] == [1, 2, 4]
    assert found[2].bindings_of({"p.weight": "10", "p.more": "2"}) == [
        "p.kind = 1", "p.weight = 10", "p.more = 2",
    ]  # fmt: skip


# --- What is refused --------------------------------------------------------------------------

WRONG = {
    "no base": ({"base": None}, "study.base"),
    "no axes": ({"axes": None}, "study.axes"),
    "base is a number": ({"base": "3"}, "study.base is 3"),
    "base is empty": ({"base": "[]"}, "study.base is []"),
    "base has a number": ({"base": '["base.gin", 3]'}, "study.base is"),
    "base is not there": ({"base": '"no.gin"'}, "no gin file 'no.gin'"),
    "name with /": ({"name": '"a/b"'}, "study.name is 'a/b'"),
    "name is blank": ({"name": '"  "'}, "study.name is"),
    "name has a line break": ({"name": r'"a\nb"'}, r"study.name is 'a\nb'"),
    "name has a zero": ({"name": r'"a\0b"'}, "study.name is"),
    "name is long": ({"name": repr("n" * 101)}, "study.name is"),
    "name is a number": ({"name": "3"}, "study.name is 3"),
    "bindings are a number": ({"bindings": "3"}, "study.bindings is 3"),
    "bindings have a number": ({"bindings": "[3]"}, "study.bindings is [3]"),
    "axes are a list": ({"axes": '["a"]'}, "study.axes is ['a']"),
    "axes are empty": ({"axes": "{}"}, "study.axes is {}"),
    "an axis is empty": ({"axes": '{"loss": {}}'}, "study.axes['loss'] is {}"),
    "an axis is an empty list": ({"axes": '{"a.b": []}'}, "study.axes['a.b'] is []"),
    "an axis of a number": ({"axes": "{3: {}}"}, "a name in study.axes is 3"),
    "an axis of no name": ({"axes": '{"": {"a": []}}'}, "a name in study.axes is ''"),
    "an axis called task": ({"axes": '{"task": {"a": []}}'}, "study.tasks"),
    "a list of what is no binding": ({"axes": '{"loss": ["a", "b"]}'}, "study.axes['loss'] is"),
    "an axis repeats a value": ({"axes": '{"a.b": [0.5, 0.5]}'}, "has a value twice: [0.5, 0.5]"),
    "an axis repeats a number": ({"axes": '{"a.b": [1, 1.0]}'}, "has a value twice: [1, 1.0]"),
    "values that differ in blanks": (
        {"axes": '{"x": {"a b": ["a.b = 1"], "a  b": ["a.b = 2"]}}'},
        "study.axes['x'] has two values of one name: 'a b' and 'a  b'; rename one",
    ),
    "texts that differ in blanks": ({"axes": '{"a.b": ["x", "x "]}'}, "two values of one name"),
    "axes that differ in blanks": (
        {"axes": '{"x": {"a": []}, "x ": {"b": []}}'}, "two values of one name: 'x' and 'x '",
    ),
    "tasks that differ in blanks": (
        {"tasks": '{" x": ["a.b = 1"], "x": ["a.b = 2"]}'}, "study.tasks has two values of one",
    ),
    "settings that differ in letters alone that look alike": (
        {"settings": '{"s": {"é": ["a.b = 1"], "e\u0301": ["a.b = 2"]}}'}, "of one name",
    ),
    "two values of one name": ({"axes": '{"a.b": ["x", @x]}'}, "two values of one name"),
    "a value is a number": ({"axes": AXIS(3)}, "study.axes['loss']['a'] is 3"),
    "a value is empty": ({"axes": AXIS("{}")}, "study.axes['loss']['a'] is {}"),
    "a value has more": ({"axes": AXIS('{"binding": []}')}, "study.axes['loss']['a'] is"),
    "settings of a value": ({"axes": AXIS('{"settings": 3}')}, "study.axes['loss']['a'] is"),
    "an empty setting of a value": (
        {"axes": AXIS('{"settings": {"a.b": []}}')}, "study.axes['loss']['a']['a.b'] is []",
    ),
    "a label with a line break": ({"axes": r'{"loss": {"a\nb": []}}'}, r"'a\nb'"),
    "what is taken away is none": (
        {"axes": AXIS('{"settings": {"p.wieght": None}}'), "settings": '{"p.weight": [1]}'},
        "did you mean p.weight?",
    ),
    "a binding is no gin": ({"axes": AXIS('["a.b = "]')}, "cannot parse a binding"),
    "two axes bind one": (
        {"axes": '{"x": {"a": ["a.b = 1"]}, "a.b": [1, 2]}'},
        "axis 'x' and axis 'a.b' both bind a.b",
    ),
    "axis and setting bind one": (
        {"axes": '{"a.b": [1, 2]}', "settings": '{"a.b": ("uniform", 0, 1)}'}, "both bind a.b",
    ),
    "an axis binds the seed": ({"axes": '{"train.seed": [1, 2]}'}, "bind study.seeds"),
    "tasks are empty": ({"tasks": "{}"}, "study.tasks is {}"),
    "tasks are a list": ({"tasks": '["digits"]'}, "study.tasks is ['digits']"),
    "settings are empty": ({"settings": "{}"}, "study.settings is {}"),
    "a range backwards": ({"settings": '{"a.b": ("uniform", 2, 1)}'}, "low end must be below"),
    "a range of one": ({"settings": '{"a.b": ("uniform", 1, 1)}'}, "low end must be below"),
    "a log range from 0": ({"settings": '{"a.b": ("log", 0, 1)}'}, "begins above 0"),
    "a range of three": ({"settings": '{"a.b": ("log", 1, 2, 3)}'}, "study.settings['a.b'] is"),
    "a range of an unknown kind": ({"settings": '{"a.b": ("lgo", 1, 2)}'}, "'uniform', 'log'"),
    "a range of a list": ({"settings": '{"a.b": ([], 1, 2)}'}, "'uniform', 'log'"),
    "an empty range": ({"settings": '{"a.b": ()}'}, "study.settings['a.b'] is ()"),
    "a range of texts": ({"settings": '{"a.b": ("log", "1", "2")}'}, "it must be a number"),
    "a range of bools": ({"settings": '{"a.b": ("log", True, 2)}'}, "it must be a number"),
    "a whole range of fractions": ({"settings": '{"a.b": ("whole", 0.5, 2)}'}, "a whole number"),
    "a range without end": ({"settings": '{"a.b": ("uniform", 0, 1e999)}'},
        "Failed to parse token 'inf'"),
    "a range beyond floats": ({"settings": f'{{"a.b": ("uniform", 0, {10**400})}}'},
        "it must be a"),
    "a setting's value has settings": (
        {"settings": '{"a": {"x": {"settings": {"b.c": [1]}}}}'}, "only a value of an axis may",
    ),
    "a grid with a range": ({"settings": '{"a.b": ("log", 1, 2)}'}, "is a range, and a grid needs"),
    "exclude is a dict": ({"exclude": '{"loss": "a"}'}, "study.exclude is"),
    "exclude of an unknown axis": ({"exclude": '[{"los": "a"}]'}, "did you mean loss?"),
    "exclude of an unknown value": ({"exclude": '[{"loss": "c"}]'}, "study.exclude names 'c'"),
    "exclude of a number": ({"exclude": '[{3: "c"}]'}, "an axis of study.exclude is 3"),
    "exclude of nothing": ({"exclude": "[{}]"}, "names nothing"),
    "exclude of no value": ({"exclude": '[{"loss": []}]'}, "names nothing"),
    "exclude of no value beside one": (
        {"exclude": '[{"loss": [], "task": "x"}]', "tasks": '{"x": []}'}, "names nothing",
    ),
    "exclude of all": ({"exclude": '[{"loss": ["a", "b"]}]'}, "leaves no variant"),
    "a search that is none": ({"search": "@tpee()"}, "@random_search()"),
    "a search not called": ({"search": "@tpe", "trials": "3"}, "study.search is @tpe:"),
    "a search in a scope": ({"search": "@x/tpe()", "trials": "3"}, "study.search is @x/tpe()"),
    "a search by its name": ({"search": '"tpe"'}, "study.search is 'tpe'"),
    "a search without trials": (
        {"search": "@tpe()", "settings": '{"a.b": [1, 2]}'}, "bind study.trials as well",
    ),
    "a search of nothing": ({"search": "@tpe()", "trials": "3"}, "there is nothing to search"),
    "trials of a grid": ({"trials": "3"}, "a grid has as many as it has"),
    "no trials": ({"search": "@tpe()", "trials": "0"}, "study.trials is 0"),
    "half a trial": ({"search": "@tpe()", "trials": "1.5"}, "study.trials is 1.5"),
    "trials without end": (
        {"search": "@tpe()", "trials": str(10**9), "settings": '{"a.b": [1, 2]}'},
        "at most 100000",
    ),
    "seeds twice": ({"seeds": "[1, 2, 1]"}, "it has a seed twice"),
    "no seeds": ({"seeds": "0"}, "study.seeds is 0"),
    "an empty list of seeds": ({"seeds": "[]"}, "study.seeds is []"),
    "seeds below 0": ({"seeds": "[-1]"}, "one of study.seeds is -1"),
    "seeds of text": ({"seeds": '"3"'}, "study.seeds is '3'"),
    "seeds are True": ({"seeds": "True"}, "study.seeds is True"),
    "a dict of seeds": ({"seeds": "{1: 2}"}, "study.seeds is {1: 2}"),
    "seeds without end": ({"seeds": str(10**12)}, "study.seeds is 1000000000000"),
    "hours below 0": ({"hours": "-1"}, "study.hours is -1"),
    "hours of text": ({"hours": '"1"'}, "study.hours is '1'"),
    "a metric that is a number": ({"metric": "3"}, "study.metric is 3"),
    "a split that is none": ({"select_on": '"valid"'}, "study.select_on is 'valid'"),
    "a checkpoint that is none": ({"checkpoint": '"first"'}, "study.checkpoint is 'first'"),
    "the best of the reported split": ({"select_on": '"test"'},
        "study.select_on and study.report_on"),
    "prune is a text": ({"prune": '"no"', "seeds": "9"}, "study.prune is 'no'"),
    "prune of few seeds": ({"prune": "True", "seeds": "4"}, "no setting is pruned"),
    "an unknown parameter": ({"seed": "3"}, "no parameter 'seed'; did you mean seeds?"),
    "a macro that is none": ({"axes": "%axes"}, "the macro %axes is used and not defined"),
}  # fmt: skip


@pytest.mark.parametrize("parameters, words", WRONG.values(), ids=WRONG)
def test_one_line_says_what_is_wrong(write, parameters, words):
    with pytest.raises(UserError) as error:
        plan, found = read(write(**parameters))
        for one in found:
            cells.slots(plan, one)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


LINES = {
    "import os": "imports nothing",
    "train.seed = 3": "binds train.seed",
    "x/study.seeds = 3": "binds x/study.seeds",
    "tpe.startup = 3": "which has no tpe.startup",
    "tpee.startup = 3": "binds tpee.startup",
    "study.seeds = ": "cannot parse",
    "study.seeds = [1, 2": "cannot parse",
    "include 'one.gin'": "includes itself",
    "include 'no.gin'": "no gin file 'no.gin'",
    "a = %a\nstudy.seeds = %a": "macro",
    "study.seeds = " + "[" * 9999 + "]" * 9999: "cannot parse",
}


@pytest.mark.parametrize("line, words", LINES.items())
def test_one_line_says_what_else_is_wrong_in_the_file(write, line, words):
    path = write()
    with open(path, "a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=words) as error:
        read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "line, words",
    {
        "import os": "imports nothing",
        "study.": "cannot parse",
        "seeds": "cannot parse",
        "study.seed = 1": "did you mean",
        "tpe.startup = 2.5": "has no tpe.startup",
    }.items(),
)
def test_bindings_are_held_to_the_same(write, line, words):
    with pytest.raises(UserError, match=words):
        read(write(), line)


def test_options_of_a_search(write):
    path = write(search="@tpe()", trials="3", settings='{"a.b": [1, 2]}')
    for line, words in {
        "tpe.startup = 2.5": "tpe.startup is 2.5: it must be a whole number",
        "tpe.startup = 0": "tpe.startup is 0",
        "tpe.startups = 1": "did you mean startup?",
        "gp_ucb.beta = 1.0": "which has no gp_ucb.beta",
    }.items():
        with pytest.raises(UserError) as error:
            read(path, line)
        assert words in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"study.name = '\xe9'\n", b"\x00"])
def test_what_is_no_text(write, content):
    path = write()
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(UserError) as error:
        read(path)
    assert path in str(error.value) or "cannot parse" in str(error.value)


def test_a_huge_file(write):
    path = write()
    with open(path, "ab") as file:
        file.truncate(2**24 + 1)
    with pytest.raises(UserError, match="it is no gin file"):
        read(path)


def test_a_name_that_is_no_text(tmp_path, write):
    path = os.fsencode(write())
    other = os.path.join(os.path.dirname(path), b"\xff.gin")
    os.rename(path, other)
    with pytest.raises(UserError, match="study.name is"):
        read(os.fsdecode(other))


PAGE = pathlib.Path(__file__).parents[2] / "docs" / "studies.md"


def test_the_example_of_the_documentation_is_what_it_says(tmp_path):
    (text,) = re.findall(r"```\n(study\.base.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "one.gin").write_text(text)
    plan, _ = reading.read(str(tmp_path / "one.gin"))
    every = cells.cells(plan)
    names = [f'"{one.label}"' for one in every]
    runs = sum(len(cells.slots(plan, one)) for one in every) * len(plan.seeds)
    said = " ".join(PAGE.read_text().split())
    assert len(names) == 3
    assert f"three variants, {names[0]}, {names[1]} and {names[2]}, and {runs} runs." in said


def test_every_parameter_is_in_the_documentation():
    rows = " ".join(line.split("|")[1] for line in PAGE.read_text().splitlines() if "|" in line)
    known = [field.name for field in dataclasses.fields(Plan)]
    known += [f"{search}.{one}" for search, options in SEARCHES.items() for one in options]
    assert [name for name in known if f"`{name}`" not in rows] == []
    assert all(f"`@{search}()`" in PAGE.read_text() for search in SEARCHES)
