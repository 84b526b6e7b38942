"""--ema: averages whose length is chosen after the training, scored, exported and drawn."""

import json
import pathlib
import shutil

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf
from small_config import SMALL
from verbs import exit_code

from compare_gan_tf.bin import describe, evaluate, export, sample, train
from compare_gan_tf.runs import best, results

CONFIG = f"""{SMALL}
train.training_steps = 40
train.checkpoint_every = 20
GAN.post_hoc_ema = @PostHocEMA()
PostHocEMA.snapshot_every = 1
evaluate.batch_size = 300
evaluate.num_samples = 300
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracked")
    (folder / "small.gin").write_text(CONFIG)
    flags = f"--gin_config={folder / 'small.gin'}", f"--model_dir={folder / 'run'}"
    assert exit_code(train, *flags) == 0
    gin.clear_config()
    return folder / "run"


@pytest.fixture
def run(once, tmp_path):
    return pathlib.Path(shutil.copytree(once, tmp_path / "run"))


def rows(run):
    return results.read(results.path(run))


def test_one_length_is_scored_and_has_a_protocol_of_its_own(run, run_verb):
    scored = f"--model_dir={run}", "--checkpoint=latest"
    code, _, err = run_verb(evaluate, *scored)
    assert code == 0, err
    plain = {row["split"]: row for row in rows(run)}
    kept = best.read(run)
    code, out, err = run_verb(evaluate, *scored, "--ema=0.05")
    assert code == 0, err
    averaged = {row["split"]: row for row in rows(run)[2:]}
    assert plain.keys() == averaged.keys() == {"validation", "test"}
    for split, row in averaged.items():
        one, other = plain[split]["protocol"], row["protocol"]
        assert other == one | {"ema": True, "ema_length": 0.05}
        assert "ema_length" not in one and one["ema"] is False
        assert "-ema0.05-" in row["protocol_id"] and row["value"] != plain[split]["value"]
        assert results.floor_of(row, results.read(results.floor_path(run))) is not None
    assert "floor, real samples in place of fakes" in out
    assert best.read(run) == kept  # an average that was made later selects no checkpoint


def test_of_several_lengths_the_best_on_validation_is_reported(run, run_verb):
    asked = f"--model_dir={run}", "--ema=0.03,0.05,0.2", "--json"
    code, out, err = run_verb(evaluate, *asked)
    assert code == 0, err
    found = json.loads(out)
    values = {one["ema_length"]: one["score"]["value"] for one in found["tried"]}
    assert list(values) == [0.03, 0.05, 0.2] and len(set(values.values())) == 3
    assert found["best"] == min(values, key=values.get)
    assert (found["step"], found["select_by"], found["left_out"]) == (40, "fid", [])
    assert {row["split"]: row["protocol"]["ema_length"] for row in found["scores"]} == {
        "validation": found["best"], "test": found["best"],
    }  # fmt: skip
    tested = [row for row in rows(run) if row["split"] == "test"]
    assert [row["protocol"]["ema_length"] for row in tested] == [found["best"]]
    before = (run / "scores.jsonl").read_bytes()
    code, again, _ = run_verb(evaluate, *asked)
    assert code == 0 and json.loads(again) == found  # nothing is computed twice
    assert (run / "scores.jsonl").read_bytes() == before


def test_a_sweep_leaves_out_what_the_snapshots_cannot_make(run, run_verb):
    code, out, err = run_verb(evaluate, f"--model_dir={run}", "--ema=sweep", "--checkpoint=20")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["sigma_rel", "score", "split", "value"]
    assert [line for line in lines if line.startswith("left out, for too few snapshots: 0.01, ")]
    marked = [line.split()[0] for line in lines if line.endswith("*")]
    assert f"best by fid on validation at step 20: {marked[0]}" in lines and len(marked) == 1


@pytest.mark.usefixtures("in_this_process")
def test_the_exported_and_the_drawn_generator_hold_the_average(run, run_verb, tmp_path):
    code, out, err = run_verb(export, f"--model_dir={run}", "--ema=0.05", "--json")
    assert code == 0, err
    folder = run / "hub" / "40"
    made = keras.models.load_model(folder / "generator.keras")
    with np.load(run / "ema" / "40.npz") as arrays:  # 0.05 is tracked
        for index, variable in enumerate(made.variables):
            np.testing.assert_allclose(variable, arrays[f"0.05/{index}"], rtol=1e-4, atol=1e-6)
    metadata = json.loads((folder / "generator" / "assets.extra" / "metadata.json").read_text())
    assert (metadata["ema"], metadata["ema_length"]) == (True, 0.05)
    of_d = json.loads((folder / "discriminator" / "assets.extra" / "metadata.json").read_text())
    assert of_d["ema"] is False and "ema_length" not in of_d
    facts = json.loads((folder / "model.json").read_text())
    assert (facts["ema"], facts["ema_length"]) == (True, 0.05)
    module = tf.saved_model.load(str(folder / "generator"))
    images = module.sample(4, [0, 3], 0.0)
    output = tmp_path / "four.npz"
    drawn = (f"--model_dir={run}", "--ema=0.05", "--num=4", "--seed=3", f"--output={output}")
    code, _, err = run_verb(sample, *drawn)
    assert code == 0, err
    np.testing.assert_allclose(np.load(output)["images"] / 255, images, atol=1 / 255)


REFUSED = {
    ("--ema=0.3",): "flag --ema=0.3: it must be a number in (0, 0.288), such as 0.05, several with",
    ("--ema=",): "it must be a number in (0, 0.288)",
    ("--ema=0.05,nan",): "it must be a number in (0, 0.288)",
    ("--ema=0.001",): "make the length 0.001 with an error of 83%, more than 5%",
    ("--ema=0.05,0.001",): "make the length 0.001 with an error of 83%, more than 5%",
    ("--ema=0.05", "--checkpoint=0"): "0.npz is missing, there is none before: name another",
    ("--ema=sweep", "--checkpoint=0"): "0.npz is missing, there is none before: name another",
    ("--ema=0.05", "--checkpoint=all"): "with --ema name one checkpoint, such as latest",
    ("--ema=0.05", "--schedule=continuous_eval"): "it is for --schedule=once",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_bad_input_gets_one_line(once, run_verb, flags):
    code, out, err = run_verb(evaluate, f"--model_dir={once}", *flags)
    lines = [line for line in err.splitlines() if REFUSED[flags] in line]
    assert code == 1 and out == "" and len(lines) == 1, err
    assert "Traceback" not in err and not results.read(results.path(once))


@pytest.mark.parametrize("verb", [export, sample])
def test_other_verbs_take_one_length(once, run_verb, tmp_path, verb):
    output = (f"--output={tmp_path / 'a.png'}",) if verb is sample else ()
    code, _, err = run_verb(verb, f"--model_dir={once}", "--ema=0.05,0.1", *output)
    assert code == 1 and "it must be a number in (0, 0.288), such as 0.05" in err


def test_a_run_without_snapshots_is_refused(trained, run_verb):
    code, _, err = run_verb(evaluate, f"--model_dir={trained}", "--ema=0.05")
    assert code == 1 and "train it anew with GAN.post_hoc_ema = @PostHocEMA()" in err


def test_describe_tells_the_size_of_a_snapshot(once, run_verb):
    code, out, _ = run_verb(describe, f"--model_dir={once}", "--json")
    found = json.loads(out)["post_hoc_ema"]
    size = (once / "ema" / "40.npz").stat().st_size
    assert code == 0 and found["lengths"] == [0.05, 0.1] and found["snapshot_every"] == 1
    assert 0 < size - found["snapshot_bytes"] < 300 * 20
    _, out, _ = run_verb(describe, f"--model_dir={once}")
    assert f"{found['snapshot_bytes'] / 1e6:.1f} MB" in out
