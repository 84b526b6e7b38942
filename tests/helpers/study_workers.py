"""Workers of studies in forked processes, whose runs are no trainings."""

import os
import sys
import time
import traceback

from compare_gan_tf.comparison.records import COMPLETE, FAILED, Run, Scored
from compare_gan_tf.study import claims, connection, storage, trials, worker

WATCHED = (claims.__file__, worker.__file__)


def a_run(value, *, name="x", seed=0, setting=None, folder=None, variant=None):
    """A run with a score; None for one that failed."""
    scored = Scored([(1, value)], 1, value, None, value, None, None, {}, "", [])
    return Run(
        name=name, variant=variant or {}, setting=setting or {}, seed=seed, task="", folder=folder,
        status=FAILED if value is None else COMPLETE, reason=None, steps=1, images=1, seconds=1.0,
        multiply_adds=None, scores={} if value is None else {"fid": scored},
    )  # fmt: skip


def fake_run(seconds=0.0, value=1.0):
    """In the place of `trials.run`: takes a while, and notes if it is not alone in its folder."""

    def run(study, study_dir, means, claimed, setting, seed):
        busy = os.path.join(claimed.folder, "busy")
        if os.path.exists(busy):
            with open(busy) as file:
                if is_alive(int(file.read())):
                    with open(os.path.join(study_dir, "violations"), "a") as log:
                        log.write(f"{claimed}\n")
        with open(busy, "w") as file:
            file.write(str(os.getpid()))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if claimed.lost.wait(0.02):
                os.remove(busy)
                return None
        os.remove(busy)
        name = os.path.relpath(claimed.folder, os.path.join(study_dir, "runs"))
        how = {"name": name, "variant": claimed.cell.variant, "setting": setting}
        return a_run(value, seed=seed, **how)

    return run


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def load(database, *, grace=1, heartbeat=1):
    """The study "one" of a folder, or of a URL."""
    url = database if "://" in str(database) else connection.default_url(str(database))
    return storage.load(connection.connect(url, grace=grace, heartbeat=heartbeat), "one")


def work(database, study_dir, run, **options):
    """Works a study off in this process; returns the number of trials."""
    original, wait = trials.run, worker._WAIT
    trials.run, worker._WAIT = run, 0.05
    try:
        return worker.work(load(database), str(study_dir), trials.Means(), **options)
    finally:
        trials.run, worker._WAIT = original, wait


def forked(function, *arguments, **keywords):
    """The id of a process that calls a function and exits, with 1 for an exception."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function(*arguments, **keywords)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def at_line(number, act):
    """Calls `act` before the line of that number which `claims` and `worker` run, from 0."""
    count = -1

    def local(frame, event, _):
        nonlocal count
        if event == "line":
            count += 1
            if count == number:
                act()
        return local

    def trace(frame, event, _):
        return local if frame.f_code.co_filename in WATCHED else None

    sys.settrace(trace)


def complete_trials(database):
    """{(cell, slot): the values of its complete trials}."""
    study = load(database)
    found = {}
    for cell in study.cells:
        for trial in study.studies[cell.number].get_trials(deepcopy=False):
            values = found.setdefault((cell.number, trial.user_attrs["slot"]), [])
            if trial.state.name == "COMPLETE":
                values.append(trial.value)
    return found
