"""What a worker makes of its runs: values, failures, deaths, budgets, signals."""

import dataclasses
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

pytest.importorskip("optuna")

import study_workers
from optuna.trial import TrialState

from compare_gan_tf.comparison.records import COMPLETE, FAILED
from compare_gan_tf.errors import Stopped, UserError
from compare_gan_tf.study import claims, collect, driver, folder, progress, trials, worker

ONE = {"axes": '{"x": {"a": []}}'}
PRUNED = ONE | {"settings": '{"a.b": [1, 2]}', "seeds": "6", "prune": "True"}


def scripted(values):
    """In the place of `trials.run`: {setting of a.b or None: [value of each seed]}."""

    def run(study, study_dir, means, claimed, setting, seed):
        return study_workers.a_run(values[setting.get("a.b")][seed], seed=seed, setting=setting)

    return run


def work(study_dir, values, **options):
    return study_workers.work(study_dir, study_dir, scripted(values), **options)


# --- Values -----------------------------------------------------------------------------------


def test_the_value_is_the_median_over_the_seeds(make, tmp_path):
    make(tmp_path / "s", seeds="3", **ONE)
    work(tmp_path / "s", {None: [5.0, 100.0, 7.0]})
    assert study_workers.complete_trials(tmp_path / "s") == {(0, 0): [7.0]}


def test_a_failed_setting_is_worse_than_every_score(make, tmp_path):
    """Than those that come later, too, whatever they are: the first run has failed before any."""
    make(tmp_path / "s", settings='{"a.b": [1, 2, 3, 4]}', **ONE)
    work(tmp_path / "s", {"1": [None], "2": [40.0], "3": [5000.0], "4": [None]})
    found = [value for (value,) in study_workers.complete_trials(tmp_path / "s").values()]
    assert found == [math.inf, 40.0, 5000.0, math.inf]
    study = study_workers.load(tmp_path / "s")
    assert study.studies[0].best_value == 40.0
    assert [run.status for run in collect.runs(study)] == [FAILED, COMPLETE, COMPLETE, FAILED]


def test_failed_seeds_are_the_worst_of_a_setting(make, tmp_path):
    """As in every statistic: a setting has a value where fewer than half of its seeds failed."""
    make(tmp_path / "s", settings='{"a.b": [1, 2]}', seeds="3", **ONE)
    work(tmp_path / "s", {"1": [None, 7.0, 5.0], "2": [None, 3.0, None]})
    assert study_workers.complete_trials(tmp_path / "s") == {(0, 0): [7.0], (0, 1): [math.inf]}


def test_of_a_score_that_is_better_high_the_worst_is_low(make, tmp_path):
    study = make(tmp_path / "s", metric='"recall"', **ONE)
    assert worker.value_of(study, [study_workers.a_run(None)]) == -math.inf
    scored = study_workers.a_run(0.25)
    scored = dataclasses.replace(scored, scores={"recall": scored.scores["fid"]})
    assert worker.value_of(study, [scored]) == 0.25


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_worst(make, tmp_path, value):
    make(tmp_path / "s", settings='{"a.b": [1, 2]}', **ONE)
    work(tmp_path / "s", {"1": [3.0], "2": [value]})
    assert study_workers.complete_trials(tmp_path / "s") == {(0, 0): [3.0], (0, 1): [math.inf]}


def test_a_setting_that_is_worse_gets_no_further_seeds(make, tmp_path):
    make(tmp_path / "s", **PRUNED)
    bad = [10.0, 30.0, 20.0, 50.0, 1.0, 1.0]
    work(tmp_path / "s", {"1": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "2": bad})
    good, pruned = study_workers.load(tmp_path / "s").studies[0].get_trials()
    assert len(good.user_attrs["runs"]) == 6 and "pruned" not in good.user_attrs
    assert len(pruned.user_attrs["runs"]) == 4 and pruned.user_attrs["pruned"] is True
    assert pruned.value == statistics.median(bad[:4]) == 25.0
    assert pruned.state == TrialState.COMPLETE  # so that the search learns from it


@pytest.mark.parametrize("first", [[1.0] * 6, [None, *[5000.0] * 5]])
def test_a_setting_whose_seeds_fail_gets_no_further_ones(make, tmp_path, first):
    """Also where the best setting has a seed that failed before there was any score."""
    make(tmp_path / "s", **PRUNED)
    work(tmp_path / "s", {"1": first, "2": [None] * 6})
    good, pruned = study_workers.load(tmp_path / "s").studies[0].get_trials()
    assert len(good.user_attrs["runs"]) == 6 and "pruned" not in good.user_attrs
    assert pruned.user_attrs["pruned"] is True and len(pruned.user_attrs["runs"]) <= 5
    assert pruned.value == math.inf


def test_settings_that_all_fail_get_all_seeds(make, tmp_path):
    """None of them is worse than the others."""
    make(tmp_path / "s", **PRUNED)
    work(tmp_path / "s", {"1": [None] * 6, "2": [None] * 6})
    for trial in study_workers.load(tmp_path / "s").studies[0].get_trials():
        assert len(trial.user_attrs["runs"]) == 6


def test_without_prune_it_gets_all(make, tmp_path):
    make(tmp_path / "s", **PRUNED | {"prune": "False"})
    work(tmp_path / "s", {"1": [1.0] * 6, "2": [10.0] * 6})
    for trial in study_workers.load(tmp_path / "s").studies[0].get_trials():
        assert len(trial.user_attrs["runs"]) == 6


# --- Budgets and ends -------------------------------------------------------------------------


def test_max_trials(make, tmp_path):
    make(tmp_path / "s", settings='{"a.b": [1, 2, 3]}', **ONE)
    values = {name: [1.0] for name in "123"}
    assert work(tmp_path / "s", values, max_trials=2) == 2
    assert work(tmp_path / "s", values, max_trials=2) == 1
    assert work(tmp_path / "s", values) == 0


def test_when_the_hours_are_spent_no_trial_begins(make, tmp_path):
    make(tmp_path / "s", settings='{"a.b": [1, 2, 3]}', hours="1.0", **ONE)
    values = {name: [1.0] for name in "123"}
    work(tmp_path / "s", values, max_trials=1)
    study = study_workers.load(tmp_path / "s")
    with claims.claim(study, str(tmp_path / "s")) as one:
        claims.begin(study, one).set_user_attr("seconds", 3601.0)
        claims.complete(study, one, 1.0)
    assert worker.is_spent(study) and work(tmp_path / "s", values) == 0
    assert worker.is_unfinished(study)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_the_trial_back_at_once(make, tmp_path, number):
    make(tmp_path / "s", **ONE)

    def stopped():
        with pytest.raises(Stopped) as error:
            study_workers.work(tmp_path / "s", tmp_path / "s", study_workers.fake_run(60))
        os._exit(128 + error.value.signal_number)

    pid = study_workers.forked(stopped)
    end = time.monotonic() + 60
    while not list(tmp_path.rglob("busy")) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(pid, number)
    os.kill(pid, number)  # a second one breaks nothing off
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + number
    (trial,) = study_workers.load(tmp_path / "s").studies[0].get_trials()
    assert trial.state == TrialState.FAIL
    assert work(tmp_path / "s", {None: [1.0]}) == 1


def test_an_error_of_ours_gives_the_trial_back(make, tmp_path):
    make(tmp_path / "s", **ONE)
    with pytest.raises(KeyError):
        work(tmp_path / "s", {})
    assert work(tmp_path / "s", {None: [1.0]}) == 1


def test_workers_may_write_the_config_at_once(tmp_path):
    def write():
        for number in range(300):
            folder.write(str(tmp_path), folder.BASE, f"{number}\n" * 1000)

    pids = [study_workers.forked(write) for _ in range(3)]
    while any(study_workers.is_alive(pid) for pid in pids):
        text = (tmp_path / folder.BASE).read_text() if os.listdir(tmp_path) else ""
        assert len(set(text.split())) <= 1
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    assert os.listdir(tmp_path) == [folder.BASE]


def test_the_worker_imports_no_tensorflow():
    code = (
        "import sys; from compare_gan_tf.bin.study import work\n"
        "from compare_gan_tf.study import connection, driver, worker, trials, collect\n"
        "bad = {'tensorflow', 'keras', 'matplotlib', 'plotly', 'torch', 'scipy', 'pandas'}\n"
        "sys.exit(repr(sorted(bad & sys.modules.keys())) if bad & sys.modules.keys() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- The process of a run ---------------------------------------------------------------------


@pytest.fixture
def one_run(make, tmp_path, monkeypatch):
    """A function (what the process does each time) -> the run, and how often it was started.

    A step is an exit code, or a function of the run's folder that returns one.
    """

    def run(*steps):
        study, left = make(tmp_path / "s", **ONE), list(steps)

        def process(command, place, asked, means, claimed):
            step = left.pop(0)
            code = step(place) if callable(step) else step
            if code == 0:
                record = study_workers.a_run(3.0, folder=place).to_json()
                with open(os.path.join(place, trials.RECORD), "w") as file:
                    json.dump(record, file)
            return code

        monkeypatch.setattr(trials, "_process", process)
        with claims.claim(study, str(tmp_path / "s")) as claimed:
            claims.begin(study, claimed)
            found = trials.run(study, str(tmp_path / "s"), trials.Means(), claimed, {}, 0)
            return found, len(steps) - len(left)

    return run


def says(text, code):
    def step(place):
        with open(os.path.join(place, trials.LOG), "w") as log:
            log.write(text)
        return code

    return step


def progresses(code):
    def step(place):
        os.makedirs(os.path.join(place, "checkpoints"), exist_ok=True)
        number = len(os.listdir(os.path.join(place, "checkpoints")))
        with open(os.path.join(place, "checkpoints", f"ckpt-{number}.index"), "w"):
            return code

    return step


def test_a_run_that_ends_well(one_run):
    run, starts = one_run(0)
    assert (run.status, starts) == (COMPLETE, 1)


def test_a_run_that_fails_says_why(one_run):
    line = "compare-gan train: train.batch_size is 0: it must be a whole number, 1 or more"
    run, starts = one_run(says(f"other\n{line}\n", 1))
    assert (run.status, starts) == (FAILED, 1)
    assert run.reason == line.removeprefix("compare-gan train: ")


def test_a_run_that_says_nothing_has_failed(one_run):
    run, _ = one_run(says("", 1))
    assert (run.status, run.reason) == (FAILED, "no reason")


def test_a_long_or_strange_reason_is_one_short_line(one_run):
    def binary(place):
        with open(os.path.join(place, trials.LOG), "wb") as log:
            log.write(b"\xff\x00" * 100_000)
        return 1

    run, _ = one_run(binary)
    assert 0 < len(run.reason) <= 300 and "\n" not in run.reason


@pytest.mark.parametrize("code", [-signal.SIGKILL, -signal.SIGSEGV, 128 + signal.SIGTERM])
def test_a_run_that_a_signal_ended_goes_on(one_run, code):
    run, starts = one_run(code, code, 0)
    assert (run.status, starts) == (COMPLETE, 3)


def test_deaths_at_one_step_fail_it(one_run):
    run, starts = one_run(*[-signal.SIGKILL] * 9)
    assert (run.status, starts) == (FAILED, 5)
    assert run.reason == "ended by SIGKILL 5 times at one step"


def test_deaths_with_progress_do_not(one_run):
    run, starts = one_run(*[-9] * 4, *[progresses(-9)] * 9, *[-9] * 3, 0)
    assert (run.status, starts) == (COMPLETE, 17)


def test_a_trial_that_was_lost_has_no_run(one_run):
    assert one_run(None) == (None, 1)


def test_a_record_of_a_dead_worker_is_taken_as_it_is(make, tmp_path, monkeypatch, one_run):
    first, _ = one_run(0)
    study = study_workers.load(tmp_path / "s")
    claims.requeue(study, str(tmp_path / "s"))
    monkeypatch.setattr(trials, "_process", None)  # it is not called
    with claims.claim(study, str(tmp_path / "s")) as claimed:
        again = trials.run(study, str(tmp_path / "s"), trials.Means(), claimed, {}, 0)
    assert again == first


SLEEP = "import signal, time; signal.signal(signal.SIGTERM, signal.{}); time.sleep(600)"


def test_a_run_ends_with_its_trial(make, tmp_path, monkeypatch):
    """Where the trial was lost, its process is told to end."""
    study = make(tmp_path / "s", **ONE)
    popen = subprocess.Popen
    monkeypatch.setattr(
        trials.subprocess,
        "Popen",
        lambda _, **options: popen([sys.executable, "-c", SLEEP.format("SIG_DFL")], **options),
    )
    with claims.claim(study, str(tmp_path / "s")) as claimed:
        threading.Timer(1.0, claimed.lost.set).start()
        assert trials.run(study, str(tmp_path / "s"), trials.Means(), claimed, {}, 0) is None


def test_the_machine_of_a_run(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = trials.Means(threads=2, device="1").environment()
    assert (found["TF_NUM_INTRAOP_THREADS"], found["OMP_NUM_THREADS"]) == ("2", "7")
    assert found["CUDA_VISIBLE_DEVICES"] == "1"
    assert "TF_NUM_INTRAOP_THREADS" not in trials.Means(threads=None).environment()


# --- The driver -------------------------------------------------------------------------------


def drive(study, tmp_path, script, workers=1, monkeypatch=None):
    """Has workers that are scripts run; each start adds a line to `starts`."""
    path = tmp_path / "worker.py"
    path.write_text(
        f"import os, sys\nopen({str(tmp_path / 'starts')!r}, 'a').write('x\\n')\n{script}"
    )
    popen = subprocess.Popen
    monkeypatch.setattr(driver, "_LOOK", 0.05)
    monkeypatch.setattr(
        driver.subprocess, "Popen", lambda _, **options: popen([sys.executable, path], **options)
    )
    driver.run(study, str(tmp_path / "s"), [], [None] * workers)
    return len((tmp_path / "starts").read_text().split())


def test_one_killed_worker_is_replaced(make, tmp_path, monkeypatch):
    study = make(tmp_path / "s", **ONE)
    script = f"if open({str(tmp_path / 'starts')!r}).read().count('x') < 4: os.kill(os.getpid(), 9)"
    assert drive(study, tmp_path, script, monkeypatch=monkeypatch) == 4


def test_a_worker_that_always_fails_ends_the_study(make, tmp_path, monkeypatch):
    study = make(tmp_path / "s", **ONE)
    with pytest.raises(UserError, match="a worker failed: no disk"):
        drive(study, tmp_path, "sys.exit('no disk')", monkeypatch=monkeypatch)
    assert len((tmp_path / "starts").read_text().split()) == 4


def test_two_drivers_of_one_study_are_refused(make, tmp_path, monkeypatch):
    study = make(tmp_path / "s", **ONE)
    with driver.locks.sole_writer(str(tmp_path / "s"), "study"):
        with pytest.raises(UserError, match="another study is writing to"):
            drive(study, tmp_path, "", monkeypatch=monkeypatch)


def test_a_worker_that_will_not_end_is_killed(make, tmp_path, monkeypatch):
    study = make(tmp_path / "s", **ONE)
    monkeypatch.setattr(driver, "_PATIENCE", 0.5)
    timer = threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(Stopped):
        drive(study, tmp_path, SLEEP.format("SIG_IGN"), 2, monkeypatch)


# --- How far it is ----------------------------------------------------------------------------


def test_how_far_a_study_is(make, tmp_path):
    make(tmp_path / "s", settings='{"a.b": [1, 2, 3]}', **ONE)
    work(tmp_path / "s", {"1": [4.0], "2": [None]}, max_trials=2)
    study = study_workers.load(tmp_path / "s")
    with claims.claim(study, str(tmp_path / "s")):
        counts = collect.counts(study)
        assert counts == {**counts, **Counter(run.status for run in collect.runs(study))}
        assert counts == {"complete": 1, "failed": 1, "running": 1, "waiting": 0, "pruned": 0}
        found = progress.progress(study)
    assert not found.is_done
    assert found.total == {"done": 2, "failed": 1, "running": 1, "waiting": 0, "best": 4.0}
    assert found.rows()[-1] == ["all", "2", "1", "1", "0", "4.00"]
    assert found.notes()[0].startswith("failed, 1 times: ")


def test_runs_are_found_where_the_folder_lies_now(make, tmp_path):
    make(tmp_path / "s", **ONE)

    def run(study, study_dir, means, claimed, setting, seed):
        place = os.path.join(claimed.folder, f"seed{seed}")
        os.makedirs(place, exist_ok=True)
        name = os.path.relpath(place, os.path.join(study_dir, "runs"))
        return study_workers.a_run(1.0, name=name, folder=place)

    study_workers.work(tmp_path / "s", tmp_path / "s", run)
    os.rename(tmp_path / "s", tmp_path / "moved")
    study = study_workers.load(tmp_path / "moved")
    (found,) = collect.comparison(study, str(tmp_path / "moved")).runs
    assert found.folder == str(tmp_path / "moved" / "runs" / "000_a" / "000" / "seed0")
    (found,) = collect.comparison(study, str(tmp_path / "other")).runs
    assert found.folder is None
