"""The variants of a study, their folders, and their trials."""

import itertools

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, reading


def found(write, **parameters):
    plan, _ = reading.read(write(**parameters))
    return plan, cells.cells(plan)


def test_the_last_axis_is_fastest_and_tasks_are_within(write):
    axes = '{"x": {"a": [], "b": []}, "y": {"c": [], "d": []}}'
    _, every = found(write, axes=axes, tasks='{"e": [], "f": []}')
    places = ["".join([*one.variant.values(), one.task]) for one in every]
    assert places == ["".join(one) for one in itertools.product("ab", "cd", "ef")]
    assert [one.number for one in every] == list(range(8))


def test_what_is_excluded(write):
    axes = '{"x": {"a": [], "b": []}, "y": {"c": [], "d": []}}'
    exclude = '[{"x": "a", "y": ["c", "d"], "task": "e"}, {"y": "d", "task": "f"}]'
    _, every = found(write, axes=axes, tasks='{"e": [], "f": []}', exclude=exclude)
    assert [one.label for one in every] == ["a, c, f", "b, c, e", "b, c, f", "b, d, e"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"axes": '{"x": {"a": [], "a, b": []}, "y": {"b, c": [], "c": []}}'},
        {"axes": '{"x": {"a": [], "a, b": []}}', "tasks": '{"b, c": [], "c": []}'},
    ],
)
def test_two_variants_of_one_name_are_refused(write, parameters):
    """They would be one row of every table."""
    with pytest.raises(UserError, match="two variants have one name, 'a, b, c': .*rename a value"):
        found(write, **parameters)


LABELS = ["é / ü", "a, b", "A, B", '"quoted"', "..", "-", "日本", "a" * 100, "CON", "*?"]


def test_folders_are_unique_and_valid_on_any_file_system(write):
    axes = {"x": {label: [] for label in LABELS}}
    _, every = found(write, axes=repr(axes))
    folders = [one.folder for one in every]
    assert len({one.lower() for one in folders}) == len(LABELS)
    for folder in folders:
        assert folder.isascii() and len(folder) <= 80
        assert not set(folder) & set('<>:"/\\|?* ') and not folder.endswith((".", " "))
        assert folder[:3].isdecimal()  # and so none is reserved on Windows


def test_a_grid_has_every_combination_once(write):
    plan, (one, _) = found(write, settings='{"a.b": [1, 2, 3], "c": {"x": [], "y": ["d.e = 1"]}}')
    slots = cells.slots(plan, one)
    assert len(slots) == 6 and len({tuple(slot.items()) for slot in slots}) == 6
    assert slots[0] == {"a.b": "1", "c": "x"} and slots[-1] == {"a.b": "3", "c": "y"}


def test_a_search_has_so_many_slots(write):
    plan, (one, _) = found(
        write, settings='{"a.b": ("log", 1, 2)}', search="@random_search()", trials="4"
    )
    assert cells.slots(plan, one) == [None] * 4
    assert one.bindings_of({"a.b": 1.5}) == ["Adversarial.loss = @hinge", "a.b = 1.5"]


def test_too_many(write):
    axes = {str(i): {str(j): [] for j in range(10)} for i in range(9)}
    with pytest.raises(UserError, match="1000000000 variants"):
        found(write, axes=repr(axes))
    settings = {f"a.b{i}": list(range(10)) for i in range(9)}
    plan, (one, _) = found(write, settings=repr(settings))
    with pytest.raises(UserError, match="1000000000 settings"):
        cells.slots(plan, one)


def test_a_value_of_an_axis_may_have_settings_of_its_own_and_leave_out_one_of_the_studys(write):
    axes = {
        "penalty": {
            "none": {"bindings": [], "settings": {"a.b": None}},
            "GP": {"bindings": [], "settings": {"GradientPenalty.weight": [1.0, 10.0]}},
        }
    }
    _, (none, penalised) = found(write, axes=repr(axes), settings='{"a.b": [1, 2, 3]}')
    assert list(none.settings) == [] and len(none.grid()) == 1
    assert list(penalised.settings) == ["a.b", "GradientPenalty.weight"]
    assert len(penalised.grid()) == 6
