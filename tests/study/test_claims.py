"""Workers that share a study: none runs another's trial, none takes one with it when it dies."""

import datetime
import os
import shutil
import signal
import time

import pytest

pytest.importorskip("optuna")

import study_workers
from optuna.trial import TrialState

from compare_gan_tf.errors import Stopped, UserError
from compare_gan_tf.storage import locks
from compare_gan_tf.study import claims

AXES = '{"x": {"a": []}}'
DONE = {(0, 0): [1.0], (0, 1): [1.0]}


@pytest.fixture
def template(make, tmp_path):
    """A folder with a study of one cell and two slots."""
    make(tmp_path / "template", axes=AXES, settings='{"a.b": [1, 2]}')
    return tmp_path / "template"


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def states(study_dir):
    study = study_workers.load(study_dir)
    return [(t.number, t.user_attrs["slot"], t.state.name) for t in study.studies[0].get_trials()]


# --- One at a time ----------------------------------------------------------------------------


def test_one_worker_takes_a_slot(template):
    study = study_workers.load(template)
    with claims.claim(study, str(template)) as one, claims.claim(study, str(template)) as other:
        assert (one.slot, other.slot) == (0, 1)
        with claims.claim(study, str(template)) as third:
            assert third is None
        assert [row.state for _, row in study.current()] == [TrialState.RUNNING] * 2


def test_the_cells_take_turns(make, tmp_path):
    make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    study, taken = study_workers.load(tmp_path / "s"), []
    for _ in range(4):
        with claims.claim(study, str(tmp_path / "s")) as one:
            taken.append((one.cell.number, one.slot))
            claims.complete(study, one, 1.0)
    assert taken == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_workers_in_many_processes_never_run_one_trial_at_once(make, tmp_path):
    """Also in two folders with one database, as on two machines."""
    study = make(tmp_path / "s", axes=AXES, settings=repr({"a.b": list(range(30))}))
    run = study_workers.fake_run(0.02)
    workers = [
        study_workers.forked(study_workers.work, tmp_path / "s", tmp_path / place, run)
        for place in ("s", "s", "other", "other")
    ]
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 4
    found = study_workers.complete_trials(tmp_path / "s")
    assert found == {(0, slot): [1.0] for slot in range(30)}
    assert len(study.studies[0].get_trials()) == 30
    assert not list(tmp_path.rglob("violations"))


def test_a_trial_put_there_twice_is_run_once(template):
    study = study_workers.load(template)
    with claims.claim(study, str(template)) as one:
        claims._fail(study, one.trial_id)
    ((cell, row), _) = study.current()
    claims._replace(study, cell, row)
    claims._replace(study, cell, row)  # as another machine may at the same moment
    assert study_workers.work(template, template, study_workers.fake_run()) == 2
    assert study_workers.complete_trials(template) == DONE
    assert states(template)[-1] == (3, 0, "WAITING")


def test_what_replaces_a_trial_has_its_settings_and_what_it_cost(template):
    study = study_workers.load(template)
    with claims.claim(study, str(template)) as one:
        trial = claims.begin(study, one)
        assert trial.suggest_categorical("a.b", ["1", "2"]) == "1"
        trial.set_user_attr("seconds", 3.5)
        claims._fail(study, one.trial_id)
    claims.requeue(study, str(template))
    new = study.trials(study.cells[0])[0]
    assert (new.number, new.state, new.params) == (2, TrialState.WAITING, {"a.b": "1"})
    assert new.user_attrs == {"slot": 0, "seconds": 3.5}


# --- Deaths -----------------------------------------------------------------------------------


def die(template, place, line, act):
    """A worker that ends at a line, and then one that works the rest off."""
    shutil.copytree(template, place)

    def first():
        study_workers.at_line(line, act)
        study_workers.work(place, place, study_workers.fake_run())

    code = os.waitstatus_to_exitcode(os.waitpid(study_workers.forked(first), 0)[1])
    pid = study_workers.forked(study_workers.work, place, place, study_workers.fake_run())
    assert os.waitpid(pid, 0)[1] == 0, line
    assert study_workers.complete_trials(place) == DONE, line
    assert not os.path.exists(place / "violations"), line
    shutil.rmtree(place)
    return code


def stop():
    raise Stopped(signal.SIGTERM)


def kill():
    os._exit(9)


@pytest.mark.parametrize("act, code", [
    (kill, 9), pytest.param(stop, 1, marks=pytest.mark.slow)
])  # fmt: skip
def test_a_worker_that_ends_at_a_line_loses_nothing(template, tmp_path, act, code):
    """At some lines of `claims` and `worker`; the slow test has them all."""
    codes = [die(template, tmp_path / str(line), line, act) for line in range(3, 120, 13)]
    assert codes == [code] * len(codes)


@pytest.mark.slow
@pytest.mark.parametrize("act, code", [(kill, 9), (stop, 1)])
def test_a_worker_that_ends_at_any_line_loses_nothing(template, tmp_path, act, code):
    """Of the first trial, the second, and the end: until the worker ends before the line comes."""
    line = 0
    while die(template, tmp_path / str(line), line, act) == code:
        line += 1
    assert line > 150


def test_a_dead_worker_is_seen_at_once_where_its_lock_was(template):
    study = study_workers.load(template, grace=1000)

    def first():
        with claims.claim(study_workers.load(template, grace=1000), str(template)) as one:
            claims.begin(study, one)
            kill()

    os.waitpid(study_workers.forked(first), 0)
    assert states(template)[0] == (0, 0, "RUNNING")
    claims.requeue(study, str(template))
    assert states(template) == [(0, 0, "FAIL"), (1, 1, "WAITING"), (2, 0, "WAITING")]


def test_elsewhere_it_is_seen_after_the_grace(template, tmp_path):
    """As by another machine, whose folder has no such lock."""

    def first():
        with claims.claim(study_workers.load(template), str(template)) as one:
            claims.begin(study_workers.load(template), one)
            kill()

    os.waitpid(study_workers.forked(first), 0)
    (tmp_path / "other").mkdir()
    far = study_workers.load(template, grace=1000)
    claims.requeue(far, str(tmp_path / "other"))
    assert states(template)[0] == (0, 0, "RUNNING")
    near = study_workers.load(template, grace=1)
    until(lambda: claims.requeue(near, str(tmp_path / "other")) or len(states(template)) == 3)
    assert states(template)[0] == (0, 0, "FAIL")


def test_a_living_worker_of_the_same_name_elsewhere_is_left_alone(template, tmp_path):
    """Machines made from one image have one host name, and one path for their folders."""
    study = study_workers.load(template, grace=1000)
    with claims.claim(study, str(template)) as one:
        claims.begin(study, one)
        shutil.copytree(template / "runs", tmp_path / "other" / "runs")
        claims.requeue(study, str(tmp_path / "other"))
        assert states(template)[0] == (0, 0, "RUNNING")


def test_clocks_of_other_time_zones_do_not_matter(template, monkeypatch):
    """Optuna notes local times: a trial of another machine may seem to be of tomorrow."""
    study = study_workers.load(template)
    with claims.claim(study, str(template)) as one:
        claims._fail(study, one.trial_id)
    with study.storage.engine.begin() as database:
        tomorrow = datetime.datetime.now() + datetime.timedelta(days=1)
        database.exec_driver_sql("UPDATE trials SET datetime_complete = ?", (str(tomorrow),))
    claims.requeue(study, str(template))
    assert len(states(template)) == 3


# --- Pauses -----------------------------------------------------------------------------------


def paused(template, study_dir, value):
    """The id of a worker that was stopped in its first run, longer than the grace."""
    run = study_workers.fake_run(3.0, value)
    pid = study_workers.forked(study_workers.work, template, study_dir, run, max_trials=1)
    until(lambda: list((study_dir / "runs").rglob("busy")) if study_dir.exists() else False)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(2.5)
    return pid


def test_a_paused_worker_drops_its_trial(template, tmp_path):
    """One on another machine has done it meanwhile."""
    pid = paused(template, template, 77.0)
    study_workers.work(template, tmp_path / "other", study_workers.fake_run())
    os.kill(pid, signal.SIGCONT)
    assert os.waitpid(pid, 0)[1] == 0
    assert study_workers.complete_trials(template) == DONE
    first = study_workers.load(template).studies[0].get_trials()[0]
    assert first.state == TrialState.FAIL and "runs" not in first.user_attrs


@pytest.mark.slow
def test_a_paused_worker_keeps_others_from_its_folder(template):
    """Until it goes on: its process may still write there."""
    pid = paused(template, template, 77.0)
    other = study_workers.forked(study_workers.work, template, template, study_workers.fake_run())
    until(lambda: (0, 0, "FAIL") in states(template))
    time.sleep(0.5)
    assert (2, 0, "WAITING") in states(template)
    os.kill(pid, signal.SIGCONT)
    assert [os.waitpid(one, 0)[1] for one in (pid, other)] == [0, 0]
    assert set(map(len, study_workers.complete_trials(template).values())) == {1}
    assert not os.path.exists(template / "violations")


def test_a_trial_lost_before_its_end_has_no_result(template):
    study = study_workers.load(template)
    with claims.claim(study, str(template)) as one:
        claims._fail(study, one.trial_id)
        assert not claims.is_running(study, one)
        assert claims.complete(study, one, 1.0) is False
    assert study_workers.complete_trials(template)[0, 0] == []


# --- Folders that cannot be used --------------------------------------------------------------


def test_a_full_disk_ends_a_worker_in_one_line(template, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(locks.os, "open", full)
    with pytest.raises(UserError, match="No space left on device"):
        with claims.claim(study_workers.load(template), str(template)):
            pass


def test_a_file_in_the_place_of_the_runs(template):
    (template / "runs").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        study_workers.work(template, template, study_workers.fake_run())
