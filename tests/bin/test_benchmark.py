"""The verb: what it measures, prints and writes, and that it writes nothing else."""

import json
import os

import pytest

from compare_gan_tf.bin import benchmark
from compare_gan_tf.training import benchmark as measuring

# D: 64 inputs, 8 units twice, a logit; G: 4, 8, 8, 64.
OF_G, OF_D = [4 * 8, 8 * 8, 8 * 64], [64 * 8, 8 * 8, 8]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(measuring, "_PEAK_SECONDS", 0.0)
    monkeypatch.setattr(measuring, "_SIDES", {"CPU": 64})


@pytest.fixture
def config(tmp_path, small_config):
    (tmp_path / "small.gin").write_text(small_config + "train.steps_per_execution = 2\n")
    return f"--gin_config={tmp_path / 'small.gin'}"


def files_below(folder):
    return sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)


def test_the_numbers_belong_together(config, run_verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = f"--output={tmp_path / 'speed.json'}"
    code, out, err = run_verb(benchmark, config, "--steps=3", "--repeats=2", "--json", output)
    assert code == 0, err
    found = json.loads(out)
    assert json.loads((tmp_path / "speed.json").read_text()) == found
    assert [os.path.basename(path) for path in files_below(tmp_path)] == ["small.gin", "speed.json"]
    # 3 steps are rounded to whole executions of 2: Python rounds 1.5 to 2 of them.
    assert found["steps_per_repeat"] == 4 and len(found["repeats"]) == 2
    # D's update: G forward, D on 2 x 8 samples forward and backward; G's: as many passes of 8.
    of_d = sum(OF_G) + 2 * (3 * sum(OF_D) - OF_D[0])
    of_g = 3 * sum(OF_G) - OF_G[0] + 2 * sum(OF_D)
    assert found["multiply_adds"] == {"float32": 8 * (of_d + of_g)}
    for clock in ("wall", "cpu"):
        times = {name: found[name][clock] for name in ("start_up", "compile", "step")}
        assert all(value > 0 for value in times.values()), times
        step = times["step"]
        assert step == pytest.approx(sum(one[clock] for one in found["repeats"]) / 2)
        assert found["images_per_second"][clock] == pytest.approx(8 / step)
        whole = times["start_up"] + times["compile"] + 4 * step
        assert found["whole_run"][clock] == pytest.approx(whole)
        assert found["share_of_peak"][clock] > 0
    assert 10**8 < found["peak_memory"]["host"] < 10**11


def test_a_table_is_printed_for_a_run_which_stays_as_it_is(trained, run_verb):
    before = {path: open(path, "rb").read() for path in files_below(trained)}
    code, out, err = run_verb(benchmark, f"--model_dir={trained}", "--steps=1", "--repeats=1")
    assert code == 0, err
    assert {path: open(path, "rb").read() for path in files_below(trained)} == before
    assert out.startswith("1 x CPU, batch size 8\nin a step: 1 updates of D, 1 of G;")
    for name in ("start-up", "tracing and compiling", "steps/s", "images/s", "whole run"):
        (line,) = [line for line in out.splitlines() if line.startswith(f"{name}  ")]
        assert len(line.split("  ")) >= 3
    assert "4 steps, without checkpoints, logs and scores" in out
    assert "multiply-adds of a step: 48.4 k float32" in out


def test_public_data_are_replaced_by_noise(config, run_verb, tmp_path):
    lines = 'data.load.name = "mnist"', f"data.load.data_dir = '{tmp_path}'"
    bindings = [f"--gin_bindings={line}" for line in lines]
    code, out, err = run_verb(benchmark, config, *bindings, "--steps=1", "--repeats=1", "--json")
    assert code == 0, err
    products = 28 * 28 - 64  # more in D's first and in G's last layer, of 8 units
    of_d, of_g = sum(OF_G) + 2 * (3 * sum(OF_D) - OF_D[0]), 3 * sum(OF_G) - OF_G[0] + 2 * sum(OF_D)
    more = 8 * products * (1 + 2 * 2 + 3 + 2)
    assert json.loads(out)["multiply_adds"] == {"float32": 8 * (of_d + of_g + more)}
    assert [os.path.basename(path) for path in files_below(tmp_path)] == ["small.gin"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps=0"], "--steps"),
        (["--repeats=0"], "--repeats"),
        (["--steps=many"], "--steps"),
        (["--overwrite"], "is for --output"),
        (["--output=/no/such/folder/x.json"], "there is no folder /no/such/folder: make it"),
        (["--output=/"], "is a folder: name a file in it"),
        (["--gin_bindings=train.batch_size = 0"], "train.batch_size"),
        (["--gin_bindings=train.wrong = 0"], "wrong"),
    ],
)
def test_bad_input_is_one_line(config, run_verb, arguments, message):
    code, out, err = run_verb(benchmark, config, *arguments)
    assert code == 1
    assert message in err and len(err.splitlines()) == 1, err
    assert out == ""


def test_a_file_in_the_way_is_refused_before_the_work(config, run_verb, tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "measure", None)  # would fail
    (tmp_path / "speed.json").write_text("mine")
    code, _, err = run_verb(benchmark, config, f"--output={tmp_path / 'speed.json'}")
    assert code == 1
    assert "exists: choose another path, or give --overwrite" in err
    assert (tmp_path / "speed.json").read_text() == "mine"


def test_without_a_config_it_says_so(run_verb):
    code, _, err = run_verb(benchmark)
    assert code == 1
    assert "--gin_config" in err


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00123, "1.23 ms"), (4.5, "4.5 s"), (600, "10 min"), (360_000, "100 h"), (7.2e9, "2e+06 h")],
)
def test_times_have_the_unit_that_suits_them(value, text):
    assert benchmark.span(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (999, "999"), (999.9, "1 k"), (12_345, "12.3 k"), (2e9, "2 G")],
)
def test_numbers_have_three_digits(value, text):
    assert benchmark._number(value) == text
