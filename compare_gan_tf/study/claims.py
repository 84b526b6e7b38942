"""Which worker runs which trial: one at a time, and none is lost with its worker.

A worker takes a trial in two steps. It locks the folder of the trial's slot, which keeps all others
on this file system out until it unlocks it or dies; then the storage turns the trial from waiting
into running, which succeeds for one worker alone. While the trial runs, it gives signs of life. A
trial without one fails, and another waits in its place: at once where this machine sees that the
lock is free, else after a while. So a worker that was paused for long, and goes on, finds its trial
failed and drops it; until then its lock has kept the folder from others.
"""

import contextlib
import dataclasses
import datetime
import os
import socket
import threading
from collections.abc import Iterator

import optuna
from optuna.trial import FrozenTrial, TrialState

from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import locks
from compare_gan_tf.study import connection
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.storage import Study

_MOMENT = 10  # seconds that lie between a failed trial and the one in its place, at most


@dataclasses.dataclass(frozen=True)
class Claim:
    """A trial that this worker runs."""

    cell: Cell
    slot: int
    trial: optuna.Trial
    folder: str  # of the slot, locked
    lost: threading.Event  # set when the storage does not count it as running any more


def folder_of(study_dir: str, cell: Cell, slot: int) -> str:
    """Where the runs of a slot lie, one for each seed."""
    return os.path.join(study_dir, "runs", cell.folder, f"{slot:03d}")


def place() -> str:
    """This machine, as trials have it."""
    return socket.gethostname()


@contextlib.contextmanager
def claim(study: Study, study_dir: str) -> Iterator[Claim | None]:
    """Takes the next trial that waits, all cells in turn; None where none can be taken now."""
    with contextlib.ExitStack() as held:
        found = None
        for cell, slot, trial in _waiting(study):
            folder = folder_of(study_dir, cell, slot)
            with contextlib.ExitStack() as lock:
                try:
                    os.makedirs(folder, exist_ok=True)
                    lock.enter_context(locks.sole_writer(folder, "trial"))
                except UserError:
                    continue
                if not _begin(study, cell, trial):
                    continue
                held.push(lock.pop_all())
                one = optuna.trial.Trial(study.studies[cell.number], trial._trial_id)
                lost = threading.Event()
                found = Claim(cell, slot, one, folder, lost)
                held.enter_context(_signs_of_life(study, found))
                one.set_user_attr("host", place())
                one.set_user_attr("study_dir", os.path.abspath(study_dir))
                break
        yield found


def _waiting(study: Study) -> list[tuple[Cell, int, FrozenTrial]]:
    found = []
    for cell in study.cells:
        for trial in study.studies[cell.number].get_trials(
            deepcopy=False, states=(TrialState.WAITING,)
        ):
            found.append((cell, trial.user_attrs["slot"], trial))
    return sorted(found, key=lambda one: (one[1], one[0].number))


def _begin(study: Study, cell: Cell, trial: FrozenTrial) -> bool:
    """Turns a waiting trial into a running one; False if another worker did."""
    done = {
        one.user_attrs["slot"] for one in study.trials(cell) if one.state == TrialState.COMPLETE
    }
    try:
        if not study.storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
            return False
        if trial.user_attrs["slot"] in done:  # put there twice
            study.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            return False
    except optuna.exceptions.UpdateFinishedTrialError:
        return False
    return True


@contextlib.contextmanager
def _signs_of_life(study: Study, claimed: Claim) -> Iterator[None]:
    """Gives one at once, and then again and again until the trial ends."""
    ended, trial_id = threading.Event(), claimed.trial._trial_id
    interval = study.storage.get_heartbeat_interval() or connection.HEARTBEAT

    def give() -> None:
        while not ended.wait(interval):
            with contextlib.suppress(Exception):  # of the storage; the worker meets it as well
                study.storage.record_heartbeat(trial_id)
                if not is_running(study, claimed):
                    claimed.lost.set()
                    return

    study.storage.record_heartbeat(trial_id)
    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_running(study: Study, claimed: Claim) -> bool:
    """Whether the storage counts a trial as running: not after its worker was thought dead."""
    return study.storage.get_trial(claimed.trial._trial_id).state == TrialState.RUNNING


# --- Trials whose workers died ----------------------------------------------------------------


def requeue(study: Study, study_dir: str) -> int:
    """Puts another trial in the place of each whose worker has died; returns how many."""
    number = 0
    for cell in study.cells:
        optuna_study = study.studies[cell.number]
        optuna.storages.fail_stale_trials(optuna_study)
        for trial in study.trials(cell):
            if trial.state == TrialState.RUNNING:
                number += _fail_if_dead(study, study_dir, cell, trial)
            elif trial.state == TrialState.FAIL:
                number += _replace_lost(study, study_dir, cell, trial)
    return number


def _fail_if_dead(study: Study, study_dir: str, cell: Cell, trial: FrozenTrial) -> int:
    """Fails a running trial of this machine and folder whose lock nobody holds."""
    attributes = trial.user_attrs
    if (attributes.get("host"), attributes.get("study_dir")) != (
        place(),
        os.path.abspath(study_dir),
    ):
        started = trial.datetime_start or datetime.datetime.now()
        age = (datetime.datetime.now() - started).total_seconds()
        if "study_dir" in attributes or age < connection.GRACE:
            return 0  # of another machine, or just begun
    folder = folder_of(study_dir, cell, attributes["slot"])
    if not os.path.isdir(folder):
        return 0
    try:
        with locks.sole_writer(folder, "trial"):
            fail(study, cell, trial._trial_id)
    except UserError:
        return 0  # its worker lives
    return 1


def fail(study: Study, cell: Cell, trial_id: int) -> None:
    """Fails a running trial and puts another in its place; nothing where it has ended."""
    try:
        study.storage.set_trial_state_values(trial_id, TrialState.FAIL)
    except optuna.exceptions.UpdateFinishedTrialError:
        return
    again = study.storage.get_heartbeat_stale_trial_callback()
    again(study.studies[cell.number], study.storage.get_trial(trial_id))


def _replace_lost(study: Study, study_dir: str, cell: Cell, trial: FrozenTrial) -> int:
    """Puts a trial in the place of a failed one where a process died between the two."""
    ended = trial.datetime_complete
    if ended is None or (datetime.datetime.now() - ended).total_seconds() < _MOMENT:
        return 0
    with contextlib.suppress(UserError), locks.sole_writer(study_dir, "queue"):
        newest = {one.user_attrs["slot"]: one for one in study.trials(cell)}
        if newest[trial.user_attrs["slot"]].number == trial.number:
            study.storage.get_heartbeat_stale_trial_callback()(study.studies[cell.number], trial)
            return 1
    return 0
