"""A study on two machines: two folders, and one PostgreSQL server, which the test starts."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

pytest.importorskip("optuna")
pytest.importorskip("psycopg")

import study_workers

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import claims, connection

PLACES = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))  # of Debian's packages


def as_user(*command):
    """A command as one that the server accepts: it refuses root."""
    found = [str(one) for one in command]
    return found if os.getuid() else ["runuser", "-u", "postgres", "--", *found]


@pytest.fixture(scope="module")
def server():
    """(the folder of its socket, a function that runs `pg_ctl`)."""
    if not PLACES:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    if not os.getuid() and (
        not shutil.which("runuser")
        or subprocess.run(as_user("true"), capture_output=True, check=False).returncode
    ):
        pytest.skip("PostgreSQL refuses root, and there is no user postgres")
    # Not in pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        if not os.getuid():
            shutil.chown(folder, "postgres", "postgres")
        data = os.path.join(folder, "data")

        def control(*arguments):
            command = as_user(PLACES[-1] / "pg_ctl", "-D", data, "-w", "-t", "120", *arguments)
            with open(os.devnull, "w") as nothing:  # the server keeps what it is given
                subprocess.run(command, check=True, stdout=nothing, stderr=nothing, cwd=folder)

        command = as_user(PLACES[-1] / "initdb", "-D", data, "-U", "me", "-A", "trust", "-N")
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        control("-o", f"-k {folder} -c listen_addresses='' -F", "-l", f"{folder}/log", "start")
        try:
            yield folder, control
        finally:
            control("-m", "immediate", "stop")


@pytest.fixture
def url(server, request):
    """Of a new database."""
    import psycopg

    name = str(abs(hash(request.node.name)))
    with psycopg.connect(f"host={server[0]} user=me dbname=postgres", autocommit=True) as opened:
        opened.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://me@/{name}?host={server[0]}"


@pytest.mark.slow
def test_two_machines_work_off_one_study(url, make, tmp_path):
    """One of four workers is killed and one is paused; every slot completes once."""
    study = make(
        tmp_path / "made",
        opened=connection.connect(url),
        axes='{"x": {"a": [], "b": []}}',
        settings=repr({"a.b": list(range(30))}),
    )
    hosts = [tmp_path / "first", tmp_path / "first", tmp_path / "second", tmp_path / "second"]
    workers = [
        study_workers.forked(study_workers.work, url, host, study_workers.fake_run(0.5, float(i)))
        for i, host in enumerate(hosts)
    ]
    while (
        sum(map(len, study_workers.complete_trials(url).values())) < 8
    ):  # of 60, half a second each
        time.sleep(0.2)
    os.kill(workers[0], signal.SIGKILL)
    os.kill(workers[2], signal.SIGSTOP)
    time.sleep(3)  # longer than the grace of `study_workers`
    os.kill(workers[2], signal.SIGCONT)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]
    assert codes == [-signal.SIGKILL, 0, 0, 0]
    found = study_workers.complete_trials(url)
    assert len(found) == 60 and {len(values) for values in found.values()} == {1}
    assert not list(tmp_path.rglob("violations"))
    assert {value for (value,) in found.values()} >= {1.0, 3.0}  # both machines took part
    every = [trial for one in study.studies for trial in one.get_trials()]
    failed = [trial for trial in every if trial.state.name == "FAIL"]
    assert failed  # those of the killed worker or of the paused one


@pytest.mark.slow
def test_many_workers_begin_a_trial_once(url, make, tmp_path):
    """PostgreSQL locks the row of a trial, as no folder does it here: each worker has its own."""
    make(
        tmp_path / "made",
        opened=connection.connect(url),
        axes='{"x": {"a": [], "b": []}}',
        settings=repr({"a.b": list(range(12))}),
    )
    workers = [
        study_workers.forked(study_workers.work, url, tmp_path / str(i), study_workers.fake_run())
        for i in range(6)
    ]
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 6
    found = study_workers.complete_trials(url)
    assert {len(values) for values in found.values()} == {1}


@pytest.mark.slow
def test_a_server_that_goes_away_is_one_line(server, url, make, tmp_path):
    _, control = server
    make(
        tmp_path / "made",
        opened=connection.connect(url),
        axes='{"x": {"a": [], "b": []}}',
        settings=repr({"a.b": list(range(12))}),
    )
    study = study_workers.load(url)
    control("-m", "immediate", "stop")
    with pytest.raises(UserError, match="does the database run") as error:
        with connection.explained(url):
            claims.requeue(study, str(tmp_path))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="does the database run"):
        connection.connect(url)
    control("start")
