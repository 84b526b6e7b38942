"""Tables and JSON that verbs print, on a terminal and elsewhere."""

import json

import numpy as np
import pytest

from compare_gan_tf import pretrained
from compare_gan_tf.bin import benchmark, data, describe, evaluate, export, models, output
from compare_gan_tf.data import summary

ROWS = [("fid", "9.5", "[9, 10]"), ("kid", "12.25", "[red]")]


@pytest.fixture
def on_terminal(monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")


def test_plain_tables_are_aligned_columns(capsys):
    output.show_table(("score", "value", "interval"), ROWS, right=(1,))
    assert capsys.readouterr().out.splitlines() == [
        "score  value  interval",
        "fid      9.5  [9, 10]",
        "kid    12.25  [red]",
    ]


def test_tables_on_a_terminal_show_brackets_as_they_are(on_terminal, capsys):
    output.show_table(("score", "value", "interval"), ROWS, right=(1,))
    out = capsys.readouterr().out
    assert "[9, 10]" in out and "[red]" in out and "─" in out


def test_no_color_means_no_colours(on_terminal, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    output.show_table(("score",), [("fid",)])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    output.show_table(("score",), [("fid",)])
    assert "\x1b[3" not in capsys.readouterr().out  # bold stays, which is no colour


def test_numbers_of_numpy_are_json_and_nan_is_null(capsys):
    output.show_json({"a": np.float32(0.5), "b": np.arange(2), "c": float("nan"), "d": (np.inf,)})
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": [0, 1], "c": None, "d": [None]}


def json_of(run_verb, verb, *flags):
    code, out, err = run_verb(verb, *flags, "--json")
    assert code == 0, err
    return json.loads(out)  # one document, and nothing else


def test_models_and_data_as_json(run_verb, monkeypatch):
    assert [one["name"] for one in json_of(run_verb, models)] == pretrained.names()
    rate = summary.rate
    monkeypatch.setattr(summary, "rate", lambda split: rate(split, seconds=0.05))
    found = json_of(run_verb, data, "--dataset=digits")
    assert found["sample_shape"] == [8, 8, 1] and found["num_classes"] == 10
    assert found["splits"]["train"]["number"] == sum(found["splits"]["train"]["classes"]) == 1197


def test_a_run_as_json(run_verb, small, trained, in_this_process):
    found = json_of(run_verb, describe, small[0])
    assert {"generator", "discriminator", "objectives"} <= found.keys()
    scored = json_of(run_verb, evaluate, small[1], "--checkpoint=4")
    assert {row["step"] for row in scored["scores"]} == {4}
    lines = (trained / "scores.jsonl").read_text().splitlines()
    stored = {json.loads(line)["split"]: json.loads(line)["value"] for line in lines}
    assert {row["split"]: row["value"] for row in scored["scores"]} == stored
    assert scored["best"]["step"] == 4 and scored["floors"] and scored["summary"]
    paths = json_of(run_verb, export, small[1], "--checkpoint=4")
    assert (trained / "hub" / "4" / "generator").is_dir()
    assert paths["generator"].endswith("hub/4/generator")


def test_two_sides_as_json_and_as_a_table(run_verb, tmp_path, on_terminal):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)
    for name in ("real", "fake"):
        np.savez(tmp_path / f"{name}.npz", images=images)
    sides = [f"--{name}={tmp_path}/{name}.npz" for name in ("real", "fake")]
    flags = [*sides, "--metrics=fid", "--extractor=raw_features"]
    found = json_of(run_verb, evaluate, *flags)
    (row,) = found["scores"]
    assert row["metric"] == "fid" and abs(row["value"]) < 1e-3  # of equal images
    code, out, _ = run_verb(evaluate, *flags)
    assert code == 0 and "95 % interval" in out and row["protocol_id"] in out


def test_a_benchmark_as_json(run_verb, small):
    found = json_of(run_verb, benchmark, small[0], "--steps=2", "--repeats=1")
    assert found["batch_size"] == 8 and found["step"]["wall"] > 0
