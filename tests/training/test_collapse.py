"""Signs of a collapse: measured, warned of, shown."""

import functools
import json

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from small_runs import model

from compare_gan_tf import report
from compare_gan_tf.architectures import mlp
from compare_gan_tf.runs import collapse


def test_the_spread_is_that_of_pixels_beside_reals():
    rng = np.random.default_rng(0)
    reals = rng.integers(0, 256, [64, 8, 8, 1]).astype(np.uint8)
    half = (reals // 2 + 60).astype(np.uint8)
    found = collapse.likeness(half, reals)
    assert found["spread"] == pytest.approx(0.5, abs=0.01) and found["duplicates"] == 0
    assert collapse.likeness(reals, reals)["spread"] == 1.0
    assert collapse.likeness(reals[:1].repeat(64, 0), reals) == {"spread": 0.0, "duplicates": 1.0}


def test_twins_are_counted():
    rng = np.random.default_rng(0)
    reals = rng.integers(0, 256, [64, 8, 8, 3]).astype(np.uint8)
    fakes = reals.copy()
    fakes[:16] = np.clip(fakes[48:].astype(int) + rng.integers(-1, 2, [16, 8, 8, 3]), 0, 255)
    assert collapse.likeness(fakes, reals)["duplicates"] == 0.5  # 16 and their originals


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 9, 40).astype(float) + 1, rng.integers(0, 9, 60).astype(float)
    truth = np.repeat([1, 0], [40, 60])
    expected = roc_auc_score(truth, np.concatenate([real, fake]))
    assert collapse.d_auc(real, fake) == pytest.approx(expected, abs=1e-12)


GOOD = {"spread": 1.0, "duplicates": 0.0, "d_auc": 0.7}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"spread": 0.04}, "at steps 10 and 20 samples differ 4% as much as real images do"),
        ({"duplicates": 0.9}, "at steps 10 and 20 90% of the samples have a twin"),
        ({"d_auc": 1.0}, "at steps 10 and 20 D tells every fake from every real"),
    ],
)
def test_two_looks_make_an_alarm(bad, words):
    rows = [{"step": step} | GOOD for step in (10, 20)]
    assert collapse.alarms(rows) == {}
    assert collapse.alarms([rows[0], rows[1] | bad]) == {}
    assert collapse.alarms([rows[0] | bad]) == {}
    ((sign, said),) = collapse.alarms([one | bad for one in rows]).items()
    assert sign in bad and said.startswith(words)
    assert collapse.alarms([one | bad for one in rows] + [{"step": 30} | GOOD]) == {}


def constant(**arguments):
    """A generator whose samples are all the same."""
    inner = mlp.generator(units=8, depth=1, **arguments)
    return keras.Model(inner.input, keras.layers.Rescaling(0.0)(inner.output))


def test_a_collapsed_generator_is_told_in_log_bar_and_page(run, tmp_path, digits, caplog, capfd):
    collapsed = functools.partial(model, generator=constant)
    gan = run(tmp_path, 15, model=collapsed)
    rows = collapse.read(str(tmp_path))
    assert [row["step"] for row in rows] == [5, 10, 15]
    assert all(row["spread"] == 0.0 and row["duplicates"] == 1.0 for row in rows)
    told = [one.getMessage() for one in caplog.records]
    assert len([one for one in told if "G has collapsed" in one]) == 1  # and not at each look
    assert "collapse" in capfd.readouterr().err
    with open(report.write_report(str(tmp_path), gan, digits)) as page:
        assert "At steps 10 and 15 samples differ 0% as much as real images do" in page.read()


def test_a_resumed_run_has_each_row_once(run, whole, tmp_path):
    for steps in (12, 30):
        run(tmp_path, steps)
    assert collapse.read(str(tmp_path)) == collapse.read(str(whole[1]))


@pytest.mark.parametrize("line", ["{", "[]", json.dumps({"step": 1})])
def test_a_torn_row_is_left_out(tmp_path, line):
    (tmp_path / "logs").mkdir()
    collapse.add(str(tmp_path), {"step": 5} | GOOD)
    with open(collapse.path(str(tmp_path)), "a") as log:
        log.write(line + "\n")
    assert collapse.read(str(tmp_path)) == [{"step": 5} | GOOD]
