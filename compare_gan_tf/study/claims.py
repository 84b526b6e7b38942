"""Which worker runs which trial: one at a time, and none is lost with its worker.

Of a slot's trials, the first one that has not failed counts: only it may run, and a slot is done
when it is complete. A trial that failed stays so; whoever sees a slot of failed trials alone adds
another. So a slot completes exactly once, even if two of them add one.

A worker takes a trial in two steps. It locks the folder of the trial's slot, which keeps all others
on this file system out until it unlocks it or dies; then the storage turns the trial from waiting
into running, which succeeds for one worker alone. While the trial runs, it gives signs of life. A
trial without one fails after a while, and at once where a worker sees that the lock is free. So a
worker that was paused for long, and goes on, finds its trial failed and drops it; until then its
lock has kept the folder from others.
"""

import contextlib
import dataclasses
import os
import socket
import threading
from collections.abc import Iterator

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from compare_gan_tf.storage import locks
from compare_gan_tf.study import connection, optuna_insides
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.optuna_insides import Row
from compare_gan_tf.study.storage import Study

_KEPT = (
    optuna_insides.SLOT,
    "runs",
    "seconds",
)  # attributes that a trial has from the one it replaces


@dataclasses.dataclass(frozen=True)
class Claim:
    """A trial that this worker runs."""

    cell: Cell
    slot: int
    trial_id: int
    folder: str  # of the slot, locked
    lost: threading.Event  # set when the storage does not count it as running any more


def folder_of(study_dir: str, cell: Cell, slot: int) -> str:
    """Where the runs of a slot lie, one for each seed."""
    return os.path.join(study_dir, "runs", cell.folder, f"{slot:03d}")


def place(folder: str) -> str:
    """Names a folder among all of all machines, so long as this one runs."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot, status = file.read().strip(), os.stat(folder)
    return f"{boot}:{status.st_dev}:{status.st_ino}"


# --- Taking a trial ---------------------------------------------------------------------------


@contextlib.contextmanager
def claim(study: Study, study_dir: str) -> Iterator[Claim | None]:
    """Takes the next trial that waits, all cells in turn; None where none can be taken now.

    An exception in the `with` gives the trial back.
    """
    for cell, row in _waiting(study):
        folder = folder_of(study_dir, cell, row.slot)
        os.makedirs(folder, exist_ok=True)
        lock = contextlib.ExitStack()
        try:
            lock.enter_context(locks.sole_writer(folder, "trial"))
        except locks.Held:
            continue
        with lock:
            if _begin(study, row):
                with _running(
                    study, Claim(cell, row.slot, row.trial_id, folder, threading.Event())
                ) as claimed:
                    yield claimed
                return
    yield None


def _waiting(study: Study) -> list[tuple[Cell, Row]]:
    found = [one for one in study.current() if one[1].state == TrialState.WAITING]
    return sorted(found, key=lambda one: (one[1].slot, one[0].number))


def _begin(study: Study, row: Row) -> bool:
    """Turns a waiting trial into a running one; False if another worker did."""
    study.storage.record_heartbeat(
        row.trial_id
    )  # first: what runs without one seems alive for ever
    try:
        return study.storage.set_trial_state_values(row.trial_id, TrialState.RUNNING)
    except UpdateFinishedTrialError:
        return False


@contextlib.contextmanager
def _running(study: Study, claimed: Claim) -> Iterator[Claim]:
    """Gives signs of life again and again until the trial ends, and gives it back on an error."""
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(study.storage.get_heartbeat_interval() or connection.HEARTBEAT):
            with contextlib.suppress(Exception):  # of the storage; the worker meets it as well
                study.storage.record_heartbeat(claimed.trial_id)
                if not is_running(study, claimed):
                    claimed.lost.set()
                    return

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield claimed
    except BaseException:
        with contextlib.suppress(Exception):  # the storage may be what failed
            _fail(study, claimed.trial_id)
        raise
    finally:
        ended.set()
        thread.join()


def begin(study: Study, claimed: Claim) -> optuna.Trial:
    """Notes where a trial runs, and has its settings chosen.

    Raises:
      UpdateFinishedTrialError: the trial was given to another worker.
    """
    for name, value in (("host", socket.gethostname()), ("place", place(claimed.folder))):
        study.storage.set_trial_user_attr(claimed.trial_id, name, value)
    of_cell = study.studies[claimed.cell.number]
    of_cell.get_trials(deepcopy=False)  # Optuna's cache writes to trials alone that it has read
    return optuna.trial.Trial(of_cell, claimed.trial_id)


def complete(study: Study, claimed: Claim, value: float) -> bool:
    """Completes a trial; False where it was given to another worker."""
    try:
        return study.storage.set_trial_state_values(claimed.trial_id, TrialState.COMPLETE, [value])
    except UpdateFinishedTrialError:
        return False


def is_running(study: Study, claimed: Claim) -> bool:
    """Whether the storage counts a trial as running: not after its worker was thought dead."""
    return study.storage.get_trial(claimed.trial_id).state == TrialState.RUNNING


# --- Trials whose workers died ----------------------------------------------------------------


def requeue(study: Study, study_dir: str) -> None:
    """Puts another trial in the place of each whose worker has died, or has given it back."""
    current = study.current()
    running = [one for one in current if one[1].state == TrialState.RUNNING]
    stale = optuna_insides.stale(study.storage, [row.trial_id for _, row in running])
    for cell, row in running:
        if row.trial_id in stale:
            _fail(study, row.trial_id)
        else:
            _fail_if_dead(study, folder_of(study_dir, cell, row.slot), row)
    if any(row.state == TrialState.FAIL for _, row in (study.current() if running else current)):
        with contextlib.suppress(locks.Held), locks.sole_writer(study_dir, "queue"):
            for cell, row in study.current():
                if row.state == TrialState.FAIL:
                    _replace(study, cell, row)


def _fail_if_dead(study: Study, folder: str, row: Row) -> None:
    """Fails a running trial of this very folder whose lock nobody holds."""
    attributes = study.storage.get_trial_user_attrs(row.trial_id)
    if not os.path.isdir(folder) or attributes.get("place") != place(folder):
        return
    with contextlib.suppress(locks.Held), locks.sole_writer(folder, "trial"):
        _fail(study, row.trial_id)


def _fail(study: Study, trial_id: int) -> None:
    """Fails a running trial; nothing where it has ended."""
    with contextlib.suppress(UpdateFinishedTrialError):
        study.storage.set_trial_state_values(trial_id, TrialState.FAIL)


def _replace(study: Study, cell: Cell, row: Row) -> None:
    """Adds a trial of the same slot and settings."""
    failed = study.storage.get_trial(row.trial_id)
    fixed = {name: one for name, one in failed.system_attrs.items() if name == "fixed_params"}
    study.studies[cell.number].add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=failed.params,
            distributions=failed.distributions,
            user_attrs={name: one for name, one in failed.user_attrs.items() if name in _KEPT},
            system_attrs=fixed,
        )
    )
