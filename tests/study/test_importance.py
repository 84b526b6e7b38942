"""Importances of planted functions, in which some settings matter and others do not."""

import dataclasses

import numpy as np
import pytest

from compare_gan_tf.comparison.records import COMPLETE, FAILED, Comparison, Run, Scored
from compare_gan_tf.study.importance import importances


def scored(value: float | None) -> Scored:
    return Scored([], 1, value, None, value, None, None, {}, "", [])


def run(i: int, variant: dict, setting: dict, value: float | None, **changes) -> Run:
    one = Run(
        name=str(i),
        variant=variant,
        setting=setting,
        seed=0,
        task="digits",
        status=COMPLETE,
        reason=None,
        scores={"fid": scored(value)},
        steps=1,
        images=1,
        seconds=1.0,
        multiply_adds=None,
        folder=None,
    )
    return dataclasses.replace(one, **changes)


def comparison(runs: list[Run], higher_is_better: bool | None = False) -> Comparison:
    return Comparison("planted", "fid", {"fid": higher_is_better}, {}, runs, {})


def planted(number: int = 200, sign: float = 1.0, **changes) -> list[Run]:
    """Learning rates matter much and the loss matters; beta_1 and the number of steps do not."""
    rng, found = np.random.default_rng(0), []
    for i in range(number):
        variant = {"loss": ["hinge", "Wasserstein"][i % 2], "dull": "same"}
        setting = {
            "lr": float(10 ** rng.uniform(-6, -1)),
            "beta_1": float(rng.uniform()),
            "d_steps": int(rng.integers(1, 6)),
            "spectral": bool(rng.integers(2)),
        }
        value = abs(np.log10(setting["lr"]) + 4) + 0.5 * (variant["loss"] == "hinge")
        found.append(run(i, variant, setting, sign * value, **changes))
    return found


def test_what_matters_comes_first():
    found = importances(comparison(planted()))
    assert list(found)[:2] == ["lr", "loss"]
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["lr"] > 0.5
    assert max(found["beta_1"], found["d_steps"], found["spectral"]) < 0.1
    assert found["dull"] == 0.0


def test_the_direction_of_the_metric_counts():
    low = importances(comparison(planted()))
    assert importances(comparison(planted(sign=-1.0), higher_is_better=True)) == low
    assert importances(comparison(planted(), higher_is_better=True)) != low


def test_the_scale_of_a_number_does_not_matter():
    runs = planted()
    scaled = [
        dataclasses.replace(one, setting=one.setting | {"lr": float(np.log(one.setting["lr"]))})
        for one in runs
    ]
    assert importances(comparison(scaled)) == importances(comparison(runs))


def test_an_easy_data_set_is_no_merit_of_what_it_was_trained_with():
    """On the easy one runs bind sizes of images that those on the hard one do not."""
    rng = np.random.default_rng(1)
    easy, hard = [], []
    for one in planted():
        size, score = int(rng.integers(2)), one.scores["fid"].best
        setting = one.setting | {"size": 32 + size}
        easy.append(dataclasses.replace(one, setting=setting, task="easy"))
        setting = one.setting | {"size": 128 + size}
        hard.append(run(1000, one.variant, setting, 100 + score, task="hard"))
    found = importances(comparison(easy + hard))
    assert list(found)[:2] == ["lr", "loss"]
    assert found["size"] < 0.1


def test_a_setting_that_only_some_variants_have():
    """The weight of a penalty: it matters where there is a penalty."""
    rng, runs = np.random.default_rng(0), []
    for i in range(300):
        has = i % 2 == 0
        setting = {"beta_1": float(rng.uniform())}
        weight = float(10 ** rng.uniform(-1, 2))
        value = abs(np.log10(weight) - 1) if has else 1.0 + 0.1 * rng.standard_normal()
        setting |= {"weight": weight} if has else {}
        runs.append(run(i, {"penalty": "GP" if has else "none"}, setting, value))
    found = importances(comparison(runs))
    assert set(found) == {"beta_1", "weight", "penalty"}
    assert found["weight"] > 5 * found["beta_1"]


def test_runs_without_a_score_do_not_count():
    runs = planted()
    others = [
        run(500, {"loss": "none"}, {}, 0.0, status=FAILED, scores={}),
        run(501, {"loss": "none"}, {}, None),
        run(502, {"loss": "none"}, {}, float("nan")),
        run(503, {"loss": "none"}, {}, 0.0, scores={"kid": scored(0.0)}),
    ]
    assert importances(comparison(runs + others)) == importances(comparison(runs))


def test_too_few_runs_and_metrics_without_a_better_end_have_none():
    assert importances(comparison(planted(9))) == {}
    assert len(importances(comparison(planted(10)))) == 6
    assert importances(comparison(planted(), higher_is_better=None)) == {}


def test_nothing_matters_where_all_runs_are_equal():
    runs = [run(i, {"loss": "hinge"}, {"lr": 1e-4}, 1.0) for i in range(20)]
    assert importances(comparison(runs)) == {"loss": 0.0, "lr": 0.0}
