"""A run that an earlier version trained and scored: today's resumes, scores, exports, reports it.

tests/runs/old_run/ holds it, and the script that made it; its manifest.json names the version.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.bin import evaluate, export, report, sample, train
from compare_gan_tf.runs import checkpoints

pytestmark = [pytest.mark.usefixtures("in_this_process"), pytest.mark.optimised_graphs]

# Biases on which no loss depends: D's last one, under a hinge within its margins, and those before
# G's batch norm. Their gradients are rounding, which Adam scales up to steps of its own size.
OF_ROUNDING = ("discriminator/8/", "generator/1/", "generator/7/", "ema/1/", "ema/7/")
OLD = pathlib.Path(__file__).parents[1] / "runs" / "old_run"


@pytest.fixture
def run(tmp_path):
    """A copy, for what reads runs may write beside them."""
    return shutil.copytree(OLD, tmp_path / "run")


def rows(folder):
    return [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]


def test_it_is_small_and_names_its_version():
    files = [path for path in OLD.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    (start,) = json.loads((OLD / "manifest.json").read_text())["starts"]
    assert start["git"] == {"commit": "1fe6075de1fc5ee1bce502077a14d1ca745caec2", "dirty": False}


def test_training_goes_on_to_the_weights_that_it_led_to_then(run_verb, run):
    """Noise, batches, slots and averages go on as they did, up to the rounding of a machine."""
    code, out, err = run_verb(
        train, f"--model_dir={run}", "--gin_bindings=train.training_steps = 30"
    )
    assert code == 0, err
    assert "trained to step 30" in out
    reader = tf.train.load_checkpoint(str(checkpoints.find(run, 30)))
    for name, (shape, mean_square) in json.loads((OLD / "step_30.json").read_text()).items():
        value = np.asarray(reader.get_tensor(name), np.float64)
        assert list(value.shape) == shape, name
        error = 1e-5 if name.startswith(OF_ROUNDING) else 1e-12
        assert np.mean(np.square(value)) == pytest.approx(mean_square, rel=1e-3, abs=error), name


def test_its_scores_stay_beside_those_of_today(run_verb, run):
    """Rows of then are not touched; today's protocol differs in what it says of fakes' labels."""
    before = (run / "scores.jsonl").read_text()
    code, _, err = run_verb(evaluate, f"--model_dir={run}")
    assert code == 0, err
    assert (run / "scores.jsonl").read_text().startswith(before)
    found = rows(run)
    assert len(found) == 8
    for then, now in zip(found[:4], found[4:], strict=True):
        same = ("step", "checkpoint", "split", "metric")
        assert {name: now[name] for name in same} == {name: then[name] for name in same}
        was, is_ = then["protocol"], now["protocol"]
        assert {name for name in is_ if name not in was or is_[name] != was[name]} == {"labels"}
        # Fakes of the reals' classes in place of any: the digits' are nearly equal in number.
        assert now["value"] == pytest.approx(then["value"], rel=0.01)
        assert now["interval"][0] < then["value"] < now["interval"][1]


def test_it_is_exported_sampled_and_reported(run_verb, run, tmp_path):
    code, _, err = run_verb(export, f"--model_dir={run}")
    assert code == 0, err
    module = tf.saved_model.load(str(run / "hub/20/generator"))
    images = module.sample(5, [0, 1], 0.0).numpy()
    assert images.shape == (5, 8, 8, 1) and np.ptp(images) > 0.1
    code, _, err = run_verb(sample, f"--model_dir={run}", f"--output={tmp_path / 'some.npz'}",
                            "--num=5")  # fmt: skip
    assert code == 0, err
    code, _, err = run_verb(report, f"--model_dir={run}")
    assert code == 0, err
    page = (run / "report/index.html").read_text()
    fid = next(row for row in rows(run) if row["metric"] == "fid" and row["split"] == "test")
    assert f"{fid['value']:.2f}"[:5] in page
