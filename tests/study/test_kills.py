"""The smallest study, whose workers, runs and driver are killed again and again."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

STEPS, SEEDS = 1000, [0, 1, 2]  # of study/digits.gin
KILLS, OF_DRIVER = 30, 3
PATIENCE = 3000  # seconds


def start(folder):
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "study", "--workers=2"]
    command += ["--gin_config=study/digits.gin", f"--study_dir={folder}"]
    with open(f"{folder}.log", "ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def below(pid):
    """[(process, its depth below `pid`)], from /proc."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                status = pathlib.Path(entry.path, "stat").read_text()
            except OSError:
                continue
            state, parent = status.rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found, level, depth = [], {pid}, 0
    while level:
        depth += 1
        level = {one for one, parent in parents.items() if parent in level}
        found += [(one, depth) for one in level]
    return found


def alive(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def records(folder):
    """{run: its record}, without what depends on the machine's speed or the folder's name."""
    found = {}
    for path in sorted(pathlib.Path(folder, "runs").rglob("record.json")):
        record = json.loads(path.read_text())
        found[str(path.parent.relative_to(folder))] = {
            name: one for name, one in record.items() if name not in ("seconds", "folder")
        }
    return found


def weights(folder, run):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(f"{folder}/{run}/checkpoints/ckpt-{STEPS}")
    names = sorted(reader.get_variable_to_shape_map())
    # TensorFlow counts how often it has saved, and a run that was killed has saved more often.
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def states(folder):
    from compare_gan_tf.study import connection, storage

    study = storage.load(connection.connect(connection.default_url(str(folder))), "digits")
    every = [(cell.number, trial) for cell in study.cells
             for trial in study.studies[cell.number].get_trials()]  # fmt: skip
    return [
        (number, trial.user_attrs["slot"], [one["seed"] for one in trial.user_attrs["runs"]])
        for number, trial in every
        if trial.state.name == "COMPLETE"
    ]


def disturb(folder, draw, seconds):
    """Works a study off, and kills KILLS of its processes, OF_DRIVER times the driver itself.

    All in the `seconds` that it takes when nothing is killed, and sooner if the machine is faster
    now: the last of them before 15 of the 18 runs are done.
    """
    driver, killed = start(folder), {"driver": 0, "worker": 0, "run": 0}
    end = time.monotonic() + PATIENCE
    of_driver = set(draw.sample(range(KILLS), OF_DRIVER))
    while time.monotonic() < end:
        wait = time.monotonic() + draw.uniform(0.5, 1.3) * seconds / KILLS
        soon = (sum(killed.values()) + 1) / KILLS * 15  # of the 18 runs done
        while driver.poll() is None and time.monotonic() < wait and len(records(folder)) < soon:
            time.sleep(0.1)
        if driver.poll() is not None:
            break
        number, processes = sum(killed.values()), below(driver.pid)
        if number >= KILLS or len(processes) < 2:
            continue
        if number in of_driver:
            driver.kill()
            driver.wait()
            time.sleep(3)
            assert alive(pid for pid, _ in processes) == []
            driver = start(folder)
            killed["driver"] += 1
            continue
        pid, depth = draw.choice(processes)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed["worker" if depth == 1 else "run"] += 1
    return driver, killed


@pytest.mark.slow
def test_a_study_under_kills_is_that_of_an_undisturbed_one(tmp_path):
    begun, quiet = time.monotonic(), start(tmp_path / "quiet")
    assert quiet.wait(PATIENCE) == 0, (tmp_path / "quiet.log").read_text()[-2000:]
    seconds = time.monotonic() - begun
    driver, killed = disturb(tmp_path / "killed", random.Random(0), seconds)
    left = below(driver.pid)
    assert driver.wait(1) == 0, (tmp_path / "killed.log").read_text()[-2000:]
    assert sum(killed.values()) == KILLS, killed
    assert alive(pid for pid, _ in left) == []
    expected = records(tmp_path / "quiet")
    assert len(expected) == 6 * len(SEEDS) and records(tmp_path / "killed") == expected
    assert states(tmp_path / "killed") == [(number, 0, SEEDS) for number in range(6)]
    for run in expected:
        ours, theirs = weights(tmp_path / "killed", run), weights(tmp_path / "quiet", run)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
