"""Runs that are there, grouped by what they differ in."""

import pytest
import run_folders

from compare_gan_tf.comparison import grouping
from compare_gan_tf.comparison.folders import Rule
from compare_gan_tf.errors import UserError

SCORES = {"fid validation": [9.0, 5.0], "fid test": [8.0, 6.0]}


@pytest.fixture
def make(tmp_path):
    def made(name, *, scores=SCORES, protocol=None, **config):
        bound = {key.replace("__", "."): value for key, value in config.items()}
        return run_folders.write(tmp_path / name, scores, config=bound, protocol=protocol)

    return made


def axes(*folders):
    return grouping.comparison(folders, Rule()).axes


def test_seeds_are_one_variant(make):
    runs = [make(f"seed{seed}", train__seed=str(seed)) for seed in (0, 1, 2)]
    found = grouping.comparison(runs, Rule())
    assert found.axes == {} and found.variants() == [{}]
    assert [(run.name, run.seed) for run in found.runs] == [
        ("seed0", 0),
        ("seed1", 1),
        ("seed2", 2),
    ]


def test_an_axis_is_a_binding_that_tells_runs_apart(make):
    runs = [
        make(f"{loss}-{rate}", Adversarial__loss=f"@{loss}", adam__learning_rate=rate)
        for loss in ("hinge", "wasserstein")
        for rate in ("0.001", "0.01")
    ]
    assert axes(*runs) == {
        "Adversarial.loss": ["hinge", "wasserstein"],
        "adam.learning_rate": ["0.001", "0.01"],
    }


def test_what_differs_together_is_one_axis(make):
    """A penalty comes with settings that runs without it do not have."""
    plain = make("plain")
    penalised = make(
        "penalised",
        GAN__objectives="[@Adversarial(), @GradientPenalty()]",
        GradientPenalty__weight="10.0",
        GradientPenalty__points="@between",
    )
    assert axes(plain, penalised) == {
        "GAN.objectives": ["[Adversarial]", "[Adversarial, GradientPenalty]"]
    }
    assert grouping.comparison([plain, penalised], Rule()).also_differ == {
        "GradientPenalty.points": ["not bound", "between"],
        "GradientPenalty.weight": ["not bound", "10.0"],
    }


def test_a_setting_that_every_run_has_is_named_where_it_differs_too(make):
    """Longer training, not the loss, may be why one is better."""
    runs = [
        make(loss, Adversarial__loss=f"@{loss}", train__training_steps=steps, train__seed=seed)
        for loss, steps, seed in (("hinge", "100", "0"), ("wasserstein", "200", "1"))
    ]
    found = grouping.comparison(runs, Rule())
    assert found.axes == {"Adversarial.loss": ["hinge", "wasserstein"]}
    assert found.also_differ == {"train.training_steps": ["100", "200"]}


def test_a_setting_of_a_part_tells_apart_those_that_have_it(make):
    objectives = "[@Adversarial(), @GradientPenalty()]"
    runs = [make("plain")] + [
        make(f"weight{w}", GAN__objectives=objectives, GradientPenalty__weight=w)
        for w in ("1.0", "10.0")
    ]
    assert axes(*runs) == {"GradientPenalty.weight": ["not bound", "1.0", "10.0"]}


LONG = "[" + ", ".join(f"'{i:05d}'" for i in range(20)) + "{}" + "]"


@pytest.mark.parametrize(
    "first, second, labels",
    [
        ("@a", "'a'", ["@a", "'a'"]),
        ("@a", "@a()", ["@a", "@a()"]),
        ("1", "'1'", ["1", "'1'"]),
        ("1", "True", ["1", "True"]),
        ("True", "'True'", ["True", "'True'"]),
        ("None", "'None'", ["None", "'None'"]),
        ("'not bound'", None, ["'not bound'", "not bound"]),
        ("'a b'", "'a  b'", ["'a b' (1)", "'a  b' (2)"]),  # a page would show one blank
        ("'a'", "' a'", ["'a'", "' a'"]),
        (r"'a\tb'", r"'a\nb'", [r"'a\tb'", r"'a\nb'"]),
        ("''", "' '", ["''", "' '"]),
        ("'é'", "'e\u0301'", ["'é' (1)", "'e\u0301' (2)"]),
        (LONG.format(", 1"), LONG.format(", 2"), ["...", "..."]),
        (f"'{'x' * 70}a{'x' * 70}'", f"'{'x' * 70}b{'x' * 70}'", ["x" * 141] * 2),
    ],
)
def test_values_of_one_label_get_longer_ones(make, first, second, labels):
    """Else two variants would be one row of every table, and one line of every figure."""
    bound = [{"x__y": one} if one is not None else {} for one in (first, second)]
    runs = [
        make(f"run{i}-{seed}", train__seed=str(seed), **bound[i]) for i in (0, 1) for seed in (0, 1)
    ]
    (found,) = axes(*runs).values()
    assert len(found) == 2 and len({" ".join(one.split()) for one in found}) == 2
    if labels[0] == "...":
        assert [one[-3:] for one in found] == [" 1]", " 2]"] and max(map(len, found)) == 63
    elif labels[0].startswith("xx"):
        assert [one[70] for one in found] == ["a", "b"] and list(map(len, found)) == [141, 141]
    else:
        assert found == labels


def test_numbers_that_are_equal_are_one_value(make):
    runs = [make(f"run{i}", x__y=one, train__seed=str(i)) for i, one in enumerate(("1", "1.0"))]
    assert axes(*runs) == {}
    runs = [make(f"of{i}", x__y=one, train__seed=str(i)) for i, one in enumerate(("[1]", "[1.0]"))]
    assert axes(*runs) == {}


def test_variants_of_one_name_are_refused(make):
    one = make("one", x__a="'k, l'", x__b="'m'")
    other = make("other", x__a="'k'", x__b="'l, m'")
    third = make("third", x__a="'k'", x__b="'m'")
    with pytest.raises(UserError, match="two variants have one name, 'k, l, m': .*rename") as error:
        grouping.comparison([one, other, third], Rule())
    assert "\n" not in str(error.value)


def test_data_sets_are_tasks_and_logs_do_not_count(make):
    here = make("digits", train__log_every="10")
    there = make("mnist", load__name="'mnist'", protocol={"dataset": "mnist", "n_real": 10_000})
    found = grouping.comparison([here, there], Rule())
    assert found.axes == {} and found.tasks() == ["digits", "mnist"]


@pytest.mark.parametrize(
    "second, message",
    [
        ({}, r"first and \S+second have the same settings and the seed 0"),
        ({"train__seed": "1", "protocol": {"n_fake": 999}}, "protocols: n_fake 300 and 999"),
        (
            {"load__name": "'mnist'", "protocol": {"dataset": "mnist", "truncation": 0.5}},
            "protocols: truncation 0.0 and 0.5",
        ),
    ],
)
def test_what_does_not_compare_is_refused(make, second, message):
    with pytest.raises(UserError, match=message):
        grouping.comparison([make("first"), make("second", **second)], Rule())


def test_runs_without_scores_are_refused_if_none_has_any(make):
    runs = [make(f"seed{seed}", scores={}, train__seed=str(seed)) for seed in (0, 1)]
    with pytest.raises(UserError, match="none of the 2 runs has scores"):
        grouping.comparison(runs, Rule())
    scored = make("seed2", train__seed="2")
    found = grouping.comparison([*runs, scored], Rule())
    assert [run.status for run in found.runs] == ["waiting", "waiting", "complete"]


@pytest.mark.parametrize(
    "folders, message",
    [
        ([], "needs at least two runs: none given"),
        (["a"], "needs at least two runs: a given"),
        (["a", "a/"], "needs at least two runs: a given"),
        (["nothing", "neither"], "nothing has no config.gin"),
    ],
)
def test_too_few_runs_are_refused(folders, message):
    with pytest.raises(UserError, match=message):
        grouping.comparison(folders, Rule())


def test_a_metric_without_a_better_direction_is_refused():
    with pytest.raises(UserError, match="--metric=fied is no score with a better direction"):
        grouping.comparison(["a", "b"], Rule(metric="fied"))
