"""What is put where Optuna's dashboard finds it; the dashboard itself is not installed here."""

import json
import re
import sys
import types

import comparisons
import pytest

from compare_gan_tf.study import claims, dashboard

ONE = {"axes": '{"x": {"a": []}}'}


def test_samples_are_artifacts_that_name_their_seed(make, tmp_path):
    study = make(tmp_path / "s", **ONE)
    for seed in (0, 1):
        (tmp_path / f"seed{seed}").mkdir()
        (tmp_path / f"seed{seed}" / "samples.png").write_bytes(b"png of %d" % seed)
    with claims.claim(study, str(tmp_path / "s")) as claimed:
        trial = claims.begin(study, claimed)
        for seed in (0, 1, 2):  # the last one has none
            path = tmp_path / f"seed{seed}" / "samples.png"
            dashboard.keep_samples(trial, str(tmp_path / "s"), str(path))
    (stored,) = study.studies[0].get_trials()
    kept = {name: one for name, one in stored.system_attrs.items() if name.startswith("artifacts:")}
    found = sorted(map(json.loads, kept.values()), key=lambda one: one["filename"])
    assert [one["filename"] for one in found] == ["seed0.png", "seed1.png"]
    assert {one["mimetype"] for one in found} == {"image/png"}
    texts = [(tmp_path / "s" / "artifacts" / one["artifact_id"]).read_bytes() for one in found]
    assert texts == [b"png of 0", b"png of 1"]


@pytest.mark.parametrize("tasks", [("digits",), ("digits", "cifar10")])
def test_figures_are_on_the_study_of_its_own_name_and_fit(make, tmp_path, monkeypatch, tasks):
    study, saved = make(tmp_path / "s", **ONE), {}

    def save(of, figure, *, graph_object_id):
        # As optuna-dashboard 0.21.0 has it in its is_valid_graph_object_id.
        assert re.fullmatch(r"[A-Za-z0-9:._-]+", graph_object_id)
        saved[graph_object_id] = (of.study_name, figure.layout.height)

    fake = types.SimpleNamespace(save_plotly_graph_object=save)
    monkeypatch.setitem(sys.modules, "optuna_dashboard", fake)
    dashboard.show(study, comparisons.comparison(tasks=tasks, seeds=2, settings=2))
    assert {name.partition(".")[0] for name in saved} == {"leaderboard", "learning", "pairwise"}
    assert len(saved) == (3 if len(tasks) == 1 else 7)
    assert set(saved.values()) == {("one", 450)}


def test_without_the_dashboard_nothing_is_shown(make, tmp_path, monkeypatch):
    study = make(tmp_path / "s", **ONE)
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    dashboard.show(study, comparisons.comparison(seeds=2, settings=2))
