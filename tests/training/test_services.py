"""Weights & Biases and MLflow: what they are sent, by fakes of their modules and by themselves."""

import json
import os
import sqlite3
import subprocess
import sys
import types

import numpy as np
import pytest
from small_config import SMALL

from compare_gan_tf.bin import train
from compare_gan_tf.errors import UserError
from compare_gan_tf.training import services, trackers

EVERY = "{0}.every = 2\n{0}.sample_every = 4\n"
SCORED = f"{SMALL}evaluate.batch_size = 300\n"


class FakeWandB(types.ModuleType):
    """Keeps what it is sent, or fails where it is told to."""

    def __init__(self, fails=None):
        super().__init__("wandb")
        self.inits, self.rows, self.ends, self.fails = [], [], [], fails
        self.Settings = lambda **settings: settings
        self.Image = lambda image: ("image", image.shape, image.dtype)

    def init(self, **arguments):
        if self.fails == "init":
            raise ConnectionError("the service is not there\nsecond line")
        self.inits.append(arguments)
        return self

    def define_metric(self, *names, **settings):
        pass

    def log(self, row):
        if self.fails == "log":
            raise RuntimeError("the disk is full")
        self.rows.append(row)

    def finish(self, exit_code):
        self.ends.append(exit_code)


@pytest.fixture
def config(tmp_path):
    """Returns a function (name of the callback, further lines) -> flags of a small run."""

    def write(name, more=""):
        path = tmp_path / "small.gin"
        path.write_text(f"{SCORED}train.callbacks = [@{name}()]\n{EVERY.format(name)}{more}")
        return f"--gin_config={path}", f"--model_dir={tmp_path / 'run'}"

    return write


def test_losses_grids_settings_and_scores_are_sent(config, run_verb, monkeypatch, tmp_path):
    fake = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    flags = config("WandB", "WandB.project = 'gans'\n")
    code, _, err = run_verb(train, *flags, "--schedule=eval_after_train")
    assert code == 0, err
    first = fake.inits[0]
    assert first["project"] == "gans" and first["name"] == "run"
    assert first["config"]["train.batch_size"] == 8 and first["config"]["Normal.dim"] == 4
    losses = {row["step"]: row for row in fake.rows if "generator/loss" in row}
    lines = (tmp_path / "run/logs/train.jsonl").read_text().splitlines()
    logged = {row["step"]: row["generator/loss"] for row in map(json.loads, lines)}
    assert {step: row["generator/loss"] for step, row in losses.items()} == logged
    assert logged.keys() == {2, 4}
    (grid,) = [row for row in fake.rows if "samples" in row]
    assert grid["step"] == 4 and grid["samples"] == ("image", (512, 512, 3), np.uint8)
    stored = map(json.loads, (tmp_path / "run/scores.jsonl").read_text().splitlines())
    sent = {(r["step"], n): v for r in fake.rows for n, v in r.items() if n.startswith("scores")}
    assert sent == {(r["step"], f"scores/{r['metric']}/{r['split']}"): r["value"] for r in stored}
    # The training and its evaluation are one run of the service.
    assert [one["id"] for one in fake.inits] == [first["id"]] * 2 and fake.ends == [0, 0]
    more = "--gin_bindings=train.training_steps = 6"
    assert run_verb(train, flags[1], more)[0] == 0
    assert fake.inits[-1]["id"] == first["id"]


@pytest.mark.parametrize("fails", ["init", "log"])
def test_a_failing_tracker_does_not_kill_a_training(fails, config, run_verb, monkeypatch, caplog):
    fake = FakeWandB(fails)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    code, out, err = run_verb(train, *config("WandB"))
    assert code == 0 and "trained to step 4" in out
    given_up = [r.getMessage() for r in caplog.records if "wandb is given up" in r.getMessage()]
    assert len(given_up) == 1 and "\n" not in given_up[0]


def test_a_tracker_that_hangs_is_left(monkeypatch, tmp_path, caplog):
    fake = FakeWandB()
    ended = types.SimpleNamespace(wait=lambda seconds: False, set=lambda: None)
    monkeypatch.setattr(trackers.threading, "Event", lambda: ended)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    tracker = services.WandB()
    monkeypatch.setattr(trackers.threading, "Thread", lambda **_: types.SimpleNamespace(start=int))
    tracker.start(str(tmp_path), {})
    tracker.close()
    assert "does not answer" in caplog.text


@pytest.mark.parametrize(("name", "extra"), [("WandB", "wandb"), ("MLflow", "mlflow")])
def test_a_missing_extra_is_one_line(name, extra, config, run_verb, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, extra, None)
    code, out, err = run_verb(train, *config(name))
    assert (code, out) == (1, "") and f"pip install 'compare_gan_tf[{extra}]'" in err
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match=extra):
        getattr(services, name)()


def test_a_run_that_fails_is_told_so(config, run_verb, monkeypatch):
    fake = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    code, _, err = run_verb(train, *config("WandB", "adam.learning_rate = 1e38\n"))
    assert code == 1 and "is not finite" in err
    assert fake.ends == [1]


def test_names_of_mlflow():
    assert services._allowed("a.b/c d-e_f") == "a.b/c d-e_f"
    assert services._allowed("scope/loss(real):1") == "scope/loss_real__1"


# --- The libraries themselves, where they are installed, without a network ----------------------


def trained(flags, tmp_path):
    """Trains in a process of its own, with scores, and then resumes for two steps more."""
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "train", *flags]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    for more in ([], ["--gin_bindings=train.training_steps = 6"]):
        done = subprocess.run(
            [*command, "--schedule=eval_after_train", *more],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "given up" not in done.stderr
    return json.loads((tmp_path / "run/scores.jsonl").read_text().splitlines()[0])


@pytest.mark.slow
def test_mlflow_itself(config, tmp_path):
    pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    score = trained(config("MLflow", f"MLflow.tracking_uri = '{uri}'\n"), tmp_path)
    database = sqlite3.connect(tmp_path / "mlflow.db")
    ((run, status),) = database.execute("select run_uuid, status from runs").fetchall()
    assert status == "FINISHED"
    assert run == json.loads((tmp_path / "run/logs/mlflow.json").read_text())["id"]
    metrics = database.execute("select key, step, value from metrics").fetchall()
    assert {step for key, step, _ in metrics if key == "generator/loss"} == {2, 4, 6}
    name = f"scores/{score['metric']}/{score['split']}"
    found = {step: value for key, step, value in metrics if key == name}
    assert found[score["step"]] == score["value"]
    parameters = dict(database.execute("select key, value from params").fetchall())
    assert parameters["train.batch_size"] == "8" and parameters["train.training_steps"] == "4"
    tags = dict(database.execute("select key, value from tags").fetchall())
    assert tags["resumed.train.training_steps"] == "6"
    assert [path.name for path in tmp_path.rglob("samples/*.png")] == ["000000004.png"]


def records_of(content):
    """The records of a .wandb file: a log of LevelDB, in blocks of 32 KiB, after 7 bytes."""
    whole, place = b"", 7
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        if left < 7 or kind == 0:
            place += left
            continue
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield whole
            whole = b""


@pytest.mark.slow
def test_wandb_itself_offline(config, tmp_path):
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    trained(config("WandB", "WandB.mode = 'offline'\nWandB.project = 'gans'\n"), tmp_path)
    losses, images, scores, ids = set(), 0, 0, set()
    for path in (tmp_path / "run/wandb").glob("offline-run-*/*.wandb"):
        for data in records_of(path.read_bytes()):
            record = wandb_internal_pb2.Record.FromString(data)
            row = {
                (one.key or "/".join(one.nested_key)): json.loads(one.value_json)
                for one in record.history.item
            }
            ids |= {record.run.run_id} - {""}
            losses |= {row["step"]} if "generator/loss" in row else set()
            images += "samples" in row or "samples/_type" in row
            scores += any(name.startswith("scores/") for name in row)
    assert losses == {2, 4, 6} and images == 1 and scores > 0
    assert ids == {json.loads((tmp_path / "run/logs/wandb.json").read_text())["id"]}
